"""A message of which the first and the last bytes were seen."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sparse:
    """``size``: all bytes; ``tail`` ends where the message does."""

    head: bytes
    size: int
    tail: bytes = b""

    def get(self, at: int, count: int) -> bytes:
        """Bytes from a place on: fewer than ``count`` where the rest was not seen."""
        if at < len(self.head):
            found = self.head[at : at + count]
            missing = count - len(found)
            return found + self.get(at + len(found), missing) if missing and found and self.seen(at + len(found)) else found
        begin = self.size - len(self.tail)
        return self.tail[at - begin : at - begin + count] if at >= begin else b""

    def seen(self, at: int) -> bool:
        """Whether the byte at a place was seen."""
        return 0 <= at < len(self.head) or max(self.size - len(self.tail), len(self.head)) <= at < self.size


class Recent(OrderedDict[K, V], Generic[K, V]):
    """A table of the last ``most`` keys that were used. ``dropped``: keys that had to go."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.dropped = most, 0

    def keep(self, key: K, value: V) -> V:
        """Put a value, as the newest."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self.most:
            self.popitem(last=False)
            self.dropped += 1
        return value

    def recall(self, key: K) -> V | None:
        """The value of a key, which is the newest from now on."""
        if key not in self:
            return None
        self.move_to_end(key)
        return self[key]
