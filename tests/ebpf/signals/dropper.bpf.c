/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * For tests: drops the first TCP segments that reach a port of a control group, `drops` of them: those with
 * payload, or with `syns` the SYNs.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile __u64 drops;
const volatile __u64 syns;
const volatile __u16 port;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

SEC("cgroup_skb/ingress")
int incoming(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 head, zero = 0;
	__u64 *already;

	if (data + 40 > end || data[0] != 0x45 || data[9] != 6)
		return 1;
	if ((data[22] << 8 | data[23]) != port)
		return 1;
	head = 20 + (data[32] >> 4) * 4;
	if (syns ? !(data[33] & 2) : skb->len <= head)
		return 1;
	already = bpf_map_lookup_elem(&dropped, &zero);
	if (!already || *already >= drops)
		return 1;
	__sync_fetch_and_add(already, 1);
	return 0;
}
