/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Requests to block devices: how long in the queue, how long at the device, by device and operation.
 */
#include "target.h"
#include "tally.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct gendisk {
	char disk_name[32];
};

struct request_queue {
	struct gendisk *disk; /* since 5.15 */
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct blkcg_gq *bi_blkg;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	__u64 __sector;
	struct bio *bio;
	__u64 start_time_ns;
};

struct request___v516 { /* until 5.16 */
	struct gendisk *rq_disk;
};

#pragma clang attribute pop

#define OPERATION 0xff
#define STARTED 16384

struct kind {
	char disk[16];
	__u32 operation; /* enum req_op in include/linux/blk_types.h */
};

struct issue {
	__u64 at;
	__u64 queued; /* ns before it was issued */
	__u32 bytes;
	__u32 pid;
	char name[16];
	struct kind kind;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STARTED);
	__type(key, __u64);
	__type(value, struct issue);
} started SEC(".maps");

TALLIED_BY(struct kind);

/* Of the time before the device had it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct kind);
	__type(value, struct tally);
} queues SEC(".maps");

struct done {
	__u64 ns;
	__u64 sector;
	__u32 error;
	__u32 pad;
	struct issue issue;
};

static __always_inline int request_wanted(struct request *request)
{
	if (current_wanted())
		return 1;
	if (target_pid) /* what a kernel thread writes later belongs to no process any more */
		return 0;
	return group_wanted(BPF_CORE_READ(request, bio, bi_blkg, blkcg, css.cgroup));
}

static __always_inline struct gendisk *disk_of(struct request *request)
{
	struct request_queue *queue = BPF_CORE_READ(request, q);

	if (bpf_core_field_exists(struct request_queue, disk))
		return BPF_CORE_READ(queue, disk);
	return BPF_CORE_READ((struct request___v516 *)request, rq_disk);
}

SEC("tp_btf/block_rq_issue")
int issued(__u64 *ctx)
{
	struct request *request = (void *)ctx[0];
	__u64 key = (__u64)request, now = bpf_ktime_get_ns(), began;
	struct issue issue = {.at = now}, *again;

	count(CALLS);
	again = bpf_map_lookup_elem(&started, &key);
	if (again) { /* it was put back, and is issued again */
		again->queued += now - again->at;
		again->at = now;
		return 0;
	}
	if (!request_wanted(request))
		return 0;
	began = BPF_CORE_READ(request, start_time_ns);
	issue.queued = began && began < now ? now - began : 0;
	issue.bytes = BPF_CORE_READ(request, __data_len);
	issue.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(issue.name, sizeof(issue.name));
	bpf_probe_read_kernel_str(issue.kind.disk, sizeof(issue.kind.disk), __builtin_preserve_access_index(&disk_of(request)->disk_name));
	issue.kind.operation = BPF_CORE_READ(request, cmd_flags) & OPERATION;
	count(bpf_map_update_elem(&started, &key, &issue, BPF_NOEXIST) ? UNTRACKED : SEEN);
	return 0;
}

static __always_inline void tell(struct request *request, const struct issue *issue, __u64 ns, __u32 error, __u64 now)
{
	struct done *told;

	if (!may_tell_of(ns + issue->queued, now, error))
		return;
	told = ROOM(struct done);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	told->ns = ns;
	told->sector = BPF_CORE_READ(request, __sector);
	told->error = error;
	told->pad = 0;
	told->issue = *issue;
	bpf_ringbuf_submit(told, 0);
}

SEC("tp_btf/block_rq_complete")
int completed(__u64 *ctx)
{
	struct request *request = (void *)ctx[0];
	__u64 key = (__u64)request, now = bpf_ktime_get_ns(), ns;
	__u32 error = (__u8)ctx[1];
	struct issue *found, issue;
	struct tally *tally;

	count(CALLS);
	found = bpf_map_lookup_elem(&started, &key);
	if (!found)
		return 0;
	if (!error && (__u32)ctx[2] < BPF_CORE_READ(request, __data_len)) /* the rest is still to come */
		return 0;
	issue = *found;
	bpf_map_delete_elem(&started, &key);
	ns = now - issue.at;
	measure(ns, error ? OUTCOMES - 1 : issue.kind.operation < 4 ? issue.kind.operation : 4);
	tally = tally_of(&tallies, &issue.kind);
	if (tally)
		add(tally, ns, error ? 1 : 0, issue.bytes);
	tally = tally_of(&queues, &issue.kind);
	if (tally)
		add(tally, issue.queued, 0, 0);
	tell(request, &issue, ns, error, now);
	return 0;
}
