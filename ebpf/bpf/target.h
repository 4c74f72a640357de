/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Whom a probe looks at: one process, or a control group (version 2) and those below it. And what it notes of a task.
 */
#ifndef ONCALM_TARGET_H
#define ONCALM_TARGET_H

#include "common.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	__u64 id;
	const char *name;
	struct kernfs_node *parent;
};

struct kernfs_node___v615 { /* renamed in 6.15 */
	struct kernfs_node *__parent;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

struct mm_struct;
struct signal_struct;

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	unsigned int __state;
	unsigned in_iowait : 1;
	__u64 start_time;
	char comm[16];
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct css_set *cgroups;
};

struct task_struct___v513 { /* __state since 5.14 */
	volatile long state;
};

#pragma clang attribute pop

/* Set before loading; 0: any. */
const volatile __u32 target_pid;
const volatile __u64 target_cgroup; /* inode of its folder */

#define DEPTH 8 /* control groups above a task that are looked at */

static __always_inline int group_wanted(struct cgroup *group)
{
	int level;

	for (level = 0; level < DEPTH && group; level++) {
		if (BPF_CORE_READ(group, kn, id) == target_cgroup)
			return 1;
		group = (void *)BPF_CORE_READ(group, self.parent); /* a group begins with its own state */
	}
	return 0;
}

static __always_inline int task_wanted(struct task_struct *task)
{
	if (target_pid && (__u32)BPF_CORE_READ(task, tgid) != target_pid)
		return 0;
	return !target_cgroup || group_wanted(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline int current_wanted(void)
{
	if (target_pid && bpf_get_current_pid_tgid() >> 32 != target_pid)
		return 0;
	if (!target_cgroup || bpf_get_current_cgroup_id() == target_cgroup)
		return 1;
	return group_wanted(BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), cgroups, dfl_cgrp));
}

static __always_inline unsigned int state_of(struct task_struct *task)
{
	if (bpf_core_field_exists(struct task_struct, __state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___v513 *)task, state);
}

static __always_inline __u64 group_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

const volatile __u64 least; /* ns from where on a single thing is worth an event at all */

/* Whether an event may be handed out; accounts for it when not. */
static __always_inline int may_tell(__u64 now, int special)
{
	if (within_budget(now, special))
		return 1;
	count(SUPPRESSED);
	return 0;
}

static __always_inline int may_tell_of(__u64 ns, __u64 now, int special)
{
	if (ns >= least && within_budget(now, special || ns >= slow))
		return 1;
	count(SUPPRESSED);
	return 0;
}

/* Room in the ring buffer for one event. It is asked once whether there is: verifiers before 6.3 forget the answer. */
#define ROOM(type) bpf_ringbuf_reserve(&ring, sizeof(type), 0)

#endif
