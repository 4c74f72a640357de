/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * How long threads that could run wait for a CPU; and which processes have the CPUs meanwhile.
 */
#include "target.h"
#include "tally.h"

struct process {
	__u32 pid;
	char name[16];
};

TALLIED_BY(struct process);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, __u64);
} waiting SEC(".maps");

struct usage {
	__u64 ns;
	char name[16];
};

/* Time on a CPU by process, of all, wanted or not. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct usage);
} running SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} switched SEC(".maps");

struct waited {
	__u64 at;
	__u64 ns;
	__u32 tid;
	__u32 cpu;
	struct process process;
	__u32 before; /* whose turn it was */
	char before_name[16];
};

static __always_inline void name_of(struct task_struct *task, char *to)
{
	bpf_probe_read_kernel_str(to, 16, __builtin_preserve_access_index(&task->comm));
}

static __always_inline void runnable(struct task_struct *task, __u64 now)
{
	__u32 tid = BPF_CORE_READ(task, pid);

	if (tid && task_wanted(task) && bpf_map_update_elem(&waiting, &tid, &now, BPF_ANY))
		count(UNTRACKED);
}

/* The main thread's name stands for the process. */
static __always_inline void ran(struct task_struct *task, __u64 now)
{
	__u32 zero = 0, pid = BPF_CORE_READ(task, tgid);
	__u64 *since = bpf_map_lookup_elem(&switched, &zero);
	struct usage *found, fresh = {};

	if (!since)
		return;
	if (*since && pid) {
		found = bpf_map_lookup_elem(&running, &pid);
		if (found) {
			__sync_fetch_and_add(&found->ns, now - *since);
		} else {
			fresh.ns = now - *since;
			name_of(BPF_CORE_READ(task, group_leader), fresh.name);
			bpf_map_update_elem(&running, &pid, &fresh, BPF_NOEXIST);
		}
	}
	*since = now;
}

static __always_inline void tell(struct task_struct *task, struct task_struct *before, const struct process *process, __u64 ns, __u64 now)
{
	struct waited *told;

	if (!may_tell_of(ns, now, 0))
		return;
	told = ROOM(struct waited);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	__builtin_memset(told, 0, sizeof(*told));
	told->at = now - ns;
	told->ns = ns;
	told->tid = BPF_CORE_READ(task, pid);
	told->cpu = bpf_get_smp_processor_id();
	told->process = *process;
	told->before = BPF_CORE_READ(before, tgid);
	name_of(before, told->before_name);
	bpf_ringbuf_submit(told, 0);
}

static __always_inline void runs(struct task_struct *task, struct task_struct *before, __u64 now)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	__u64 *since = bpf_map_lookup_elem(&waiting, &tid), ns;
	struct process process = {};
	struct tally *tally;

	if (!since)
		return;
	ns = now - *since;
	bpf_map_delete_elem(&waiting, &tid);
	count(SEEN);
	measure(ns, 0);
	process.pid = BPF_CORE_READ(task, tgid);
	name_of(task, process.name);
	tally = tally_of(&tallies, &process);
	if (tally)
		add(tally, ns, ns >= slow, 0);
	tell(task, before, &process, ns, now);
}

SEC("tp_btf/sched_wakeup")
int woken(__u64 *ctx)
{
	count(CALLS);
	runnable((void *)ctx[0], bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int born(__u64 *ctx)
{
	count(CALLS);
	runnable((void *)ctx[0], bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/sched_switch")
int switches(__u64 *ctx)
{
	struct task_struct *before = (void *)ctx[1], *next = (void *)ctx[2];
	__u64 now = bpf_ktime_get_ns();

	count(CALLS);
	ran(before, now);
	if (ctx[0] & 1 || !state_of(before)) /* it was preempted: it goes on waiting */
		runnable(before, now);
	runs(next, before, now);
	return 0;
}
