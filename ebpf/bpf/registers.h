/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * The number of the system call that a thread is in, in its saved registers.
 */
#ifndef ONCALM_REGISTERS_H
#define ONCALM_REGISTERS_H

#include "common.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs___call {
	unsigned long orig_ax;
	unsigned long di;
	unsigned long si;
};
#define CALL_OF(regs) ((__s64)BPF_CORE_READ((struct pt_regs___call *)(regs), orig_ax))
#define FIRST_OF(regs) BPF_CORE_READ((struct pt_regs___call *)(regs), di)
#define SECOND_OF(regs) BPF_CORE_READ((struct pt_regs___call *)(regs), si)
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs___call {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
};
#define CALL_OF(regs) ((__s64)BPF_CORE_READ((struct pt_regs___call *)(regs), syscallno))
#define FIRST_OF(regs) BPF_CORE_READ((struct pt_regs___call *)(regs), regs[0])
#define SECOND_OF(regs) BPF_CORE_READ((struct pt_regs___call *)(regs), regs[1])
#else
#error "only x86-64 and arm64 are known here"
#endif

#pragma clang attribute pop

#endif
