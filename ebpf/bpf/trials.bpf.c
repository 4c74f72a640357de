/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * One small program of each kind that probes use: the doctor loads them one by one, to learn what this kernel takes.
 */
#include "common.h"
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} trial_storage SEC(".maps");

SEC("cgroup_skb/ingress")
int trial_packets(struct __sk_buff *skb)
{
	return 1;
}

SEC("tp_btf/sched_process_exit")
int trial_tracepoint(__u64 *ctx)
{
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int trial_iterator(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	return 0;
}

SEC("perf_event")
int trial_sampling(void *ctx)
{
	return 0;
}

SEC("uprobe")
int trial_uprobes(struct pt_regs *ctx)
{
	return 0;
}

SEC("tp_btf/sched_process_exit")
int trial_ring(__u64 *ctx)
{
	__u64 *room = bpf_ringbuf_reserve(&ring, 8, 0);

	if (room)
		bpf_ringbuf_discard(room, 0);
	return 0;
}
