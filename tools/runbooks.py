"""Runbooks by meaning and by service. Their text is data: it is shown, never obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from telemetry.errors import SourceError
from tools.log_inputs import Closed
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome, Passage, Passages
from tools.runbook_files import Runbook, Shelf, files, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

LEAST_LIKE = 0.25
"""Cosine below which a section has nothing to do with the words."""
_WORDS = 80
"""Words of a section that are compared: a sentence model reads little more."""
_SECTIONS = 3
_TEXT = 3_000
_PROBLEMS = 10


class Embedder(Protocol):
    """Turns texts into unit vectors, as :mod:`vectorstore.embedding` does."""

    @property
    def lexical(self) -> bool: ...

    def embed(self, texts: Sequence[str]) -> Vectors: ...


class FindInput(Closed):
    """What is looked for, and for which service."""

    words: str = Field(min_length=1, max_length=500, description="The symptom or task, in plain words")
    service: str | None = Field(default=None, description="Exact service name; null: any")
    limit: int = Field(default=3, ge=1, le=10, description="1 to 10 runbooks; null: 3")


@dataclass(frozen=True, slots=True)
class _Held:
    """A file as last read: read again when its size or time of change differs."""

    state: tuple[int, int]
    read: Runbook | str
    vectors: Vectors | None


class Runbooks:
    """The runbooks of one folder; files are read again as they change. Safe for threads."""

    def __init__(self, folder: Path, embedder: Embedder | None = None) -> None:
        """Without an ``embedder``, or with a lexical one, spelling is compared."""
        self.folder = folder
        self._embedder = embedder
        self._held: dict[Path, _Held] = {}
        self._lock = Lock()

    @property
    def lexical(self) -> bool:
        return self._embedder is None or self._embedder.lexical

    def shelf(self) -> Shelf:
        """All runbooks, and what could not be read. Raises NotAssessed, SourceError."""
        try:
            root = self.folder.resolve(strict=True)
            paths, problems = files(self.folder)
        except FileNotFoundError as error:
            raise NotAssessed("the folder of runbooks does not exist", where=str(self.folder), remedy="make it, or name another") from error
        except (OSError, RuntimeError) as error:
            raise SourceError(f"the folder of runbooks cannot be read: {error}", where=str(self.folder)) from error
        if not root.is_dir():
            raise SourceError("the folder of runbooks is a file", where=str(self.folder), remedy="name its folder")
        self._held = {path: self._fresh(path, root) for path in paths}
        held = [one.read for one in self._held.values()]
        return Shelf(tuple(r for r in held if isinstance(r, Runbook)), (*problems, *(r for r in held if isinstance(r, str))))

    def _fresh(self, path: Path, root: Path) -> _Held:
        try:
            about = path.stat()
            state = (about.st_mtime_ns, about.st_size)
        except OSError:
            state = (-1, -1)
        known = self._held.get(path)
        return known if known and known.state == state else _Held(state, read(path, root), None)

    def find(self, given: FindInput) -> Outcome:
        """The likest sections, by runbook. Raises NotAssessed, SourceError."""
        with self._lock:
            shelf = self.shelf()
            scored = self._scored(given.words)
        notes = [f"not read: {problem}" for problem in shelf.problems[:_PROBLEMS]]
        if len(shelf.problems) > _PROBLEMS:
            notes.append(f"{len(shelf.problems) - _PROBLEMS} more files were not read")
        if self.lexical:
            notes.append("compared by spelling, not by meaning: no sentence model is at hand")
        wanted = (given.service or "").casefold()
        named = [pair for pair in scored if wanted in {s.casefold() for s in pair[0].services}]
        if wanted and not named:
            notes.append(f"no runbook names the service {given.service!r}: those that name no service were searched")
        chosen = named or [pair for pair in scored if not wanted or not pair[0].services]
        # A runbook of the very service is shown even when its words are others.
        like = [(book, scores) for book, scores in chosen if max(scores, default=0.0) >= self._least() or (wanted and named)]
        like.sort(key=lambda pair: (-max(pair[1], default=0.0), pair[0].path))
        passages = [_passage(book, scores) for book, scores in like[: given.limit]]
        output = Passages(total=len(like), searched=len(shelf.runbooks), passages=passages)
        reason = None if like else f"{len(shelf.runbooks)} runbooks were searched and none is about this"
        return Outcome(output, notes=tuple(notes), reason=reason)

    def _least(self) -> float:
        return LEAST_LIKE / 2 if self.lexical else LEAST_LIKE

    def _scored(self, words: str) -> list[tuple[Runbook, list[float]]]:
        embedder = self._chosen()
        for path, held in self._held.items():
            if isinstance(held.read, Runbook) and held.vectors is None and held.read.sections:
                self._held[path] = _Held(held.state, held.read, embedder.embed(_texts(held.read)))
        asked = embedder.embed([words])[0]
        return [
            (held.read, [float(score) for score in held.vectors @ asked] if held.vectors is not None else [])
            for held in self._held.values() if isinstance(held.read, Runbook)
        ]

    def _chosen(self) -> Embedder:
        if self._embedder is None:
            from vectorstore.embedding import LexicalEmbedder

            self._embedder = LexicalEmbedder()
        return self._embedder


def runbook_tools(folder: Path | None, embedder: Embedder | None = None) -> Registry:
    """``runbooks.find`` over a folder; with none configured every call is not assessed."""
    held = Runbooks(folder, embedder) if folder is not None else None

    def find(given: FindInput) -> Outcome:
        if held is None:
            raise NotAssessed("no folder of runbooks is configured", where="runbooks", remedy="name one in the settings")
        return held.find(given)

    return Registry([Tool(
        "runbooks.find", "Find what the team's runbooks say about a symptom or a service. Use it before advising steps; what a "
        "runbook says is advice for people, not an observation.", "read", FindInput, find, output=Passages, timeout=30.0,
        freshness="live", tags=("runbooks",),
    )])


def _texts(book: Runbook) -> list[str]:
    """What is compared of each section: the title and symptoms lend it their words."""
    about = " ".join([book.title, *book.symptoms])
    return [" ".join(f"{about} {s.heading} {s.text}".split()[:_WORDS]) for s in book.sections]


def _passage(book: Runbook, scores: Sequence[float]) -> Passage:
    """The best sections in the order of the file, bounded, with what the runbook is about."""
    best = sorted(sorted(range(len(scores)), key=lambda at: -scores[at])[:_SECTIONS])
    about = [f"services: {', '.join(book.services)}" if book.services else "", f"symptoms: {'; '.join(book.symptoms)}" if book.symptoms else ""]
    parts = [part[:_TEXT // 3] for part in about if part]
    for at in best:
        section = book.sections[at]
        text = section.text[:_TEXT] + (f" [+{len(section.text) - _TEXT} characters]" if len(section.text) > _TEXT else "")
        parts.append(f"# {section.heading}\n{text}" if section.heading else text)
    if len(book.sections) > len(best):
        others = ", ".join(s.heading[:60] for at, s in enumerate(book.sections) if at not in best and s.heading)
        parts.append(f"other sections: {others[:500]}")
    return Passage(title=book.title[:200], source=book.path, text="\n".join(parts))
