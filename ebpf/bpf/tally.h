/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Counts and latencies by what they belong to: a destination, a process, a device. Complete, whatever the budget.
 */
#ifndef ONCALM_TALLY_H
#define ONCALM_TALLY_H

#include "common.h"

#define FINE 4 /* steps to each power of two: a figure is off by an eighth at most */
#define SLOTS (FINE * 40)

struct tally {
	__u64 count;
	__u64 marked; /* of those, with what the probe marks: retried, failed, suspicious */
	__u64 ns;
	__u64 most;
	__u64 extra; /* bytes, tries: what the probe sums up */
	__u32 slots[SLOTS];
};

/* One without anything, to begin with. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} untouched SEC(".maps");

#define TALLIES 4096

/* A table `tallies` by keys of one type; `struct TYPE` must hold no padding. */
#define TALLIED_BY(kind)                          \
	struct {                                  \
		__uint(type, BPF_MAP_TYPE_HASH);  \
		__uint(max_entries, TALLIES);     \
		__type(key, kind);                \
		__type(value, struct tally);      \
	} tallies SEC(".maps")

static __always_inline struct tally *tally_of(void *table, const void *key)
{
	struct tally *found = bpf_map_lookup_elem(table, key), *first;
	__u32 zero = 0;

	if (found)
		return found;
	first = bpf_map_lookup_elem(&untouched, &zero);
	if (first)
		bpf_map_update_elem(table, key, first, BPF_NOEXIST); /* another CPU may be first */
	found = bpf_map_lookup_elem(table, key);
	if (!found)
		count(UNTRACKED); /* the table is full: in the counters and in `latencies`, not in a list */
	return found;
}

static __always_inline void add(struct tally *t, __u64 ns, __u64 marked, __u64 extra)
{
	__u32 power = log2_of(ns | 1), slot;

	if (power > 39)
		power = 39;
	slot = (power < 2 ? ns & 3 : (ns >> (power - 2)) & 3) + power * FINE;
	__sync_fetch_and_add(&t->count, 1);
	__sync_fetch_and_add(&t->ns, ns);
	if (marked)
		__sync_fetch_and_add(&t->marked, marked);
	if (extra)
		__sync_fetch_and_add(&t->extra, extra);
	if (ns > t->most)
		t->most = ns; /* two CPUs may race: one of two like figures stays */
	if (slot < SLOTS)
		__sync_fetch_and_add(&t->slots[slot], 1);
}

#endif
