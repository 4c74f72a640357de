/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * A request and its response on one connection, whatever carries the bytes. One state for each connection, changed in place.
 */
#ifndef ONCALM_EXCHANGE_H
#define ONCALM_EXCHANGE_H

#include "common.h"

#define HEAD 512
#define TAIL 64

enum protocol { HTTP = 1, POSTGRES = 2, MYSQL = 3, STREAM = 4, DNS = 5 };
enum side { EITHER = 0, SERVER = 1, CLIENT = 2 };
enum phase { IDLE, REQUEST, RESPONSE, EMITTING };
enum flag {
	SWEPT = 1,       /* handed out because nothing came for a while: the response may go on */
	ABORTED = 2,     /* the connection ended before a response came */
	GAP = 4,         /* bytes are missing */
	PIPELINED = 8,   /* another request came before the response to this one */
	INTERIM = 16,    /* a 1xx response came before */
	CLOSED = 32,     /* the connection ended with it */
	INCOMING = 64,   /* the request came in: we are the server */
	OUTGOING = 128,  /* of a piece of a stream: it went out */
	LAST = 256       /* of a stream: the connection ended, no bytes */
};

struct peer {
	__u8 address[16]; /* IPv4 mapped into IPv6 */
	__u16 port;       /* theirs */
	__u16 local;      /* ours */
	__u32 pid;        /* 0 where nobody knows */
};

struct exchange {
	__u64 phase; /* enum phase */
	__u64 start;  /* the request's first byte, ns of CLOCK_MONOTONIC */
	__u64 asked;  /* the request's last byte so far */
	__u64 first;  /* the response's first byte */
	__u64 last;   /* its last so far */
	__u64 read;   /* when the application took the request up; 0 unknown */
	__u64 connection;
	__u32 request_size;
	__u32 response_size;
	__u32 kept_request;
	__u32 kept_response;
	__u32 next[2]; /* the sequence number expected next; [0] incoming, [1] outgoing */
	__u32 known[2];
	struct peer peer;
	__u8 request[HEAD * 2]; /* twice: the second half is never filled, and makes the bounds plain to the verifier */
	__u8 response[HEAD * 2];
	__u8 tail[TAIL];
	__u32 tail_size;
	__u32 flags;
};

/* What goes to the ring buffer. ebpf/wire.py has the same layout. */
struct event {
	__u32 kind; /* enum protocol */
	__u32 flags;
	__u64 connection;
	__u64 start;
	__u64 first;
	__u64 last;
	__u64 read;
	__u32 request_size;
	__u32 response_size;
	__u16 kept_request;
	__u16 kept_response;
	__u16 tail_size;
	__u16 spare;
	struct peer peer;
	__u8 request[HEAD];
	__u8 response[HEAD];
	__u8 tail[TAIL];
};

const volatile __u32 protocol = HTTP;
const volatile __u32 capture = HEAD; /* bytes kept of each head, at most HEAD */

static __always_inline int is_method(__u32 word)
{
	/* The first four bytes, as a little-endian number: RFC 9110, 9.3, RFC 5789, RFC 4918 */
	return word == 0x20544547 /* GET  */ || word == 0x54534f50 /* POST */ || word == 0x20545550 /* PUT  */ ||
	       word == 0x44414548 /* HEAD */ || word == 0x454c4544 /* DELE */ || word == 0x43544150 /* PATC */ ||
	       word == 0x4954504f /* OPTI */ || word == 0x4e4e4f43 /* CONN */ || word == 0x43415254 /* TRAC */ ||
	       word == 0x504f5250 /* PROP */ || word == 0x4f504552 /* REPO */;
}

