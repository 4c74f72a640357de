"""What is done to lines before they are planned: split container lines joined, plans of huge lines bounded."""

from __future__ import annotations

import re

from vectorstore.plans import Plan, Span

READABLE = 16 << 10
"""Bytes of a line that are looked at for its header and variables; the rest is text."""
READABLE_JSON = 256 << 10
"""The same for a line that is an object: cut, it could not be read at all."""
KEY_LENGTH = 8 << 10
"""Characters of a key; what a message says beyond does not tell its template."""
LITERALS = 64
"""Digits kept in a key; from the next on the message is cut for its template."""
_PARTIAL = re.compile(rb"\d{4}-\d\d-\d\dT\S+ (stdout|stderr) ([FP])((?::\S*)? )")
_LIMIT = 4 << 20


def holds_partial(text: bytes) -> bool:
    """Whether any line, or any skeleton of lines, may be one that was split."""
    return b" stdout P" in text or b" stderr P" in text


def join_partial(data: bytes) -> tuple[bytes, int]:
    """Join the lines of a container runtime (CRI) that it split; returns the text and the first open line.

    The whole text stands in the first line of the split, flagged ``F``; each line that went into it is left
    empty, so that lines keep their numbers. The second value is the number of the first line whose rest has not
    come yet, or -1.
    """
    if not holds_partial(data):
        return data, -1
    lines = data.removesuffix(b"\n").split(b"\n")
    begun: dict[bytes, int] = {}
    parts: dict[int, list[bytes]] = {}
    for number, line in enumerate(lines):
        match = _PARTIAL.match(line)
        if not match:
            continue
        stream, flag = match[1], match[2]
        first = begun.get(stream)
        if first is None:
            if flag == b"P":
                begun[stream] = number
                parts[number] = [line.removesuffix(b"\r")]
            continue
        parts[first].append(line[match.end():].removesuffix(b"\r"))
        lines[number] = b""
        if flag == b"F" or sum(map(len, parts[first])) > _LIMIT:
            del begun[stream]
            _write(lines, first, parts.pop(first))
    for first, held in parts.items():
        _write(lines, first, held, whole=False)
    return b"\n".join(lines) + b"\n", min(begun.values(), default=-1)


def _write(lines: list[bytes], first: int, parts: list[bytes], *, whole: bool = True) -> None:
    text = b"".join(parts)
    match = _PARTIAL.match(text)
    if match and whole:
        text = text[: match.start(2)] + b"F" + text[match.end(2):]
    lines[first] = text


def readable(line: bytes) -> bytes:
    """The part of a line that is read, cut where no number and no character is torn."""
    limit = READABLE_JSON if b"{" in line[:80] and line.rstrip().endswith(b"}") else READABLE
    if len(line) <= limit:
        return line
    end = limit
    while end > limit - 1024 and (line[end] & 0xC0 == 0x80 or line[end - 1: end].isalnum() and line[end: end + 1].isalnum()):
        end -= 1
    return line[:end]


def settle(plan: Plan, bones: bytes) -> Plan:
    """Bound a plan's key, and move every place in it to whole characters of ``bones``."""
    if not bones.isascii():
        plan.spans = {name: _whole(span, bones) for name, span in plan.spans.items()}
        plan.slot_spans = tuple(_whole(span, bones) for span in plan.slot_spans)
    kept, size = [], 0
    for number, part in enumerate(plan.key_parts):
        if number > LITERALS or size + len(part) > KEY_LENGTH:
            kept.append(_shortened(part, KEY_LENGTH - size))
            break
        kept.append(part)
        size += len(part)
    if len(kept) < len(plan.key_parts) or size > KEY_LENGTH or kept[-1] != plan.key_parts[len(kept) - 1]:
        plan.key_parts = tuple(kept)
        plan.literals = plan.literals[: len(kept) - 1]
    return plan


def _shortened(part: str, length: int) -> str:
    """The first characters of a part of a key, no placeholder torn."""
    if len(part) <= length:
        return f"{part} …"
    text = part[: max(0, length)]
    opened = text.rfind("<:")
    if opened >= 0 and ":>" not in text[opened + 2:]:
        text = text[:opened]
    return f"{text} …"


def _whole(span: Span, bones: bytes) -> Span:
    low, before, high, after = span
    while 0 < low < len(bones) and bones[low] & 0xC0 == 0x80:
        low -= 1
    while high < len(bones) and bones[high] & 0xC0 == 0x80:
        high += 1
    return low, before, high, after
