/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Processes that ended: with which exit status, or by which signal, after how long.
 */
#include "target.h"
#include "tally.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} number;

struct signal_struct {
	number live;
	int group_exit_code;
};

#pragma clang attribute pop

struct ending {
	char name[16];
	__u32 code; /* as wait(2) gives it */
};

TALLIED_BY(struct ending);

struct ended {
	__u64 at;
	__u64 lived; /* ns */
	__u64 group;
	__u32 pid;
	__u32 parent;
	char parent_name[16];
	struct ending ending;
	__u32 pad;
};

/* Threads that end at once may both see that none is left: the first is counted. */
struct process {
	__u64 began;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process);
	__type(value, __u64);
} gone SEC(".maps");

/* The process itself, or a child of it: a server's workers are its children. */
static __always_inline int wanted(struct task_struct *task)
{
	if (target_pid && (__u32)BPF_CORE_READ(task, tgid) != target_pid && (__u32)BPF_CORE_READ(task, real_parent, tgid) != target_pid)
		return 0;
	return !target_cgroup || group_wanted(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline void tell(struct task_struct *task, const struct ending *ending, __u64 lived, __u64 now)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct ended *told;

	if (!may_tell(now, ending->code & 0x7f))
		return;
	told = ROOM(struct ended);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	told->at = now;
	told->lived = lived;
	told->group = group_of(task);
	told->pid = BPF_CORE_READ(task, tgid);
	told->parent = BPF_CORE_READ(parent, tgid);
	bpf_probe_read_kernel_str(told->parent_name, sizeof(told->parent_name), __builtin_preserve_access_index(&parent->comm));
	told->ending = *ending;
	told->pad = 0;
	bpf_ringbuf_submit(told, 0);
}

SEC("tp_btf/sched_process_exit")
int ended(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0], *leader = BPF_CORE_READ(task, group_leader);
	__u64 now = bpf_ktime_get_ns(), lived;
	struct process process = {};
	struct ending ending = {};
	struct tally *tally;

	count(CALLS);
	if (BPF_CORE_READ(task, signal, live.counter) || !wanted(task))
		return 0;
	process.began = BPF_CORE_READ(leader, start_time);
	process.pid = BPF_CORE_READ(task, tgid);
	if (bpf_map_update_elem(&gone, &process, &now, BPF_NOEXIST))
		return 0;
	count(SEEN);
	ending.code = BPF_CORE_READ(task, signal, group_exit_code);
	if (!ending.code)
		ending.code = BPF_CORE_READ(task, exit_code);
	bpf_probe_read_kernel_str(ending.name, sizeof(ending.name), __builtin_preserve_access_index(&leader->comm));
	lived = now - process.began;
	measure(lived, ending.code ? OUTCOMES - 1 : 0);
	tally = tally_of(&tallies, &ending);
	if (tally)
		add(tally, lived, ending.code ? 1 : 0, 0);
	tell(task, &ending, lived, now);
	return 0;
}
