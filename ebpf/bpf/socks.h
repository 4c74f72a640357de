/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * TCP sockets: their addresses, and whether they are wanted. What happens to them in interrupts has no process: who owns a
 * socket is learnt when it is used.
 */
#ifndef ONCALM_SOCKS_H
#define ONCALM_SOCKS_H

#include "target.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 bytes[16]; /* read whole, by address */
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	volatile __u8 skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup; /* since 5.15 */
};

struct sock {
	struct sock_common __sk_common;
	int sk_err;
	__u16 sk_protocol;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
	__be16 inet_sport;
};

#pragma clang attribute pop

#define TCP 6
#define FAMILY_INET 2
#define FAMILY_INET6 10
#define ESTABLISHED 1 /* include/net/tcp_states.h; part of the tracepoints' interface */
#define SYN_SENT 2
#define SYN_RECV 3
#define TIME_WAIT 6
#define CLOSE 7
#define LISTENING 10
#define NEW_SYN_RECV 12

const volatile __u16 target_port; /* ours or theirs; 0: any */

/* Addresses are 16 bytes, those of IPv4 mapped (RFC 4291, 2.5.5.2). */
static __always_inline void map_inet(__u8 *to, __be32 address)
{
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void remote_of(struct sock *sk, __u8 *to)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == FAMILY_INET)
		map_inet(to, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	else
		bpf_probe_read_kernel(to, 16, __builtin_preserve_access_index(&sk->__sk_common.skc_v6_daddr));
}

static __always_inline void local_of(struct sock *sk, __u8 *to)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == FAMILY_INET)
		map_inet(to, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	else
		bpf_probe_read_kernel(to, 16, __builtin_preserve_access_index(&sk->__sk_common.skc_v6_rcv_saddr));
}

static __always_inline __u16 remote_port(struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* Of a full socket: its bound number is taken away before a reset is sent, this one stays. */
static __always_inline __u16 local_port(struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
}

/* Whether the port that names the service is theirs: the one that is meant, else the lower, for clients' are random and high. */
static __always_inline int is_theirs(__u16 local, __u16 remote)
{
	return target_port ? remote == target_port : remote <= local;
}

static __always_inline int port_wanted(__u16 local, __u16 remote)
{
	return !target_port || local == target_port || remote == target_port;
}

/* Who owns a socket, learnt when it was connected or used; only where one process is meant. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} owners SEC(".maps");

static __always_inline void learn_owner(struct sock *sk)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (pid == target_pid)
		bpf_sk_storage_get(&owners, sk, &pid, BPF_SK_STORAGE_GET_F_CREATE);
}

/* `sk` must be a full socket, as the tracepoint gave it. */
static __always_inline int sock_wanted(struct sock *sk)
{
	__u32 *owner;

	if (!port_wanted(local_port(sk), remote_port(sk)))
		return 0;
	if (target_pid) {
		owner = bpf_sk_storage_get(&owners, sk, 0, 0);
		if (!owner || *owner != target_pid)
			return 0;
	}
	return !target_cgroup || group_wanted(BPF_CORE_READ(sk, sk_cgrp_data.cgroup));
}

#endif
