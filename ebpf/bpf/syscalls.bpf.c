/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * System calls that failed: which, with which error, of which process. One program on their end; what succeeds is only passed by.
 */
#include "registers.h"
#include "target.h"
#include "tally.h"

#define LARGEST 511 /* above are the kernel's own, as ERESTARTSYS: the process does not see them */

struct failure {
	__u32 pid;
	__u16 call;
	__u16 error;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct failure);
	__type(value, __u64);
} failures SEC(".maps");

struct failed {
	__u64 at;
	struct failure failure;
	__u32 tid;
	__u32 pad;
};

static __always_inline int usual(__u32 error)
{
	return error == 11 || error == 4 || error == 115; /* EAGAIN, EINTR, EINPROGRESS: how programs wait */
}

SEC("tp_btf/sys_exit")
int ended(__u64 *ctx)
{
	__s64 result = ctx[1];
	struct failure failure = {};
	__u64 *found, one = 1, both;
	struct failed *told;

	count(CALLS);
	if (result >= 0 || result < -LARGEST || !current_wanted())
		return 0;
	both = bpf_get_current_pid_tgid();
	failure.pid = both >> 32;
	failure.call = CALL_OF(ctx[0]);
	failure.error = -result;
	bpf_get_current_comm(failure.name, sizeof(failure.name));
	count(SEEN);
	found = bpf_map_lookup_elem(&failures, &failure);
	if (found)
		__sync_fetch_and_add(found, 1);
	else if (bpf_map_update_elem(&failures, &failure, &one, BPF_NOEXIST)) {
		found = bpf_map_lookup_elem(&failures, &failure);
		if (found)
			__sync_fetch_and_add(found, 1);
		else
			count(UNTRACKED);
	}
	if (usual(failure.error)) {
		count(SUPPRESSED);
		return 0;
	}
	if (!may_tell(bpf_ktime_get_ns(), 0))
		return 0;
	told = ROOM(struct failed);
	if (!told) {
		count(LOST);
		return 0;
	}
	count(EVENTS);
	told->at = bpf_ktime_get_ns();
	told->failure = failure;
	told->tid = (__u32)both;
	told->pad = 0;
	bpf_ringbuf_submit(told, 0);
	return 0;
}
