/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * What the CPUs do, looked at so many times a second: stacks of the program and of the kernel, counted.
 */
#include "stacks.h"
#include "target.h"

struct place {
	__u32 pid;
	__s32 user;
	__s32 kernel;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct place);
	__type(value, __u64);
} places SEC(".maps");

enum whose { IDLE, OTHERS, WANTED, WHOSE };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WHOSE);
	__type(key, __u32);
	__type(value, __u64);
} samples SEC(".maps");

static __always_inline void one_more(__u32 whose)
{
	__u64 *slot = bpf_map_lookup_elem(&samples, &whose);

	if (slot)
		(*slot)++;
}

SEC("perf_event")
int sampled(struct bpf_perf_event_data *ctx)
{
	__u64 both = bpf_get_current_pid_tgid(), *found, one = 1;
	struct place place = {};

	count(CALLS);
	if (!(__u32)both) {
		one_more(IDLE);
		return 0;
	}
	if (!current_wanted()) {
		one_more(OTHERS);
		return 0;
	}
	one_more(WANTED);
	count(SEEN);
	count(SUPPRESSED); /* no event for a sample: it is counted where it was */
	place.pid = both >> 32;
	place.user = USER_STACK(ctx);
	place.kernel = KERNEL_STACK(ctx);
	bpf_get_current_comm(place.name, sizeof(place.name));
	found = bpf_map_lookup_elem(&places, &place);
	if (found) {
		__sync_fetch_and_add(found, 1);
	} else if (bpf_map_update_elem(&places, &place, &one, BPF_NOEXIST)) {
		found = bpf_map_lookup_elem(&places, &place);
		if (found)
			__sync_fetch_and_add(found, 1);
		else
			count(UNTRACKED);
	}
	return 0;
}
