/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Questions to name servers and their answers, in the datagrams of one control group (RFC 1035). One socket may ask several at once.
 */
#include "kernel.h"
#include "segments.h"

struct question {
	__u64 connection;
	__u16 id;
	__u16 remote;
	__u32 incoming;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct question);
	__type(value, struct exchange);
} questions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct exchange);
} empty SEC(".maps");

/* [0]: ns after which a question without an answer is handed out; [1]: those that wait, counted by a sweep */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} control SEC(".maps");

static __always_inline int read_datagram(struct __sk_buff *skb, int outgoing, struct segment *s)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *udp;
	__u32 at;

	if (data + 28 > end)
		return 0;
	if (data[0] >> 4 == 4) {
		if (data[9] != UDP || ((data[6] & 0x1f) | data[7]))
			return 0;
		at = (data[0] & 15) * 4;
	} else {
		if (data + 48 > end || data[6] != UDP)
			return 0;
		at = 40;
	}
	if (at < 20 || at > 60)
		return 0;
	udp = data + at;
	if (udp + 8 > end)
		return 0;
	s->local = outgoing ? udp[0] << 8 | udp[1] : udp[2] << 8 | udp[3];
	s->remote = outgoing ? udp[2] << 8 | udp[3] : udp[0] << 8 | udp[1];
	s->at = at + 8;
	s->size = skb->len > s->at ? skb->len - s->at : 0;
	return s->size >= 12;
}

static __always_inline __u32 copy(struct __sk_buff *skb, const struct segment *s, __u8 *head)
{
	__u32 most = capture <= HEAD ? capture : HEAD;
	__u64 size = s->size < most ? s->size : most;

	if (!BOUNDED(size, HEAD) || bpf_skb_load_bytes(skb, s->at, head, size))
		return 0;
	return size;
}

static __always_inline void asks(struct __sk_buff *skb, const struct segment *s, struct question *q, int incoming, __u64 now)
{
	__u32 which = incoming & 1;
	struct exchange *x = bpf_map_lookup_elem(&questions, q);

	if (x) { /* sent again: it is the same question, and lasts longer */
		count(DUPLICATES);
		return;
	}
	x = bpf_map_lookup_elem(&empty, &which);
	if (!x)
		return;
	__builtin_memset(x->response, 0, 16);
	x->connection = q->connection;
	read_peer(skb, !incoming, x->peer.address);
	x->peer.port = s->remote;
	x->peer.local = s->local;
	x->flags = incoming ? INCOMING : 0;
	x->start = x->asked = now;
	x->first = x->last = x->read = 0;
	x->request_size = s->size;
	x->response_size = x->kept_response = x->tail_size = 0;
	x->phase = REQUEST;
	x->kept_request = copy(skb, s, x->request);
	if (bpf_map_update_elem(&questions, q, x, BPF_NOEXIST)) {
		count(UNTRACKED);
		return;
	}
	count(SEEN);
}

static __always_inline void answers(struct __sk_buff *skb, const struct segment *s, struct question *q, __u64 now)
{
	struct exchange *x = bpf_map_lookup_elem(&questions, q);

	if (!x) {
		count(UNPARSED);
		return;
	}
	x->first = x->last = now;
	x->response_size = s->size;
	x->kept_response = copy(skb, s, x->response);
	finish(x, REQUEST, 0, now);
	bpf_map_delete_elem(&questions, q);
}

static __always_inline int packet(struct __sk_buff *skb, int outgoing)
{
	struct segment s = {};
	struct question q = {};
	__u8 head[4];
	int expected, answer;

	if (!read_datagram(skb, outgoing, &s))
		return 1;
	expected = side_of(&s);
	if (expected < 0)
		return 1;
	count(CALLS);
	if (bpf_skb_load_bytes(skb, s.at, head, 4))
		return 1;
	answer = head[2] >> 7; /* QR */
	q.connection = bpf_get_socket_cookie(skb);
	q.id = head[0] << 8 | head[1];
	q.remote = s.remote;
	q.incoming = answer ? outgoing : !outgoing; /* whether the question came in */
	if (expected != 2 && expected != (int)q.incoming) {
		count(UNPARSED);
		return 1;
	}
	if (answer)
		answers(skb, &s, &q, bpf_ktime_get_ns());
	else
		asks(skb, &s, &q, q.incoming, bpf_ktime_get_ns());
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

/* Run by a read of user space: what waited too long is handed out without an answer. */
SEC("iter/bpf_map_elem")
int sweep(struct bpf_iter__bpf_map_elem *ctx)
{
	struct question *q = ctx->key, key;
	struct exchange *x = ctx->value;
	__u32 zero = 0, one = 1;
	__u64 *idle, *flight, now;

	if (!q || !x)
		return 0;
	idle = bpf_map_lookup_elem(&control, &zero);
	flight = bpf_map_lookup_elem(&control, &one);
	if (!idle || !flight)
		return 0;
	now = bpf_ktime_get_ns();
	if (x->phase == REQUEST && now - x->start >= 5 * *idle && *idle) {
		key = *q;
		finish(x, REQUEST, ABORTED, now);
		bpf_map_delete_elem(&questions, &key);
		return 0;
	}
	if (x->phase == REQUEST)
		__sync_fetch_and_add(flight, 1);
	return 0;
}
