/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Call stacks by number. Those of programs follow frame pointers: code built without them shows its innermost function alone.
 */
#ifndef ONCALM_STACKS_H
#define ONCALM_STACKS_H

#include "common.h"

struct frames {
	__u64 addresses[127]; /* the most that the kernel keeps; the innermost first, 0 where they end */
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct frames);
} stacks SEC(".maps");

/* A walk over a stack costs as much as so many runs of an ordinary program (evals/bench/ebpf_signals.py): the price counts it so. */
#define WALK 7

static __always_inline __s32 stack_of(void *ctx, __u64 flags)
{
	__u32 calls = CALLS;
	__u64 *slot = bpf_map_lookup_elem(&counters, &calls);

	if (slot)
		__sync_fetch_and_add(slot, WALK);
	return bpf_get_stackid(ctx, &stacks, flags);
}

#define USER_STACK(ctx) stack_of(ctx, BPF_F_USER_STACK)
#define KERNEL_STACK(ctx) stack_of(ctx, 0)

#endif
