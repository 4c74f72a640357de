"""A message as the key it gets, written out in the plainest way."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.slots import Slot
from vectorstore.masking import MARKED, mask
from vectorstore.skeleton import runs, skeleton


def key(message: str) -> str:
    """The key of a message."""
    bones = skeleton(message)
    return key_text(bones, mask(bones), [message[start:end] for start, end in runs(message)])


def key_text(skeleton: str, slots: Sequence[Slot], runs: Sequence[str]) -> str:
    """Write the key: ``<:type:>`` for each slot; ``runs`` are the texts behind digit, hex and UUID marks."""
    texts = iter(runs)
    parts, at = [], 0
    for slot in slots:
        parts.append(MARKED.sub(lambda _: next(texts), skeleton[at : slot.start]))
        for _ in MARKED.findall(skeleton, slot.start, slot.end):
            next(texts)
        parts.append(f"<:{slot.type}:>")
        at = slot.end
    parts.append(MARKED.sub(lambda _: next(texts), skeleton[at:]))
    return "".join(parts)
