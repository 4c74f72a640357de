/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Connections that were reset: by us or by the other side, in which state, and (kernel 6.10 and newer) why.
 */
#include "owners.h"
#include "tally.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sk_buff {
	unsigned char *head;
	__u16 transport_header;
	__u16 network_header;
};

#pragma clang attribute pop

/* The kernel's names; their numbers are set when the object is loaded. */
enum sk_rst_reason {
	SK_RST_REASON_NO_SOCKET,
	SK_RST_REASON_TCP_ABORT_ON_DATA,
	SK_RST_REASON_TCP_ABORT_ON_CLOSE,
	SK_RST_REASON_TCP_ABORT_ON_LINGER,
	SK_RST_REASON_TCP_ABORT_ON_MEMORY,
	SK_RST_REASON_TCP_KEEPALIVE_TIMEOUT,
	SK_RST_REASON_TCP_STATE,
	SK_RST_REASON_TCP_TIMEWAIT_SOCKET,
	SK_RST_REASON_TCP_DISCONNECT_WITH_DATA,
	SK_RST_REASON_INVALID_SYN,
};

/* ebpf/signals/resets.py has their words. */
enum why { UNKNOWN, NO_SOCKET, ABORT_ON_DATA, ABORT_ON_CLOSE, LINGER, MEMORY, KEEPALIVE, STATE, TIMEWAIT, DISCONNECT, INVALID };

#define WHEN(kernel, ours)                                                                                        \
	if (bpf_core_enum_value_exists(enum sk_rst_reason, SK_RST_REASON_##kernel) &&                              \
	    reason == bpf_core_enum_value(enum sk_rst_reason, SK_RST_REASON_##kernel))                             \
		return ours

static __always_inline __u8 why_of(__u32 reason)
{
	WHEN(NO_SOCKET, NO_SOCKET);
	WHEN(TCP_ABORT_ON_DATA, ABORT_ON_DATA);
	WHEN(TCP_ABORT_ON_CLOSE, ABORT_ON_CLOSE);
	WHEN(TCP_ABORT_ON_LINGER, LINGER);
	WHEN(TCP_ABORT_ON_MEMORY, MEMORY);
	WHEN(TCP_KEEPALIVE_TIMEOUT, KEEPALIVE);
	WHEN(TCP_STATE, STATE);
	WHEN(TCP_TIMEWAIT_SOCKET, TIMEWAIT);
	WHEN(TCP_DISCONNECT_WITH_DATA, DISCONNECT);
	WHEN(INVALID_SYN, INVALID);
	return UNKNOWN;
}

struct path {
	__u8 address[16];
	__u16 port;    /* the service's: the other is as good as random */
	__u8 state;    /* 0: there was no socket */
	__u8 sent;     /* by us */
	__u8 why;
	__u8 outgoing; /* the port is theirs */
};

TALLIED_BY(struct path);

struct broken {
	__u64 at;
	__u16 local;
	__u16 remote;
	__u32 pad;
	struct path path;
	__u16 end;
};

static __always_inline void reset(struct path *path, __u16 local, __u16 remote)
{
	__u64 now = bpf_ktime_get_ns();
	struct tally *tally;
	struct broken *told;

	count(SEEN);
	path->outgoing = path->state == SYN_SENT || (path->state && is_theirs(local, remote));
	path->port = path->outgoing ? remote : local;
	tally = tally_of(&tallies, path);
	if (tally)
		__sync_fetch_and_add(&tally->count, 1);
	if (!may_tell(now, path->state == ESTABLISHED))
		return;
	told = ROOM(struct broken);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	__builtin_memset(told, 0, sizeof(*told));
	told->at = now;
	told->local = local;
	told->remote = remote;
	told->path = *path;
	bpf_ringbuf_submit(told, 0);
}

/* A segment came for which there is no socket: what is known of it stands in its head. */
static __always_inline int segment_ends(struct sk_buff *skb, __u8 *theirs, __u16 *local, __u16 *remote)
{
	unsigned char *head = BPF_CORE_READ(skb, head), *ip = head + BPF_CORE_READ(skb, network_header), version = 0;
	__be16 ports[2] = {};

	bpf_probe_read_kernel(&version, 1, ip);
	if (version >> 4 == 4) {
		theirs[10] = theirs[11] = 0xff;
		bpf_probe_read_kernel(theirs + 12, 4, ip + 12);
	} else {
		bpf_probe_read_kernel(theirs, 16, ip + 8);
	}
	if (bpf_probe_read_kernel(ports, 4, head + BPF_CORE_READ(skb, transport_header)))
		return 0;
	*remote = bpf_ntohs(ports[0]);
	*local = bpf_ntohs(ports[1]);
	return 1;
}

SEC("tp_btf/tcp_send_reset")
int sent(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct sk_buff *skb = (void *)ctx[1];
	struct path path = {.sent = 1};
	__u16 local = 0, remote = 0;

	count(CALLS);
	if (bpf_core_type_exists(enum sk_rst_reason)) /* since 6.10 a third argument */
		path.why = why_of(ctx[2]);
	if (sk) {
		path.state = BPF_CORE_READ(sk, __sk_common.skc_state);
		remote = remote_port(sk);
		if (path.state == NEW_SYN_RECV || path.state == TIME_WAIT) { /* no full socket: it has no owner and no group */
			local = BPF_CORE_READ(sk, __sk_common.skc_num);
			if (target_pid || target_cgroup || !port_wanted(local, remote))
				return 0;
		} else {
			local = local_port(sk);
			if (!sock_wanted(sk))
				return 0;
		}
		remote_of(sk, path.address);
	}
	if (!sk || (!remote && skb)) { /* none, or the listener itself */
		if (!sk && (target_pid || target_cgroup))
			return 0;
		if (!skb || !segment_ends(skb, path.address, &local, &remote) || (!sk && !port_wanted(local, remote)))
			return 0;
	}
	reset(&path, local, remote);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int received(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct path path = {};

	count(CALLS);
	if (!sock_wanted(sk))
		return 0;
	path.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	remote_of(sk, path.address);
	reset(&path, local_port(sk), remote_port(sk));
	return 0;
}
