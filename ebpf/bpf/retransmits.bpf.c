/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Segments that TCP sent again: to whom, in which state, after a timeout or because acknowledgements told of a gap.
 */
#include "owners.h"
#include "tally.h"

#define LOSS 4 /* enum tcp_ca_state: a timeout */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct inet_connection_sock {
	__u8 icsk_ca_state : 5;
	__u8 icsk_retransmits;
};

struct tcp_sock {
	__u32 srtt_us; /* eight times the smoothed round trip, in microseconds */
};

#pragma clang attribute pop

/* `port` is the service's: the other is as good as random. */
struct path {
	__u8 address[16];
	__u16 port;
	__u8 state;
	__u8 timeout;
	__u8 outgoing; /* the port is theirs */
	__u8 pad[3];
};

TALLIED_BY(struct path);

struct resent {
	__u64 at;
	__u64 round_trip; /* ns, smoothed; 0 while none was measured */
	__u16 local;
	__u16 remote;
	__u32 tries;
	struct path path;
};

static __always_inline void tell(struct sock *sk, const struct path *path, __u64 round_trip, __u64 now)
{
	struct resent *told;

	if (!may_tell(now, path->timeout || path->state == SYN_SENT))
		return;
	told = ROOM(struct resent);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	told->at = now;
	told->round_trip = round_trip;
	told->local = local_port(sk);
	told->remote = remote_port(sk);
	told->tries = BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_retransmits);
	told->path = *path;
	bpf_ringbuf_submit(told, 0);
}

SEC("tp_btf/tcp_retransmit_skb")
int resent(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	__u64 now = bpf_ktime_get_ns(), round_trip;
	struct path path = {};
	struct tally *tally;
	__u16 local, remote;

	count(CALLS);
	if (!sock_wanted(sk))
		return 0;
	count(SEEN);
	local = local_port(sk);
	remote = remote_port(sk);
	remote_of(sk, path.address);
	path.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	path.outgoing = path.state == SYN_SENT || is_theirs(local, remote);
	path.port = path.outgoing ? remote : local;
	path.timeout = BPF_CORE_READ_BITFIELD_PROBED((struct inet_connection_sock *)sk, icsk_ca_state) == LOSS;
	round_trip = (__u64)(BPF_CORE_READ((struct tcp_sock *)sk, srtt_us) >> 3) * 1000;
	measure(round_trip, path.timeout ? OUTCOMES - 1 : 0);
	tally = tally_of(&tallies, &path);
	if (tally)
		add(tally, round_trip, path.timeout, 0);
	tell(sk, &path, round_trip, now);
	return 0;
}
