/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Programs that learn who owns a socket. Attached only where one process is meant: they cost something on every send and receive.
 */
#ifndef ONCALM_OWNERS_H
#define ONCALM_OWNERS_H

#include "socks.h"

SEC("tp_btf/sock_send_length")
int sends(__u64 *ctx)
{
	count(CALLS);
	learn_owner((void *)ctx[0]);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int receives(__u64 *ctx)
{
	count(CALLS);
	learn_owner((void *)ctx[0]);
	return 0;
}

/* What connects is not used yet; and a listener is never used. */
SEC("tp_btf/inet_sock_set_state")
int opens(__u64 *ctx)
{
	count(CALLS);
	if ((int)ctx[2] == SYN_SENT || (int)ctx[2] == LISTENING)
		learn_owner((void *)ctx[0]);
	return 0;
}

#endif
