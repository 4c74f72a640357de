/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Requests and responses in the packets of one control group: HTTP/1, PostgreSQL, MySQL. Nothing else on the machine pays.
 *
 * Segments are put in order by their sequence numbers; a retransmitted one is left out. Plaintext only.
 */
#include "kernel.h"
#include "segments.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock {
	void *sk_bpf_storage;
};

#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct exchange);
} exchanges SEC(".maps");

/* [0]: ns after which a response that pauses is handed out; [1]: requests without a response, counted by a sweep */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} control SEC(".maps");

/* Leave out what came before; 0 when nothing of it is new. */
static __always_inline int in_order(struct exchange *x, int outgoing, struct segment *s)
{
	__u32 *next = &x->next[outgoing & 1];
	__s32 ahead = s->sequence - *next;

	if (x->known[outgoing & 1]) {
		if (ahead < 0) {
			if ((__u32)-ahead >= s->size) {
				count(DUPLICATES);
				return 0;
			}
			s->at += -ahead;
			s->size -= -ahead;
			s->sequence += -ahead;
		} else if (ahead > 0) {
			count(GAPS);
			x->flags |= GAP;
		}
	}
	x->known[outgoing & 1] = 1;
	*next = s->sequence + s->size;
	return 1;
}

static __always_inline __u32 keep(struct __sk_buff *skb, const struct segment *s, __u8 *head, __u32 kept)
{
	__u32 most = capture <= HEAD ? capture : HEAD;
	__u64 size = s->size;

	if (kept >= most || kept >= HEAD)
		return kept;
	if (size > most - kept)
		size = most - kept;
	if (!BOUNDED(size, HEAD) || bpf_skb_load_bytes(skb, s->at, head + (kept & (HEAD - 1)), size))
		return kept;
	return kept + size;
}

static __always_inline void keep_tail(struct __sk_buff *skb, const struct segment *s, struct exchange *x)
{
	__u64 size = s->size < TAIL ? s->size : TAIL;
	__u32 from = s->at + s->size;

	if (!BOUNDED(size, TAIL))
		return;
	x->tail_size = bpf_skb_load_bytes(skb, from - size, x->tail, size) ? 0 : size;
}

static __always_inline void asked(struct __sk_buff *skb, const struct segment *s, struct exchange *x, __u64 now)
{
	x->kept_request = keep(skb, s, x->request, x->kept_request);
	x->request_size += s->size;
	x->asked = now;
}

static __always_inline void answered(struct __sk_buff *skb, const struct segment *s, struct exchange *x, __u64 now)
{
	if (x->phase == REQUEST) {
		x->first = now;
		x->phase = RESPONSE;
	}
	x->kept_response = keep(skb, s, x->response, x->kept_response);
	x->response_size += s->size;
	x->last = now;
	if (x->response_size > x->kept_response)
		keep_tail(skb, s, x);
}

/* "HTTP/1.1 100 Continue" alone: what follows is the response (RFC 9110, 15.2). */
static __always_inline int only_continue(struct __sk_buff *skb, const struct segment *s)
{
	__u8 head[12];

	if (protocol != HTTP || s->size > 32 || s->size < 12 || bpf_skb_load_bytes(skb, s->at, head, 12))
		return 0;
	return head[9] == '1' && head[10] == '0' && head[11] == '0';
}

static __always_inline void opened(struct __sk_buff *skb, const struct segment *s, struct exchange *x, int incoming, __u64 now)
{
	if (!x->connection) {
		x->connection = bpf_get_socket_cookie(skb);
		read_peer(skb, !incoming, x->peer.address);
		x->peer.port = s->remote;
		x->peer.local = s->local;
	}
	begin(x, incoming, now);
	asked(skb, s, x, now);
}

/* The payload's first eight bytes, zeros behind its end; straight from the packet where that can be. */
static __always_inline int first_bytes(struct __sk_buff *skb, const struct segment *s, __u8 *head)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u64 at = s->at, size = s->size < 8 ? s->size : 8;

	if (size == 8 && at <= 256 && data + at + 8 <= end) {
		__builtin_memcpy(head, data + at, 8);
		return 1;
	}
	return BOUNDED(size, 8) && !bpf_skb_load_bytes(skb, s->at, head, size);
}

/* Of MySQL: nothing but commands that no server answers; drivers close a statement long before they ask for the next thing. */
static __always_inline int only_silent(struct __sk_buff *skb, const struct segment *s, const __u8 *first)
{
	__u32 at = 0;
	__u8 head[5];

	if (protocol != MYSQL || !is_silent(first[4]))
		return 0;
	for (int i = 0; i < 8; i++) {
		if (s->size < at + 5 || bpf_skb_load_bytes(skb, s->at + at, head, 5) || head[3] || !is_silent(head[4]))
			return 0;
		at += packet_size(head);
		if (at == s->size)
			return 1;
	}
	return 0;
}

