/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Call stacks by number. Those of programs follow frame pointers: code built without them shows its innermost function alone.
 */
#ifndef ONCALM_STACKS_H
#define ONCALM_STACKS_H

#include "common.h"

#define FRAMES 127

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8192);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, FRAMES * sizeof(__u64));
} stacks SEC(".maps");

#define USER_STACK(ctx) ((__s32)bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK))
#define KERNEL_STACK(ctx) ((__s32)bpf_get_stackid(ctx, &stacks, 0))

#endif
