/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Where the payload of a packet of a control group is, and whose it is.
 */
#ifndef ONCALM_SEGMENTS_H
#define ONCALM_SEGMENTS_H

#include "exchange.h"

#define TCP 6
#define UDP 17

const volatile __u32 port;      /* theirs or ours, see side_of; 0: any */
const volatile __u32 side;      /* enum side */

struct segment {
	__u32 at;   /* where the payload begins in the packet */
	__u32 size; /* of the payload */
	__u32 sequence;
	__u16 local;
	__u16 remote;
	__u8 fin;
	__u8 syn;
};

struct tcp_head {
	__be16 source, dest;
	__be32 sequence, acknowledged;
	__u8 offset, flags;
};

static __always_inline int read_segment(struct __sk_buff *skb, int outgoing, struct segment *s)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tcp_head *tcp;
	__u32 at, head;

	if (data + 40 > end)
		return 0;
	if (data[0] >> 4 == 4) {
		if (data[9] != TCP || ((data[6] & 0x1f) | data[7])) /* a later fragment has no head */
			return 0;
		at = (data[0] & 15) * 4;
	} else {
		if (data[6] != TCP) /* behind extension headers: not followed */
			return 0;
		at = 40;
	}
	if (at < 20 || at > 60)
		return 0;
	tcp = (void *)(data + at);
	if ((void *)(tcp + 1) > (void *)end)
		return 0;
	head = at + (tcp->offset >> 4) * 4;
	s->sequence = bpf_ntohl(tcp->sequence);
	s->local = bpf_ntohs(outgoing ? tcp->source : tcp->dest);
	s->remote = bpf_ntohs(outgoing ? tcp->dest : tcp->source);
	s->fin = tcp->flags & 1;
	s->syn = tcp->flags & 2;
	s->at = head;
	s->size = skb->len > head ? skb->len - head : 0;
	return 1;
}

/* The other side's address, IPv4 mapped into IPv6. */
static __always_inline void read_peer(struct __sk_buff *skb, int outgoing, __u8 *address)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 40 > end)
		return;
	if (data[0] >> 4 == 4) {
		__builtin_memset(address, 0, 10);
		address[10] = address[11] = 0xff;
		__builtin_memcpy(address + 12, data + (outgoing ? 16 : 12), 4);
	} else {
		__builtin_memcpy(address, data + (outgoing ? 24 : 8), 16);
	}
}

/* 1: a request would come in; 0: it would go out; 2: either; -1: not ours. */
static __always_inline int side_of(const struct segment *s)
{
	if (port) {
		if (side != CLIENT && s->local == port)
			return 1;
		if (side != SERVER && s->remote == port)
			return 0;
		return -1;
	}
	return side == SERVER ? 1 : side == CLIENT ? 0 : 2;
}

#endif
