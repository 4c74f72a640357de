/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Listeners whose queue of connections to accept is full. No tracepoint tells of it on most kernels: what is looked at are the
 * SYNs and last ACKs that reach a listener of the control group, and its queue in that moment. The kernel drops them by the
 * same comparison (sk_acceptq_is_full in include/net/sock.h).
 */
#include "socks.h"
#include "tally.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct tcp_sock {
	__u32 srtt_us;
};

#pragma clang attribute pop

#define SYN 2
#define ACK 16
#define RST 4

struct listener {
	__u8 address[16];
	__u16 port;
	__u16 pad;
	__u32 limit;
};

TALLIED_BY(struct listener);

struct dropped {
	__u64 at;
	__u8 theirs[16];
	__u16 remote;
	__u16 established; /* the last ACK of a handshake, not a SYN */
	__u32 waiting;
	struct listener listener;
};

struct tcp_head {
	__be16 source, dest;
	__be32 sequence, acknowledged;
	__u8 offset, flags;
};

static __always_inline struct tcp_head *tcp_of(struct __sk_buff *skb, __u8 *theirs)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tcp_head *tcp;
	__u32 at;

	if (data + 40 > end)
		return 0;
	if (data[0] >> 4 == 4) {
		if (data[9] != TCP)
			return 0;
		at = (data[0] & 15) * 4;
		theirs[10] = theirs[11] = 0xff;
		__builtin_memcpy(theirs + 12, data + 12, 4);
	} else {
		if (data[6] != TCP)
			return 0;
		at = 40;
		__builtin_memcpy(theirs, data + 8, 16);
	}
	if (at < 20 || at > 60)
		return 0;
	tcp = (void *)(data + at);
	return (void *)(tcp + 1) > (void *)end ? 0 : tcp;
}

static __always_inline void tell(const struct listener *listener, const __u8 *theirs, const struct tcp_head *tcp, __u32 waiting)
{
	__u64 now = bpf_ktime_get_ns();
	struct dropped *told;

	if (!may_tell(now, 1))
		return;
	told = ROOM(struct dropped);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	told->at = now;
	__builtin_memcpy(told->theirs, theirs, 16);
	told->remote = bpf_ntohs(tcp->source);
	told->established = !(tcp->flags & SYN);
	told->waiting = waiting;
	told->listener = *listener;
	bpf_ringbuf_submit(told, 0);
}

SEC("cgroup_skb/ingress")
int incoming(struct __sk_buff *skb)
{
	struct bpf_sock *given = skb->sk;
	struct listener listener = {};
	__u8 theirs[16] = {};
	struct tcp_head *tcp;
	struct tcp_sock *full;
	struct tally *tally;
	struct sock *sk;
	__u32 waiting;

	if (!given || given->state != LISTENING || !port_wanted(given->src_port, 0))
		return 1;
	count(CALLS);
	tcp = tcp_of(skb, theirs);
	full = bpf_skc_to_tcp_sock(given);
	if (!tcp || !full || tcp->flags & RST)
		return 1;
	sk = (void *)full;
	listener.port = given->src_port;
	listener.limit = BPF_CORE_READ(sk, sk_max_ack_backlog);
	local_of(sk, listener.address);
	waiting = BPF_CORE_READ(sk, sk_ack_backlog);
	tally = tally_of(&tallies, &listener);
	if (!tally)
		return 1;
	__sync_fetch_and_add(&tally->count, tcp->flags & SYN ? 1 : 0);
	if (waiting > tally->most)
		tally->most = waiting;
	if (waiting <= listener.limit)
		return 1;
	count(SEEN);
	__sync_fetch_and_add(tcp->flags & SYN ? &tally->marked : &tally->extra, 1);
	tell(&listener, theirs, tcp, waiting);
	return 1;
}
