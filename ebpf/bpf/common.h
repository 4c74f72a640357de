/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * What all probes share: counters that account for everything seen, a budget of events, and one ring buffer.
 *
 * The identity that holds for every probe and at every moment:
 *     seen = events + suppressed + lost + in flight
 */
#ifndef ONCALM_COMMON_H
#define ONCALM_COMMON_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL"; /* the kernel asks for it: tracing helpers are for GPL programs only */

#define SECOND 1000000000ULL

/* Slots of the array `counters`, summed over CPUs by the reader. ebpf/accounting.py has the same names. */
enum counter {
	SEEN,       /* begun: a request, a datagram, a thing that happened */
	EVENTS,     /* handed to the ring buffer */
	SUPPRESSED, /* over the budget: counted and measured, not handed out */
	LOST,       /* the ring buffer was full */
	DUPLICATES, /* retransmitted segments, left out */
	GAPS,       /* segments that came out of order or not at all */
	UNPARSED,   /* payload with no request before it: joined in the middle, or another protocol */
	UNTRACKED,  /* no memory for another connection or entry */
	CALLS,      /* runs of our programs: what the price is computed from */
	COUNTERS
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} ring SEC(".maps");

/* Set before loading; constants to the verifier. */
const volatile __u64 budget = 100;      /* events a second and CPU; 0: all */
const volatile __u64 slow = SECOND / 2; /* ns from where on a thing counts as slow, and has the reserved half of the budget */

/* Whether `size`, a variable of 64 bits, is 1 to `most`; said so that no compiler joins both bounds into one that hides them from
 * the verifier. Of `!= 0` verifiers before 6.8 or so do not conclude that it is 1 at least, of a signed comparison they do. */
#define BOUNDED(size, most)                             \
	(({                                             \
		barrier_var(size);                      \
		(__s64)(size) > 0;                      \
	}) && ({                                        \
		barrier_var(size);                      \
		(size) <= (most);                       \
	}))

static __always_inline void count(__u32 which)
{
	__u64 *slot = bpf_map_lookup_elem(&counters, &which);

	if (slot)
		__sync_fetch_and_add(slot, 1); /* a softirq may come between, on the same CPU */
}

/* A run of a program. Not atomic: it makes a price, not an account, and happens at every packet. */
static __always_inline void count_call(void)
{
	__u32 which = CALLS;
	__u64 *slot = bpf_map_lookup_elem(&counters, &which);

	if (slot)
		*slot += 1;
}

/* Two buckets a CPU: what is usual may take the first alone, errors and slow things both. */
struct bucket {
	__u64 since;
	__u64 usual;
	__u64 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

static __always_inline int within_budget(__u64 now, int special)
{
	__u32 zero = 0;
	struct bucket *b;

	if (!budget)
		return 1;
	b = bpf_map_lookup_elem(&buckets, &zero);
	if (!b)
		return 0;
	if (now - b->since >= SECOND) {
		b->since = now;
		b->usual = budget / 2 + (budget & 1);
		b->reserved = budget / 2;
	}
	if (b->usual) {
		b->usual--;
		return 1;
	}
	if (special && b->reserved) {
		b->reserved--;
		return 1;
	}
	return 0;
}

/* Latencies of all, also of what is suppressed: 16 steps to each power of two of ns, by outcome. */
#define STEPS 16
#define BUCKETS (STEPS * 48)
#define OUTCOMES 7 /* 0 none, 1..5 the class of a status, 6 an error of other protocols */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUCKETS * OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} latencies SEC(".maps");

static __always_inline __u32 log2_of(__u64 v)
{
	__u32 r = 0;

	if (v >> 32) { v >>= 32; r += 32; }
	if (v >> 16) { v >>= 16; r += 16; }
	if (v >> 8) { v >>= 8; r += 8; }
	if (v >> 4) { v >>= 4; r += 4; }
	if (v >> 2) { v >>= 2; r += 2; }
	if (v >> 1) { r += 1; }
	return r;
}

static __always_inline void measure(__u64 ns, __u32 outcome)
{
	__u32 power = log2_of(ns | 1), slot;
	__u64 *value;

	if (power > 47)
		power = 47;
	slot = power < 4 ? ns & 15 : (ns >> (power - 4)) & 15; /* below 16 ns the steps are the ns themselves */
	slot += power * STEPS;
	if (outcome >= OUTCOMES)
		outcome = 0;
	slot += outcome * BUCKETS;
	value = bpf_map_lookup_elem(&latencies, &slot);
	if (value)
		__sync_fetch_and_add(value, 1);
}

#endif
