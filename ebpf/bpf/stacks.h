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

#define USER_STACK(ctx) ((__s32)bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK))
#define KERNEL_STACK(ctx) ((__s32)bpf_get_stackid(ctx, &stacks, 0))

#endif