/* When it is: TCP has asked the clock already for what it sends, and asking is dear on some machines (70 ns on a nested one). */
static __always_inline __u64 time_of(struct __sk_buff *skb, int outgoing)
{
	__u64 sent = outgoing ? skb->tstamp : 0;

	return sent ? sent : bpf_ktime_get_ns();
}

static __always_inline void payload(struct __sk_buff *skb, const struct segment *s, struct exchange *x, int outgoing, int expected, __u64 now)
{
	int incoming = !outgoing, from_asker, could_begin = expected == 2 || expected == incoming;
	__u8 head[8] = {};

	if (could_begin)
		could_begin = first_bytes(skb, s, head) && begins(head, s->size);
	if (could_begin && only_silent(skb, s, head)) {
		finish(x, RESPONSE, 0, now);
		return;
	}
	if (x->phase == IDLE) {
		if (could_begin)
			opened(skb, s, x, incoming, now);
		else
			count(UNPARSED);
		return;
	}
	if (x->phase == EMITTING) { /* a sweep has it right now */
		count(UNTRACKED);
		return;
	}
	from_asker = incoming == !!(x->flags & INCOMING);
	if (!from_asker) {
		if (x->phase == REQUEST && only_continue(skb, s))
			x->flags |= INTERIM;
		else
			answered(skb, s, x, now);
		return;
	}
	if (x->phase == REQUEST && could_begin && only_silent_so_far(x))
		restart(x, incoming, now);
	if (x->phase == REQUEST || !could_begin) { /* more of the request */
		if (could_begin && protocol == HTTP)
			x->flags |= PIPELINED;
		asked(skb, s, x, now);
		return;
	}
	finish(x, RESPONSE, 0, now);
	if (x->phase == IDLE)
		opened(skb, s, x, incoming, now);
}

static __always_inline int packet(struct __sk_buff *skb, int outgoing)
{
	struct segment s;
	struct bpf_sock *sk;
	struct exchange *x;
	int expected;
	__u64 now;

	if (!read_segment(skb, outgoing, &s) || (!s.size && !s.fin && !s.syn))
		return 1;
	expected = side_of(&s);
	if (expected < 0)
		return 1;
	count_call();
	sk = skb->sk;
	if (!sk)
		return 1;
	x = bpf_sk_storage_get(&exchanges, sk, 0, s.size ? BPF_SK_STORAGE_GET_F_CREATE : 0); /* nothing of a socket that is not full */
	if (!x) {
		if (s.size)
			count(UNTRACKED);
		return 1;
	}
	now = time_of(skb, outgoing);
	if (s.size && in_order(x, outgoing, &s))
		payload(skb, &s, x, outgoing, expected, now);
	if (s.fin && x->phase == RESPONSE && outgoing == !!(x->flags & INCOMING)) /* whoever answers ends it */
		finish(x, RESPONSE, CLOSED, now);
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

/* A connection that ended: what was asked on it has no answer any more. */
SEC("tp_btf/inet_sock_set_state")
int closed(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct exchange *x;
	__u64 now;

	if ((int)ctx[2] != TCP_CLOSE || !sk->sk_bpf_storage)
		return 0;
	x = bpf_sk_storage_get(&exchanges, sk, 0, 0);
	if (!x)
		return 0;
	now = bpf_ktime_get_ns();
	finish(x, REQUEST, ABORTED | CLOSED, now);
	finish(x, RESPONSE, CLOSED, now);
	return 0;
}

/* The application reads: how long the request lay there. Every read of the node comes by: most leave at the first comparison. */
SEC("tp_btf/sock_recv_length")
int taken(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct exchange *x;

	if (!sk->sk_bpf_storage || (int)ctx[1] <= 0)
		return 0;
	x = bpf_sk_storage_get(&exchanges, sk, 0, 0);
	if (!x)
		return 0;
	if (!x->peer.pid)
		x->peer.pid = bpf_get_current_pid_tgid() >> 32;
	if (x->phase == REQUEST && !x->read)
		x->read = bpf_ktime_get_ns();
	return 0;
}

/* Run by a read of user space: hands out responses that pause, and counts what is in flight. */
SEC("iter/bpf_sk_storage_map")
int sweep(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct exchange *x = ctx->value;
	__u32 zero = 0, one = 1;
	__u64 *idle, *flight, now;

	if (!x || !ctx->sk)
		return 0;
	idle = bpf_map_lookup_elem(&control, &zero);
	flight = bpf_map_lookup_elem(&control, &one);
	if (!idle || !flight)
		return 0;
	now = bpf_ktime_get_ns();
	if (x->phase == RESPONSE && now - x->last >= *idle)
		finish(x, RESPONSE, SWEPT, now);
	if (x->phase == REQUEST || x->phase == RESPONSE)
		__sync_fetch_and_add(flight, 1);
	return 0;
}
