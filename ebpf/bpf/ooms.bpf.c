/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Processes that the kernel killed for want of memory: whom, how large, in which control group, at whose allocation.
 */
#include "target.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

enum cgroup_subsys_id {
	memory_cgrp_id,
};

struct page_counter {
	unsigned long max;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
};

struct percpu_counter {
	__s64 count;
};

struct mm_struct {
	unsigned long total_vm;
	struct percpu_counter rss_stat[4]; /* since 6.2: file, anonymous, swap, shared; near values */
};

typedef struct {
	__s64 counter;
} number;

struct mm_rss_stat {
	number count[4];
};

struct mm_struct___v61 {
	struct mm_rss_stat rss_stat;
};

struct signal_struct {
	short oom_score_adj;
};

#pragma clang attribute pop

#define NAME 128

struct killed {
	__u64 at;
	__u64 total;     /* pages */
	__u64 file;
	__u64 anonymous;
	__u64 shared;
	__u64 limit;     /* pages; of the control group that holds it */
	__u64 group;     /* inode of that control group's folder */
	__u32 pid;
	__u32 by;        /* whose allocation it was */
	__s32 adjusted;
	__u32 known;     /* the task was given, not only its number (before 6.8) */
	char name[16];
	char by_name[16];
	char folder[NAME];
	char above[NAME];
};

static __always_inline __u64 pages(struct mm_struct *mm, const int which)
{
	__s64 found;

	if (bpf_core_field_exists(struct mm_struct, rss_stat[0].count))
		found = which == 0   ? BPF_CORE_READ(mm, rss_stat[0].count)
			: which == 1 ? BPF_CORE_READ(mm, rss_stat[1].count)
				     : BPF_CORE_READ(mm, rss_stat[3].count);
	else
		found = which == 0   ? BPF_CORE_READ((struct mm_struct___v61 *)mm, rss_stat.count[0].counter)
			: which == 1 ? BPF_CORE_READ((struct mm_struct___v61 *)mm, rss_stat.count[1].counter)
				     : BPF_CORE_READ((struct mm_struct___v61 *)mm, rss_stat.count[3].counter);
	return found < 0 ? 0 : found;
}

static __always_inline struct kernfs_node *above(struct kernfs_node *node)
{
	if (bpf_core_field_exists(struct kernfs_node, parent))
		return BPF_CORE_READ(node, parent);
	return BPF_CORE_READ((struct kernfs_node___v615 *)node, __parent);
}

static __always_inline void memory_of(struct task_struct *task, struct killed *told)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = 0;
	struct kernfs_node *node, *parent;
	__u64 at;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return;
	at = bpf_core_field_offset(struct css_set, subsys) + 8 * bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	if (bpf_probe_read_kernel(&css, sizeof(css), (void *)set + at) || !css)
		return;
	told->limit = BPF_CORE_READ((struct mem_cgroup *)css, memory.max);
	node = BPF_CORE_READ(css, cgroup, kn);
	told->group = BPF_CORE_READ(node, id);
	bpf_probe_read_kernel_str(told->folder, NAME, BPF_CORE_READ(node, name));
	parent = above(node);
	if (parent)
		bpf_probe_read_kernel_str(told->above, NAME, BPF_CORE_READ(parent, name));
}

static __always_inline void victim_of(struct task_struct *task, struct killed *told)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	told->known = 1;
	told->pid = BPF_CORE_READ(task, tgid);
	told->adjusted = BPF_CORE_READ(task, signal, oom_score_adj);
	bpf_probe_read_kernel_str(told->name, sizeof(told->name), task->comm);
	if (mm) {
		told->total = BPF_CORE_READ(mm, total_vm);
		told->file = pages(mm, 0);
		told->anonymous = pages(mm, 1);
		told->shared = pages(mm, 2);
	}
	memory_of(task, told);
}

#define PIDS (1 << 22)

SEC("tp_btf/mark_victim")
int killed(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct killed *told;
	__u64 given = 0;
	int known;

	count(CALLS);
	bpf_probe_read_kernel(&given, sizeof(given), ctx); /* as a number: before 6.8 it is that of the process, no pointer */
	known = given > PIDS;
	if (target_pid && (known ? (__u32)BPF_CORE_READ(task, tgid) : (__u32)given) != target_pid)
		return 0;
	if (target_cgroup && !(known ? group_wanted(BPF_CORE_READ(task, cgroups, dfl_cgrp)) : current_wanted()))
		return 0;
	count(SEEN);
	told = ROOM(struct killed); /* each is told: no budget */
	if (!told) {
		count(LOST);
		return 0;
	}
	count(EVENTS);
	__builtin_memset(told, 0, sizeof(*told));
	told->at = bpf_ktime_get_ns();
	told->by = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(told->by_name, sizeof(told->by_name));
	if (known)
		victim_of(task, told);
	else
		told->pid = given;
	bpf_ringbuf_submit(told, 0);
	return 0;
}
