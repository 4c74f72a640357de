"""``python -m evals.bench index [--templates 1000] [--json]``: the meaning index beside Chroma's own query.

Made-up templates are embedded by the best embedder at hand and by the lexical one, synced into a new index, synced
again unchanged, and searched. The peer is ``collection.query`` of chromadb over the same vectors in the same run;
``overlap`` is the share of its ten nearest that ours has too (ours is exact, Chroma's graph is approximate).
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.models import Template
from vectorstore.embedding import Embedder, LexicalEmbedder, choose
from vectorstore.index import COLLECTION, TemplateIndex, meaning
from vectorstore.minilm import Vectors

QUERIES = 100
NEAREST = 10
_SUBJECTS = (
    "connection request session block disk user password token job queue cache replica leader node pod container "
    "volume certificate transaction order payment invoice message topic partition consumer worker thread pool index"
).split()
_EVENTS = (
    "failed opened closed accepted refused timed out started stopped finished retried dropped expired renewed "
    "created deleted moved scheduled evicted exceeded limit was rejected received sent committed rolled back"
).split()
_TAILS = ("from <ip>", "for user <user>", "after <duration>", "on port <port>", "with status <status>", "in <path>",
          "of <size>", "by <number> workers", "to <host>", "because of <word>")


class Held:
    """Vectors worked out before, so that an index can be timed without its model."""

    def __init__(self, inner: Embedder, texts: Sequence[str]) -> None:
        """Embeds every text of ``texts`` once with ``inner``."""
        self.name, self.lexical, self.dimension = inner.name, inner.lexical, inner.dimension
        self.vectors = dict(zip(texts, inner.embed(list(texts)), strict=True))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors held for ``texts``."""
        return np.stack([self.vectors[text] for text in texts])


def run(templates: int = 1000) -> dict[str, Any]:
    """Templates per second of both embedders, seconds of syncs, milliseconds per search of ours and the peer's."""
    made = _templates(templates)
    texts = [meaning(t.display) for t in made]
    asked = [" ".join(text.split()[:4]) for text in texts[:: max(1, templates // QUERIES)]][:QUERIES]
    model, lexical = choose(None, None), LexicalEmbedder()
    model.embed([" ".join(texts[:20])] * 32)  # the model is loaded before the clock runs
    seconds, held = _timed(Held, model, list(dict.fromkeys([*texts, *asked])))
    spelled, _ = _timed(lexical.embed, texts)
    one = statistics.median(_timed(model.embed, [q])[0] for q in asked[:20])
    with tempfile.TemporaryDirectory() as folder:
        index = TemplateIndex(Path(folder), held)
        first, _ = _timed(index.sync, made)
        again, _ = _timed(index.sync, made)
        index.search(asked[0], NEAREST)
        ours = [_timed(index.search, q, NEAREST) for q in asked]
        peer = _peer(Path(folder), held, asked)
    overlap = statistics.mean(
        len({i for i, _ in mine} & set(theirs)) / NEAREST for (_, mine), (_, theirs) in zip(ours, peer, strict=True))
    mine, theirs = (statistics.median(s for s, _ in found) * 1000 for found in (ours, peer))
    return {
        "templates": templates, "embedder": model.name,
        "embedder_per_second": round(len(held.vectors) / seconds), "lexical_per_second": round(templates / spelled),
        "embed_one_question_ms": round(one * 1000, 2), "sync_seconds": round(first, 2),
        "sync_unchanged_seconds": round(again, 2), "search_ms": round(mine, 3), "peer": "chromadb collection.query",
        "peer_search_ms": round(theirs, 3), "ratio": round(theirs / mine, 1), "overlap": round(overlap, 3),
    }


def _timed(work: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    begun = time.perf_counter()
    found = work(*given)
    return time.perf_counter() - begun, found


def _peer(folder: Path, held: Held, asked: Sequence[str]) -> list[tuple[float, list[str]]]:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(folder / "chroma"), settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(COLLECTION, embedding_function=None)

    def query(text: str) -> list[str]:
        found = collection.query(query_embeddings=[held.vectors[text]], n_results=NEAREST, include=["distances"])
        return list(found["ids"][0])

    query(asked[0])
    found = [_timed(query, q) for q in asked]
    client.close()
    return found


def _templates(count: int) -> list[Template]:
    drawn = random.Random(3)
    displays: dict[str, None] = {}
    while len(displays) < count:
        words = [drawn.choice(_SUBJECTS), *drawn.sample(_EVENTS, 2), drawn.choice(_SUBJECTS), drawn.choice(_TAILS)]
        displays[" ".join([*words[: drawn.randrange(3, 6)], drawn.choice(_TAILS)])] = None
    return [
        Template(id=f"t{number}", pattern=display, display=display, params=(), count=1, first_seen=None,
                 last_seen=None)
        for number, display in enumerate(displays)
    ]
