/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Why threads do not run: how long, in which call of the system and of the program, waiting for what.
 */
#include "registers.h"
#include "stacks.h"
#include "target.h"

#define DEAD 0x80 /* include/linux/sched.h */
#define INTERRUPTIBLE 1
#define UNINTERRUPTIBLE 2
#define STOPPED 0x0c

/* ebpf/signals/blocking.py has the same */
enum reason { PREEMPTED, SLEEPING, UNINTERRUPTED, DISK, HELD, REASONS };

struct cause {
	__u32 pid;
	__s32 user;
	__s32 kernel;
	__s32 call; /* -1: none */
	__u32 reason;
	char name[16]; /* of the thread */
};

struct absence {
	__u64 at;
	struct cause cause;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct absence);
} started SEC(".maps");

struct total {
	__u64 count;
	__u64 ns;
	__u64 most;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct cause);
	__type(value, struct total);
} causes SEC(".maps");

struct returned {
	__u64 at;
	__u64 ns;
	__u32 tid;
	struct cause cause;
};

static __always_inline __u32 reason_of(struct task_struct *task, int preempted)
{
	unsigned int state = state_of(task);

	if (preempted || !state)
		return PREEMPTED;
	if (state & STOPPED)
		return HELD;
	if (BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait))
		return DISK;
	return state & UNINTERRUPTIBLE ? UNINTERRUPTED : SLEEPING;
}

static __always_inline void leaves(__u64 *ctx, struct task_struct *task, __u64 now)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	struct absence absence = {.at = now};

	if (!tid || state_of(task) & DEAD || !task_wanted(task))
		return;
	absence.cause.pid = BPF_CORE_READ(task, tgid);
	absence.cause.reason = reason_of(task, ctx[0] & 1);
	absence.cause.user = USER_STACK(ctx);
	absence.cause.kernel = KERNEL_STACK(ctx);
	absence.cause.call = BPF_CORE_READ(task, mm) ? CALL_OF((void *)bpf_task_pt_regs(bpf_get_current_task_btf())) : -1;
	bpf_probe_read_kernel_str(absence.cause.name, 16, __builtin_preserve_access_index(&task->comm));
	if (absence.cause.user == -17 || absence.cause.kernel == -17) /* EEXIST: two stacks of one number; the first stays */
		count(UNTRACKED);
	if (bpf_map_lookup_elem(&started, &tid)) { /* rarely the kernel does not tell that a thread ran in between */
		count(GAPS);
		bpf_map_update_elem(&started, &tid, &absence, BPF_ANY);
		return;
	}
	count(bpf_map_update_elem(&started, &tid, &absence, BPF_NOEXIST) ? UNTRACKED : SEEN);
}

static __always_inline void comes(struct task_struct *task, __u64 now)
{
	__u32 tid = BPF_CORE_READ(task, pid);
	struct absence *absence = bpf_map_lookup_elem(&started, &tid);
	struct returned *told;
	struct total *total, fresh = {};
	struct cause cause;
	__u64 ns;

	if (!absence)
		return;
	cause = absence->cause;
	ns = now - absence->at;
	bpf_map_delete_elem(&started, &tid);
	measure(ns, cause.reason);
	total = bpf_map_lookup_elem(&causes, &cause);
	if (!total) {
		bpf_map_update_elem(&causes, &cause, &fresh, BPF_NOEXIST);
		total = bpf_map_lookup_elem(&causes, &cause);
	}
	if (total) {
		__sync_fetch_and_add(&total->count, 1);
		__sync_fetch_and_add(&total->ns, ns);
		if (ns > total->most)
			total->most = ns;
	} else {
		count(UNTRACKED);
	}
	if (!may_tell_of(ns, now, 0))
		return;
	told = ROOM(struct returned);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	told->at = now - ns;
	told->ns = ns;
	told->tid = tid;
	told->cause = cause;
	bpf_ringbuf_submit(told, 0);
}

SEC("tp_btf/sched_switch")
int switches(__u64 *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	count(CALLS);
	leaves(ctx, (void *)ctx[1], now);
	comes((void *)ctx[2], now);
	return 0;
}
