"""The MiniLM encoder as plain arrays: the vectors of sentence-transformers without its import.

Importing sentence-transformers takes seconds; one question does not. The same weights run here on
numpy (a post-norm BERT encoder: Devlin et al. 2018, section 3; mean pooling and L2 norm: Reimers and
Gurevych 2019, section 3), and a test holds both to the same vectors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def plain_bert(folder: Path) -> bool:
    """Whether the model in ``folder`` is a BERT with mean pooling and a final L2 norm."""
    try:
        kinds = [module["type"].rsplit(".", 1)[-1] for module in _json(folder / "modules.json")]
        config, pooling = _json(folder / "config.json"), _json(folder / "1_Pooling" / "config.json")
    except (OSError, ValueError, KeyError, TypeError):
        return False
    mean = pooling.get("pooling_mode_mean_tokens") is True or pooling.get("pooling_mode") == "mean"
    return (
        kinds == ["Transformer", "Pooling", "Normalize"]
        and config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and mean
    )


class ArrayEncoder:
    """A BERT sentence encoder over numpy; reads ``model.safetensors`` and ``tokenizer.json``."""

    def __init__(self, folder: Path) -> None:
        """Load weights (about 0.3 s for MiniLM). Raises OSError when a file is missing."""
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        config = _json(folder / "config.json")
        limit = _json(folder / "sentence_bert_config.json").get("max_seq_length", 256)
        self._weights: dict[str, Vectors] = load_file(folder / "model.safetensors")
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._eps = float(config.get("layer_norm_eps", 1e-12))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(int(limit))
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of ``texts``, shape (n, hidden), one text at a time (no padding needed)."""
        return np.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> Vectors:
        ids = self._tokenizer.encode(text).ids
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(self._layers):
            x = self._block(x, f"encoder.layer.{layer}")
        mean = x.mean(axis=0)
        return cast("Vectors", mean / max(float(np.linalg.norm(mean)), 1e-12))

    def _block(self, x: Vectors, at: str) -> Vectors:
        length, hidden = x.shape
        width = hidden // self._heads

        def split(name: str) -> Vectors:
            projected = self._linear(x, f"{at}.attention.self.{name}")
            return projected.reshape(length, self._heads, width).transpose(1, 0, 2)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(width))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        mixed = mixed.transpose(1, 0, 2).reshape(length, hidden)
        output = f"{at}.attention.output"
        x = self._norm(x + self._linear(mixed, f"{output}.dense"), f"{output}.LayerNorm")
        inner = _gelu(self._linear(x, f"{at}.intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")

    def _linear(self, x: Vectors, at: str) -> Vectors:
        return cast("Vectors", x @ self._weights[f"{at}.weight"].T + self._weights[f"{at}.bias"])

    def _norm(self, x: Vectors, at: str) -> Vectors:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(self._eps))
        return cast("Vectors", centred / scale * self._weights[f"{at}.weight"] + self._weights[f"{at}.bias"])


def _gelu(x: Vectors) -> Vectors:
    """Exact GELU through erf (Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7)."""
    z = np.abs(x.astype(np.float64)) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * z)
    series = np.zeros_like(t)
    for coefficient in reversed(_ERF):
        series = (series + coefficient) * t
    erf = np.sign(x) * (1.0 - series * np.exp(-z * z))
    return cast("Vectors", (0.5 * x * (1.0 + erf)).astype(np.float32))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
