/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * The pieces of the streams of one control group, in order, for protocols that only user space can take apart: HTTP/2, gRPC.
 *
 * Every piece is seen, handed out, suppressed or lost. A piece that is not handed out is a gap that the next one shows by its offset.
 */
#include "segments.h"

#define PIECE 2048
#define ENDING 256

struct stream {
	__u64 connection;
	__u64 offset[2]; /* [0] incoming, [1] outgoing */
	__u32 next[2];
	__u32 known[2];
	struct peer peer;
	__u32 server;
	__u32 spare;
};

/* What goes to the ring buffer, with as many bytes of data as were kept. ebpf/wire.py has the same layout. */
struct chunk {
	__u32 kind;
	__u32 flags;
	__u64 connection;
	__u64 at;
	__u64 offset;
	__u32 size;
	__u32 kept;
	__u64 spare;
	struct peer peer;
	__u8 data[PIECE];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stream);
} streams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2); /* a softirq may come between: ingress and egress have one each */
	__type(key, __u32);
	__type(value, struct chunk);
} scratch SEC(".maps");

static __always_inline void describe(struct chunk *c, const struct stream *x, __u64 now)
{
	c->kind = STREAM;
	c->flags = x->server ? INCOMING : 0;
	c->connection = x->connection;
	c->at = now;
	c->spare = 0;
	c->peer = x->peer;
}

/* One event: `kept` bytes from `at`, which stand for `size` bytes of the stream from `offset` on. */
static __always_inline int tell(struct __sk_buff *skb, struct chunk *c, __u32 at, __u64 offset, __u32 size, __u64 kept)
{
	c->offset = offset;
	c->size = size;
	if (!BOUNDED(kept, PIECE) || bpf_skb_load_bytes(skb, at, c->data, kept))
		kept = 0;
	c->kept = kept;
	barrier_var(kept);
	if (kept > PIECE)
		return 0;
	return !bpf_ringbuf_output(&ring, c, __builtin_offsetof(struct chunk, data) + kept, 0);
}

static __always_inline void piece(struct __sk_buff *skb, const struct segment *s, struct stream *x, int outgoing, __u64 now)
{
	__u32 which = outgoing & 1, size = s->size, end = 0;
	__u64 offset = x->offset[which];
	struct chunk *c;

	x->offset[which] = offset + size;
	count(SEEN);
	if (!within_budget(now, 0)) {
		count(SUPPRESSED);
		return;
	}
	c = bpf_map_lookup_elem(&scratch, &which);
	if (!c)
		return;
	describe(c, x, now);
	if (outgoing)
		c->flags |= OUTGOING;
	if (size > PIECE) { /* what ends a call stands at the end: trailers behind a large message */
		end = size - PIECE < ENDING ? size - PIECE : ENDING;
		size -= end;
	}
	count(tell(skb, c, s->at, offset, size, size < PIECE ? size : PIECE) ? EVENTS : LOST);
	if (end)
		tell(skb, c, s->at + size, offset + size, end, end); /* of the same piece: counted once; lost, it is a gap */
}

static __always_inline int packet(struct __sk_buff *skb, int outgoing)
{
	__u32 which = outgoing & 1;
	struct segment s;
	struct bpf_sock *sk;
	struct stream *x;
	int expected;
	__s32 ahead;

	if (!read_segment(skb, outgoing, &s) || !s.size)
		return 1;
	expected = side_of(&s);
	if (expected < 0)
		return 1;
	count(CALLS);
	sk = skb->sk;
	if (!sk)
		return 1;
	x = bpf_sk_storage_get(&streams, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!x) {
		count(UNTRACKED);
		return 1;
	}
	if (!x->connection) {
		x->connection = bpf_get_socket_cookie(skb);
		read_peer(skb, outgoing, x->peer.address);
		x->peer.port = s.remote;
		x->peer.local = s.local;
		x->server = expected == 1;
	}
	ahead = s.sequence - x->next[which];
	if (x->known[which] && ahead < 0) {
		if ((__u32)-ahead >= s.size) {
			count(DUPLICATES);
			return 1;
		}
		s.at += -ahead;
		s.size -= -ahead;
	} else if (x->known[which] && ahead > 0) {
		count(GAPS);
		x->offset[which] += ahead;
	}
	x->next[which] = s.sequence + s.size + (x->known[which] && ahead < 0 ? -ahead : 0);
	x->known[which] = 1;
	piece(skb, &s, x, outgoing, bpf_ktime_get_ns());
	return 1;
}

SEC("cgroup_skb/ingress")
int incoming(struct __sk_buff *skb)
{
	return packet(skb, 0);
}

SEC("cgroup_skb/egress")
int outgoing(struct __sk_buff *skb)
{
	return packet(skb, 1);
}

SEC("tp_btf/inet_sock_set_state")
int closed(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	__u32 which = 0;
	struct stream *x;
	struct chunk *c;

	if ((int)ctx[2] != 7) /* TCP_CLOSE */
		return 0;
	x = bpf_sk_storage_get(&streams, sk, 0, 0);
	if (!x || !x->connection)
		return 0;
	c = bpf_map_lookup_elem(&scratch, &which);
	if (!c)
		return 0;
	describe(c, x, bpf_ktime_get_ns());
	c->flags |= LAST;
	c->offset = c->size = c->kept = 0;
	bpf_ringbuf_output(&ring, c, __builtin_offsetof(struct chunk, data), 0);
	return 0;
}
