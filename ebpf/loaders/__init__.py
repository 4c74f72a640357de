"""How programs get into the kernel: two loaders, one interface. :mod:`ebpf.loaders.core` first; :mod:`ebpf.loaders.bcc` where no object fits."""
