/* SPDX-License-Identifier: Dual MIT/GPL
 *
 * Stands in for libbpf's headers where a probe is compiled by bcc on the node. ebpf/loaders/dialect.py puts it before the probe's
 * own text. Helpers are called by their numbers (linux/bpf.h, enum bpf_func_id), which never change.
 */
#define BCC_SEC(name) __attribute__((section(name), used))
#define BPF_LICENSE Dual MIT/GPL

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define __always_inline inline __attribute__((always_inline))
#define barrier_var(value) __asm__ volatile("" : "+r"(value))
#define __builtin_preserve_access_index(place) (place)

/* A map by its place in the text; ebpf/loaders/relocate.py puts its descriptor there. */
unsigned long long bpf_pseudo_fd(unsigned long long, unsigned long long) __asm__("llvm.bpf.pseudo");
#define ONCALM_MAP(number) ((void *)bpf_pseudo_fd(1, 0x0ca10000 + (number)))

/* bcc compiles for the first processors of BPF, which had no exchange: a call that ebpf/loaders/relocate.py turns into one. */
#define __sync_val_compare_and_swap(place, old, new) ((__u64(*)(__u64 *, __u64, __u64))0x0ca5)(place, old, new)

#define bpf_map_lookup_elem ((void *(*)(void *, const void *))1)
#define bpf_map_update_elem ((long (*)(void *, const void *, const void *, __u64))2)
#define bpf_map_delete_elem ((long (*)(void *, const void *))3)
#define bpf_ktime_get_ns ((__u64(*)(void))5)
#define bpf_get_prandom_u32 ((__u32(*)(void))7)
#define bpf_get_smp_processor_id ((__u32(*)(void))8)
#define bpf_get_current_pid_tgid ((__u64(*)(void))14)
#define bpf_get_current_uid_gid ((__u64(*)(void))15)
#define bpf_get_current_comm ((long (*)(void *, __u32))16)
#define bpf_skb_load_bytes ((long (*)(const void *, __u32, void *, __u64))26)
#define bpf_get_stackid ((long (*)(void *, void *, __u64))27)
#define bpf_get_current_task ((__u64(*)(void))35)
#define bpf_get_socket_cookie ((__u64(*)(void *))46)
#define bpf_get_stack ((long (*)(void *, void *, __u32, __u64))67)
#define bpf_get_current_cgroup_id ((__u64(*)(void))80)
#define bpf_sk_fullsock ((struct bpf_sock * (*)(struct bpf_sock *))95)
#define bpf_sk_storage_get ((void *(*)(void *, void *, void *, __u64))107)
#define bpf_sk_storage_delete ((long (*)(void *, void *))108)
#define bpf_probe_read_user ((long (*)(void *, __u64, const void *))112)
#define bpf_probe_read_kernel ((long (*)(void *, __u64, const void *))113)
#define bpf_probe_read_user_str ((long (*)(void *, __u64, const void *))114)
#define bpf_probe_read_kernel_str ((long (*)(void *, __u64, const void *))115)
#define bpf_ringbuf_output ((long (*)(void *, void *, __u64, __u64))130)
#define bpf_ringbuf_reserve ((void *(*)(void *, __u64, __u64))131)
#define bpf_ringbuf_submit ((void (*)(void *, __u64))132)
#define bpf_ringbuf_discard ((void (*)(void *, __u64))133)
#define bpf_skc_to_tcp_sock ((void *(*)(void *))137)
#define bpf_skb_cgroup_id ((__u64(*)(void *))79)
#define bpf_ktime_get_boot_ns ((__u64(*)(void))125)
#define bpf_get_current_task_btf ((void *(*)(void))158)
#define bpf_task_pt_regs ((long (*)(void *))175)

#define bpf_ntohs(value) __builtin_bswap16(value)
#define bpf_htons(value) __builtin_bswap16(value)
#define bpf_ntohl(value) __builtin_bswap32(value)
#define bpf_htonl(value) __builtin_bswap32(value)

/* Fields of kernel structures: the loader puts each where this kernel has it, and what it has not at FAR. */
#define FAR (1 << 16)
#define bpf_core_field_offset(type, field) __builtin_offsetof(type, field)
#define bpf_core_field_exists(type, field) (__builtin_offsetof(type, field) < FAR)
#define bpf_core_enum_value_exists(type, name) oncalm_has_##name
#define bpf_core_enum_value(type, name) oncalm_is_##name

#define READ_1(from, a)                                                                  \
	({                                                                               \
		__typeof__((from)->a) read_;                                             \
		bpf_probe_read_kernel((void *)&read_, sizeof(read_), (const void *)&(from)->a); \
		read_;                                                                   \
	})
#define READ_2(from, a, b) READ_1(READ_1(from, a), b)
#define READ_3(from, a, b, c) READ_1(READ_2(from, a, b), c)
#define READ_4(from, a, b, c, d) READ_1(READ_3(from, a, b, c), d)
#define READ_5(from, a, b, c, d, e) READ_1(READ_4(from, a, b, c, d), e)
#define READ_NTH(_1, _2, _3, _4, _5, name, ...) name
#define BPF_CORE_READ(from, ...) READ_NTH(__VA_ARGS__, READ_5, READ_4, READ_3, READ_2, READ_1)(from, __VA_ARGS__)
#define BPF_CORE_READ_BITFIELD_PROBED(from, field)                                                       \
	({                                                                                               \
		__u8 byte_ = 0;                                                                          \
		bpf_probe_read_kernel(&byte_, 1, (const char *)(from) + oncalm_byte_##field);            \
		(__u64)(byte_ >> oncalm_shift_##field & ((1 << oncalm_width_##field) - 1));              \
	})

#if defined(__TARGET_ARCH_x86)
struct pt_regs { /* include/uapi/asm/ptrace.h */
	unsigned long r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss;
};
#define PT_REGS_PARM1(ctx) ((ctx)->rdi)
#define PT_REGS_PARM2(ctx) ((ctx)->rsi)
#define PT_REGS_PARM3(ctx) ((ctx)->rdx)
#define PT_REGS_PARM4(ctx) ((ctx)->rcx)
#define PT_REGS_RC(ctx) ((ctx)->rax)
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs { /* struct user_pt_regs */
	unsigned long regs[31], sp, pc, pstate;
};
#define PT_REGS_PARM1(ctx) ((ctx)->regs[0])
#define PT_REGS_PARM2(ctx) ((ctx)->regs[1])
#define PT_REGS_PARM3(ctx) ((ctx)->regs[2])
#define PT_REGS_PARM4(ctx) ((ctx)->regs[3])
#define PT_REGS_RC(ctx) ((ctx)->regs[0])
#endif