/* Whether a payload may begin a request: 1, or not: 0. `head` holds its first eight bytes, zeros behind its end. */
static __always_inline int begins(const __u8 *head, __u32 size)
{
	if (protocol == HTTP)
		return is_method(head[0] | head[1] << 8 | head[2] << 16 | (__u32)head[3] << 24);
	if (protocol == POSTGRES) { /* a message's letter and a length that may be, docs "Message Formats" */
		__u32 length = (__u32)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4];
		__u8 c = head[0];

		return size >= 5 && length >= 4 && length < (1 << 26) &&
		       (c == 'Q' || c == 'P' || c == 'B' || c == 'E' || c == 'D' || c == 'F' || c == 'C' || c == 'S');
	}
	if (protocol == MYSQL) { /* sequence number 0 begins a command, and a command is one of those known */
		return size >= 4 && head[3] == 0 && (size == 4 || (head[4] > 0 && head[4] < 0x20));
	}
	return 0;
}

/* Of MySQL: a command that no server answers (COM_QUIT, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE). */
static __always_inline int is_silent(__u8 command)
{
	return command == 0x01 || command == 0x18 || command == 0x19;
}

static __always_inline __u32 packet_size(const __u8 *head)
{
	return ((__u32)head[0] | head[1] << 8 | (__u32)head[2] << 16) + 4;
}

/* Whether what was asked so far is one such command and no more. */
static __always_inline int only_silent_so_far(const struct exchange *x)
{
	return protocol == MYSQL && x->kept_request >= 5 && is_silent(x->request[4]) && packet_size(x->request) == x->request_size;
}

static __always_inline __u32 outcome_of(struct exchange *x)
{
	if (protocol == HTTP) {
		__u8 class = x->response[9] - '0';

		return x->kept_response > 11 && class < 6 ? class : 0;
	}
	if (!x->response_size)
		return 0;
	if (protocol == POSTGRES)
		return x->response[0] == 'E' ? 6 : 2;
	if (protocol == MYSQL)
		return x->response[4] == 0xff ? 6 : 2;
	if (protocol == DNS) /* RFC 1035, 4.1.1: RCODE */
		return x->response[3] & 15 ? 6 : 2;
	return 0;
}

/* Hand out a finished exchange, or count that it was not. The caller has made x->phase EMITTING: nobody else does it, too. */
static __always_inline void hand_out(struct exchange *x, __u64 now)
{
	__u32 outcome = outcome_of(x);
	__u64 took = x->last > x->start ? x->last - x->start : 0;
	struct event *e;

	if (x->response_size)
		measure(took, outcome);
	if (!within_budget(now, outcome == 5 || outcome == 6 || took >= slow || !x->response_size)) {
		count(SUPPRESSED);
		return;
	}
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(LOST);
		return;
	}
	e->kind = protocol;
	e->flags = x->flags;
	e->connection = x->connection;
	e->start = x->start;
	e->first = x->first;
	e->last = x->last;
	e->read = x->read;
	e->request_size = x->request_size;
	e->response_size = x->response_size;
	e->kept_request = x->kept_request;
	e->kept_response = x->kept_response;
	e->tail_size = x->tail_size;
	e->spare = 0;
	e->peer = x->peer;
	__builtin_memcpy(e->request, x->request, HEAD);
	__builtin_memcpy(e->response, x->response, HEAD);
	__builtin_memcpy(e->tail, x->tail, TAIL);
	count(EVENTS);
	bpf_ringbuf_submit(e, 0);
}

/* The exchange in x is over, if one is there: whoever wins the change of its phase hands it out. */
static __always_inline void finish(struct exchange *x, __u64 phase, __u32 flags, __u64 now)
{
	if (__sync_val_compare_and_swap(&x->phase, phase, EMITTING) != phase)
		return;
	x->flags |= flags;
	hand_out(x, now);
	__sync_val_compare_and_swap(&x->phase, EMITTING, IDLE);
}

static __always_inline void restart(struct exchange *x, int incoming, __u64 now)
{
	x->flags = incoming ? INCOMING : 0;
	x->start = x->asked = now;
	x->first = x->last = x->read = 0;
	x->request_size = x->response_size = 0;
	x->kept_request = x->kept_response = x->tail_size = 0;
}

static __always_inline void begin(struct exchange *x, int incoming, __u64 now)
{
	restart(x, incoming, now);
	x->phase = REQUEST;
	count(SEEN);
}

#endif
