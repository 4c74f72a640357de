/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Opening files, and making them durable (fsync and its like): how long it takes, how often it fails, which files are slow.
 */
#include "registers.h"
#include "target.h"
#include "tally.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct___files {
	struct files_struct *files;
};

#pragma clang attribute pop

#if defined(__TARGET_ARCH_x86)
#define OPEN 2
#define CREAT 85
#define OPENAT 257
#define FSYNC 74
#define FDATASYNC 75
#define SYNC_FILE_RANGE 277
#define SYNCFS 306
#define MSYNC 26
#define SYNC 162
#else
#define OPEN -1
#define CREAT -1
#define OPENAT 56
#define FSYNC 82
#define FDATASYNC 83
#define SYNC_FILE_RANGE 84
#define SYNCFS 267
#define MSYNC 227
#define SYNC 81
#endif
#define OPENAT2 437

enum family { OTHER, BY_NAME, BY_NAME_SECOND, BY_NUMBER, WHOLE };

#define PART 64
#define PARTS 4
#define NAME (PART * PARTS)

struct operation {
	__u32 pid;
	__u16 call;
	__u16 error;
	char name[16];
};

TALLIED_BY(struct operation);

struct begun {
	__u64 at;
	__u64 what; /* a path's address, or a file's number */
	__u32 call;
	__u32 family;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct begun);
} started SEC(".maps");

struct done {
	__u64 at;
	__u64 ns;
	__u32 tid;
	__u32 parts; /* 0: `file` is a path; else its last parts, the innermost first, of PART bytes each */
	struct operation operation;
	char file[NAME];
};

static __always_inline enum family family_of(__s64 call)
{
	switch (call) {
#if OPEN >= 0
	case OPEN:
	case CREAT:
		return BY_NAME;
#endif
	case OPENAT:
	case OPENAT2:
		return BY_NAME_SECOND;
	case FSYNC:
	case FDATASYNC:
	case SYNC_FILE_RANGE:
	case SYNCFS:
		return BY_NUMBER;
	case MSYNC:
	case SYNC:
		return WHOLE;
	}
	return OTHER;
}

SEC("tp_btf/sys_enter")
int enters(__u64 *ctx)
{
	enum family family = family_of(ctx[1]);
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct begun begun = {};

	count(CALLS);
	if (family == OTHER || !current_wanted())
		return 0;
	begun.at = bpf_ktime_get_ns();
	begun.call = ctx[1];
	begun.family = family;
	begun.what = family == BY_NAME_SECOND ? SECOND_OF(ctx[0]) : FIRST_OF(ctx[0]);
	count(bpf_map_update_elem(&started, &tid, &begun, BPF_ANY) ? UNTRACKED : SEEN);
	return 0;
}

/* The last parts of an open file's path; how many. */
static __always_inline __u32 parts_of(__u32 number, char *to)
{
	struct task_struct___files *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slot = BPF_CORE_READ(table, fd), *file = 0;
	struct dentry *entry, *parent;
	__u32 part;

	if (number >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), slot + number) || !file)
		return 0;
	entry = BPF_CORE_READ(file, f_path.dentry);
#pragma unroll
	for (part = 0; part < PARTS; part++) {
		parent = BPF_CORE_READ(entry, d_parent);
		if (!entry || entry == parent)
			return part;
		bpf_probe_read_kernel_str(to + part * PART, PART, BPF_CORE_READ(entry, d_name.name));
		entry = parent;
	}
	return PARTS;
}

static __always_inline void tell(const struct begun *begun, const struct operation *operation, __u32 tid, __u64 ns, __u64 now)
{
	struct done *told;

	if (!may_tell_of(ns, now, 0))
		return;
	told = ROOM(struct done);
	if (!told) {
		count(LOST);
		return;
	}
	count(EVENTS);
	__builtin_memset(told, 0, sizeof(*told));
	told->at = begun->at;
	told->ns = ns;
	told->tid = tid;
	told->operation = *operation;
	if (begun->family == BY_NUMBER)
		told->parts = parts_of(begun->what, told->file);
	else if (begun->family != WHOLE)
		bpf_probe_read_user_str(told->file, NAME, (void *)begun->what);
	bpf_ringbuf_submit(told, 0);
}

SEC("tp_btf/sys_exit")
int leaves(__u64 *ctx)
{
	__u64 both = bpf_get_current_pid_tgid(), now, ns;
	__u32 tid = both;
	__s64 result = ctx[1];
	struct begun *found, begun;
	struct operation operation = {};
	struct tally *tally;

	count(CALLS);
	found = bpf_map_lookup_elem(&started, &tid);
	if (!found)
		return 0;
	begun = *found;
	bpf_map_delete_elem(&started, &tid);
	now = bpf_ktime_get_ns();
	ns = now - begun.at;
	operation.pid = both >> 32;
	operation.call = begun.call;
	operation.error = result < 0 && result >= -4095 ? -result : 0;
	bpf_get_current_comm(operation.name, sizeof(operation.name));
	measure(ns, (begun.family >= BY_NUMBER ? 2 : 0) + (operation.error ? 1 : 0));
	tally = tally_of(&tallies, &operation);
	if (tally)
		add(tally, ns, operation.error ? 1 : 0, 0);
	tell(&begun, &operation, tid, ns, now);
	return 0;
}
