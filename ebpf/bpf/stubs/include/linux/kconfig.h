/* Empty on purpose: bcc wants a tree of kernel headers, and gets this one. Nothing of a kernel is stated here; see ebpf/loaders/bcc.py. */
