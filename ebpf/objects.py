"""The compiled objects that ship with OnCalm: read only when their digest is the manifest's."""

from __future__ import annotations

import json
from pathlib import Path

from ebpf.errors import LoadError, UnsupportedError

FOLDER = Path(__file__).parent / "built"
_REMEDY = "build them: make bpf (needs clang and libbpf-dev), or install a wheel that holds them"


def manifest(folder: Path = FOLDER) -> dict[str, str]:
    """SHA-256 by object's name. Raises UnsupportedError when nothing was built."""
    try:
        told = json.loads((folder / "manifest.json").read_text())
        return {str(name): str(digest) for name, digest in told["objects"].items()}
    except FileNotFoundError as error:
        raise UnsupportedError("the probes' objects were not built", where=str(folder), remedy=_REMEDY) from error
    except (ValueError, KeyError, AttributeError) as error:
        raise LoadError("the manifest of the probes' objects is damaged", where=str(folder), remedy=_REMEDY) from error


def built(folder: Path = FOLDER) -> bool:
    """Whether there is a manifest."""
    return (folder / "manifest.json").is_file()


def read(name: str, folder: Path = FOLDER) -> bytes:
    """An object's bytes. Raises LoadError when they are not those of the manifest, UnsupportedError when it is not there."""
    digest = manifest(folder).get(name)
    path = folder / f"{name}.bpf.o"
    if digest is None or not path.is_file():
        raise UnsupportedError(f"there is no object {name}", where=str(folder), remedy=_REMEDY)
    content = path.read_bytes()
    if _sha256(content) != digest:
        raise LoadError("its digest is not the manifest's: it was changed or half written", where=str(path), remedy=_REMEDY)
    return content


def _sha256(content: bytes) -> str:
    """Without ``hashlib``, which brings 4 MiB of OpenSSL into a worker that has to stay small."""
    for name in ("_sha2", "_sha256"):  # CPython 3.12 and newer; before
        try:
            return str(__import__(name).sha256(content).hexdigest())
        except ImportError:
            continue
    from hashlib import sha256

    return sha256(content).hexdigest()
