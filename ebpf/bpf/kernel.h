/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * The few fields of kernel structures that probes read. Their offsets are set when an object is loaded, from the running
 * kernel's own type information (BTF, "CO-RE"): nothing here states where a field is.
 */
#ifndef ONCALM_KERNEL_H
#define ONCALM_KERNEL_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_iter_meta {
	void *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct sock;
struct bpf_map;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop

#define TCP_CLOSE 7 /* include/net/tcp_states.h; part of the tracepoint's interface */

#endif
