"""What ships with OnCalm: the objects with the digests of their manifest where clang made them, and the C for bcc in any case."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def wheel(folder: Path, **environment: str) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="the build backend is not installed here")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, env=environment or None)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_the_objects_of_its_manifest(tmp_path: Path) -> None:
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed: apt install clang libbpf-dev")

    with wheel(tmp_path) as made:
        manifest = json.loads(made.read("ebpf/built/manifest.json"))["objects"]
        digests = {name: hashlib.sha256(made.read(f"ebpf/built/{name}.bpf.o")).hexdigest() for name in manifest}

    assert digests == manifest
    assert set(manifest) == {path.name.removesuffix(".bpf.c") for path in (ROOT / "ebpf" / "bpf").glob("*.bpf.c")}
    assert "none-any" not in made.filename  # type: ignore[operator]


def test_the_wheel_holds_what_bcc_compiles_on_the_node(tmp_path: Path) -> None:
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "ebpf" / "bpf").rglob("*.[ch]")}

    with wheel(tmp_path) as made:
        assert wanted <= set(made.namelist())


def test_without_clang_the_wheel_is_made_without_objects(tmp_path: Path) -> None:
    with wheel(tmp_path, PATH=str(tmp_path)) as made:
        assert not [name for name in made.namelist() if name.startswith("ebpf/built/")]
        assert "ebpf/bpf/packets.bpf.c" in made.namelist()
