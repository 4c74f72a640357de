/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Connections that a process opens: how long the handshake took, how often its SYN was sent again, why it failed.
 */
#include "socks.h"
#include "tally.h"

#define GAVE_UP 4096    /* above every errno: closed by the process before an answer came */
#define NO_PORT 99      /* EADDRNOTAVAIL */
#define STARTED 16384

struct attempt {
	__u64 at;
	__u32 pid;
	__u32 again;
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STARTED);
	__type(key, __u64);
	__type(value, struct attempt);
} started SEC(".maps");

struct destination {
	__u8 address[16];
	char name[16]; /* of the process */
	__u16 port;
	__u16 error;   /* errno; 0: connected */
};

TALLIED_BY(struct destination);

struct connected {
	__u64 at;
	__u64 ns;
	__u32 pid;
	__u32 again;
	__u16 local;
	__u16 pad[3];
	struct destination to;
	__u32 end;
};

static __always_inline void begins(struct sock *sk)
{
	struct attempt attempt = {};
	__u64 key = (__u64)sk;

	if (!current_wanted() || !port_wanted(local_port(sk), remote_port(sk)))
		return;
	attempt.at = bpf_ktime_get_ns();
	attempt.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(attempt.name, sizeof(attempt.name));
	count(bpf_map_update_elem(&started, &key, &attempt, BPF_ANY) ? UNTRACKED : SEEN);
}

static __always_inline __u16 error_of(struct sock *sk)
{
	int error = BPF_CORE_READ(sk, sk_err);

	if (error > 0 && error < GAVE_UP)
		return error;
	return BPF_CORE_READ((struct inet_sock *)sk, inet_sport) ? GAVE_UP : NO_PORT; /* no SYN ever left: the ports are used up */
}

static __always_inline void tell(struct sock *sk, const struct attempt *attempt, const struct destination *to, __u64 ns, __u64 now)
{
	struct connected *told;

	if (!may_tell(now, to->error || attempt->again || ns >= slow))
		return;
	told = ROOM(struct connected);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	__builtin_memset(told, 0, sizeof(*told));
	told->at = attempt->at;
	told->ns = ns;
	told->pid = attempt->pid;
	told->again = attempt->again;
	told->local = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	told->to = *to;
	bpf_ringbuf_submit(told, 0);
}

static __always_inline void ends(struct sock *sk, int failed)
{
	__u64 key = (__u64)sk, now = bpf_ktime_get_ns(), ns;
	struct attempt *found = bpf_map_lookup_elem(&started, &key), attempt;
	struct destination to = {};
	struct tally *tally;

	if (!found)
		return;
	attempt = *found;
	if (bpf_map_delete_elem(&started, &key))
		return;
	ns = now - attempt.at;
	remote_of(sk, to.address);
	to.port = remote_port(sk);
	to.error = failed ? error_of(sk) : 0;
	__builtin_memcpy(to.name, attempt.name, sizeof(to.name));
	measure(ns, failed ? OUTCOMES - 1 : 0);
	tally = tally_of(&tallies, &to);
	if (tally)
		add(tally, ns, attempt.again ? 1 : 0, attempt.again);
	tell(sk, &attempt, &to, ns, now);
}

SEC("tp_btf/inet_sock_set_state")
int changed(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	int before = ctx[1], after = ctx[2];

	count(CALLS);
	if (after != SYN_SENT && before != SYN_SENT)
		return 0;
	if (BPF_CORE_READ(sk, sk_protocol) != TCP)
		return 0;
	if (after == SYN_SENT)
		begins(sk);
	else
		ends(sk, after == CLOSE);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int again(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	__u64 key = (__u64)sk;
	struct attempt *attempt;

	count(CALLS);
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != SYN_SENT)
		return 0;
	attempt = bpf_map_lookup_elem(&started, &key);
	if (attempt)
		attempt->again++;
	return 0;
}
