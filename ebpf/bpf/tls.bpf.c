/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * HTTP/1 before it is encrypted and after it is decrypted: at SSL_read and SSL_write of libssl, in the processes that are meant.
 */
#include <asm/ptrace.h>
#include "exchange.h"
#include "kernel.h"

const volatile __u32 target_pid; /* 0: every process that the probes are attached for */
const volatile __u32 side;       /* enum side */

struct call {
	__u64 ssl;
	__u64 buffer;
	__u64 written; /* where the _ex functions put how much it was; 0 for the others */
};

struct session {
	__u64 ssl;
	__u32 pid;
	__u32 spare;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64); /* the thread */
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct session);
	__type(value, struct exchange);
} exchanges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exchange);
} empty SEC(".maps");

/* As in packets.bpf.c */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} control SEC(".maps");

static __always_inline int enter(struct pt_regs *ctx, __u64 written)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call c = {};

	if (target_pid && thread >> 32 != target_pid)
		return 0;
	count(CALLS);
	c.ssl = PT_REGS_PARM1(ctx);
	c.buffer = PT_REGS_PARM2(ctx);
	c.written = written;
	bpf_map_update_elem(&calls, &thread, &c, BPF_ANY);
	return 0;
}

SEC("uprobe")
int enters(struct pt_regs *ctx)
{
	return enter(ctx, 0);
}

SEC("uprobe")
int enters_ex(struct pt_regs *ctx)
{
	return enter(ctx, PT_REGS_PARM4(ctx));
}

static __always_inline __u32 keep(__u64 buffer, __u64 size, __u8 *head, __u32 kept)
{
	__u32 most = capture <= HEAD ? capture : HEAD;

	if (kept >= most || kept >= HEAD)
		return kept;
	if (size > most - kept)
		size = most - kept;
	if (!BOUNDED(size, HEAD) || bpf_probe_read_user(head + (kept & (HEAD - 1)), size, (void *)buffer))
		return kept;
	return kept + size;
}

static __always_inline void asked(struct exchange *x, __u64 buffer, __u32 size, __u64 now)
{
	x->kept_request = keep(buffer, size, x->request, x->kept_request);
	x->request_size += size;
	x->asked = now;
}

static __always_inline void passed(struct session *key, __u64 buffer, __u32 size, int outgoing)
{
	int incoming = !outgoing, could_begin;
	__u64 now = bpf_ktime_get_ns();
	struct exchange *x, *blank;
	__u8 head[8] = {};
	__u32 zero = 0;

	if (size >= 8)
		bpf_probe_read_user(head, 8, (void *)buffer);
	could_begin = size >= 8 && begins(head, size) && (side == EITHER || (side == SERVER) == incoming);
	x = bpf_map_lookup_elem(&exchanges, key);
	if (!x) {
		if (!could_begin) {
			count(UNPARSED);
			return;
		}
		blank = bpf_map_lookup_elem(&empty, &zero);
		if (!blank || bpf_map_update_elem(&exchanges, key, blank, BPF_NOEXIST)) {
			count(UNTRACKED);
			return;
		}
		x = bpf_map_lookup_elem(&exchanges, key);
		if (!x)
			return;
		x->connection = key->ssl ^ (__u64)key->pid << 32;
		x->peer.pid = key->pid;
	}
	if (x->phase == RESPONSE && could_begin && incoming == !!(x->flags & INCOMING))
		finish(x, RESPONSE, 0, now);
	if (x->phase == IDLE) {
		if (!could_begin) {
			count(UNPARSED);
			return;
		}
		begin(x, incoming, now);
		asked(x, buffer, size, now);
		return;
	}
	if (incoming == !!(x->flags & INCOMING)) {
		asked(x, buffer, size, now);
		return;
	}
	if (x->phase == REQUEST) {
		x->first = now;
		x->phase = RESPONSE;
	}
	x->kept_response = keep(buffer, size, x->response, x->kept_response);
	x->response_size += size;
	x->last = now;
}

static __always_inline int leave(struct pt_regs *ctx, int outgoing)
{
	__u64 thread = bpf_get_current_pid_tgid(), written;
	__s64 size = (int)PT_REGS_RC(ctx);
	struct session key = {};
	struct call *c;

	c = bpf_map_lookup_elem(&calls, &thread);
	if (!c)
		return 0;
	count(CALLS);
	if (size > 0 && c->written) {
		written = 0;
		bpf_probe_read_user(&written, sizeof(written), (void *)c->written);
		size = written;
	}
	key.ssl = c->ssl;
	key.pid = thread >> 32;
	if (size > 0)
		passed(&key, c->buffer, size > 0x7fffffff ? 0x7fffffff : size, outgoing);
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

SEC("uretprobe")
int read_leaves(struct pt_regs *ctx)
{
	return leave(ctx, 0);
}

SEC("uretprobe")
int write_leaves(struct pt_regs *ctx)
{
	return leave(ctx, 1);
}

/* SSL_free, and whatever ends a connection */
SEC("uprobe")
int ends(struct pt_regs *ctx)
{
	struct session key = {};
	struct exchange *x;
	__u64 now;

	key.ssl = PT_REGS_PARM1(ctx);
	key.pid = bpf_get_current_pid_tgid() >> 32;
	x = bpf_map_lookup_elem(&exchanges, &key);
	if (!x)
		return 0;
	now = bpf_ktime_get_ns();
	finish(x, REQUEST, ABORTED | CLOSED, now);
	finish(x, RESPONSE, CLOSED, now);
	bpf_map_delete_elem(&exchanges, &key);
	return 0;
}

/* Run by a read of user space: hands out responses that pause, and counts what is in flight. */
SEC("iter/bpf_map_elem")
int sweep(struct bpf_iter__bpf_map_elem *ctx)
{
	struct exchange *x = ctx->value;
	__u32 zero = 0, one = 1;
	__u64 *idle, *flight, now;

	if (!x)
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
