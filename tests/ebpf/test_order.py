"""What a worker is told, and what it does without."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ebpf.kind import Aim, Options
from ebpf.order import Order, OrderError, order_from


def test_an_order_is_the_same_after_its_line() -> None:
    order = Order("http", Aim("/sys/fs/cgroup/a", 7, (1, 2), 80, "server"), Options(5, more={"queue_wait": 0}), 30, 0.05, os.getpid(), 99, "bcc", 620.5)

    assert order_from(order.line()) == order


@pytest.mark.parametrize("line", [b"", b"[]\n", b"{}\n", b'{"name": "http"}\n', b"\xff\n", b'{"aim": 1, "options": 2}\n'])
def test_what_is_no_order_is_refused(line: bytes) -> None:
    with pytest.raises(OrderError):
        order_from(line)


def test_a_worker_imports_nothing_heavy() -> None:
    source = "import sys, ebpf.worker, ebpf.exchanges, ebpf.loaders.core; print(*sorted({'pydantic', 'hashlib', 'asyncio', 'cryptography', 'opentelemetry', 'numpy'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout.strip() == ""
