"""What a thread waits for: by the system call it is in, and closer by the kernel's functions on its stack."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.signals.stacks import KERNEL

_CALLS = {
    "futex": "a lock or a condition of its own process", "futex_wait": "a lock or a condition of its own process", "futex_waitv": "a lock or a condition of its own process",
    "nanosleep": "nothing: it sleeps on purpose", "clock_nanosleep": "nothing: it sleeps on purpose", "pause": "a signal",
    "poll": "events", "ppoll": "events", "select": "events", "pselect6": "events", "epoll_wait": "events", "epoll_pwait": "events", "epoll_pwait2": "events",
    "io_getevents": "its asynchronous input and output", "io_pgetevents": "its asynchronous input and output", "io_uring_enter": "its asynchronous input and output",
    "read": "data", "readv": "data", "pread64": "data of a file", "preadv": "data of a file",
    "recvfrom": "data from a socket", "recvmsg": "data from a socket", "recvmmsg": "data from a socket",
    "write": "room to write", "writev": "room to write", "pwrite64": "a file to take its data", "sendto": "a socket to take its data", "sendmsg": "a socket to take its data",
    "sendfile": "a file or socket to take its data", "accept": "a connection to come in", "accept4": "a connection to come in", "connect": "a connection to open",
    "wait4": "a child to end", "waitid": "a child to end", "fsync": "its data to be durable", "fdatasync": "its data to be durable", "sync": "all data to be durable",
    "msync": "its data to be durable", "syncfs": "all data of a file system to be durable", "sync_file_range": "its data to be durable",
    "flock": "a lock on a file", "fcntl": "a lock on a file", "open": "the file system", "openat": "the file system", "openat2": "the file system", "unlink": "the file system",
    "unlinkat": "the file system", "rename": "the file system", "renameat2": "the file system", "stat": "the file system", "newfstatat": "the file system", "getdents64": "the file system",
    "mmap": "the memory of its process (mmap_lock)", "munmap": "the memory of its process (mmap_lock)", "mprotect": "the memory of its process (mmap_lock)", "brk": "the memory of its process (mmap_lock)",
    "rt_sigtimedwait": "a signal", "rt_sigsuspend": "a signal", "semop": "a semaphore", "semtimedop": "a semaphore", "msgrcv": "a message of another process", "mq_timedreceive": "a message of another process",
}
_FUNCTIONS = (
    (("pipe_read", "anon_pipe_read"), "data from a pipe"), (("pipe_write", "anon_pipe_write"), "room in a pipe: its reader is slow"),
    (("unix_stream_read_generic", "unix_dgram_recvmsg", "unix_stream_data_wait"), "data from a local socket"), (("tcp_recvmsg",), "data from a TCP connection: the other side is slow"),
    (("tcp_sendmsg", "sk_stream_wait_memory"), "room to send: the other side, or the network, is slow"), (("inet_csk_accept",), "a connection to come in"),
    (("__inet_stream_connect", "inet_wait_for_connect"), "a connection to open"), (("udp_recvmsg", "__skb_recv_udp"), "a datagram"),
    (("jbd2_log_wait_commit", "ext4_sync_file", "xfs_file_fsync", "btrfs_sync_file", "xfs_log_force_lsn"), "its data to be durable: the journal or the disk is slow"),
    (("balance_dirty_pages",), "the disk to take written data: more is written than it takes"), (("tty_read", "n_tty_read"), "input of a terminal"),
    (("do_page_fault", "exc_page_fault", "handle_mm_fault", "do_mem_abort"), "a page of memory: it was swapped out, or has to be read from a file"),
    (("try_to_free_pages", "try_to_free_mem_cgroup_pages", "mem_cgroup_handle_over_high"), "memory to be freed: it is short"),
    (("cgroup_throttle", "throttle_cfs_rq"), "its share of the CPU: its control group is throttled"),
    (("rwsem_down_read_slowpath", "rwsem_down_write_slowpath", "__mutex_lock", "mutex_lock"), "a lock inside the kernel"), (("io_schedule", "folio_wait_bit_common"), "the disk"),
)


def waits_for(call: str, reason: str, stack: Sequence[str]) -> str:
    """In words, without a verb: ``a lock or a condition of its own process``. ``stack``: names as of :mod:`ebpf.signals.stacks`."""
    if reason == "preempted":
        return "a CPU: another thread was given it"
    if reason == "stopped":
        return "a signal or a debugger to let it go on"
    names = {name.removesuffix(KERNEL) for name in stack if name.endswith(KERNEL)}
    for functions, words in _FUNCTIONS:
        if not names.isdisjoint(functions):
            return words
    if call in _CALLS:
        return _CALLS[call]
    return "the disk" if reason == "disk" else "something in the kernel" if reason == "uninterruptible" else "something"
