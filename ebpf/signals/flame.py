"""Flame graphs: one self-contained SVG, with the share of each function as its width and every name searchable as text."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT, MARGIN, TOP, BOTTOM = 1200, 17, 10, 46, 24
_LETTER = 6.6
"""Width of one in the font of the frames, which is of fixed width."""
_NARROWEST = 0.4


@dataclass(slots=True)
class Frame:
    """A function below its callers. ``weight``: samples, or microseconds."""

    name: str
    weight: int = 0
    callees: dict[str, Frame] = field(default_factory=dict)

    def depth(self) -> int:
        """How many frames are above it, itself counted."""
        return 1 + max((one.depth() for one in self.callees.values()), default=0)


def tree(lines: Iterable[str]) -> Frame:
    """From folded stacks, ``outermost;...;innermost number``. Lines that are none are left out."""
    root = Frame("all")
    for line in lines:
        stack, _, number = line.rpartition(" ")
        if not stack or not number.isdigit():
            continue
        frame = root
        frame.weight += int(number)
        for name in stack.split(";"):
            frame = frame.callees.setdefault(name, Frame(name))
            frame.weight += int(number)
    return root


def svg(lines: Iterable[str], title: str, unit: str = "samples") -> str:
    """The picture. No script, no style from elsewhere; hover shows a frame's figures, the browser's search finds names."""
    root = tree(lines)
    height = TOP + HEIGHT * root.depth() + BOTTOM
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">'
        f"<title>{escape(title)}</title>"
        '<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="15">{escape(title)}</text>'
        f'<text x="{WIDTH / 2}" y="37" text-anchor="middle" fill="#555">{root.weight:,} {escape(unit)}; width is the share, upwards are callees; _[k] is the kernel</text>')
    if not root.weight:
        return head + f'<text x="{MARGIN}" y="{TOP + 12}">nothing was seen</text></svg>'
    scale = (WIDTH - 2 * MARGIN) / root.weight
    return head + "".join(_frames(root, float(MARGIN), height - BOTTOM - HEIGHT, scale, root.weight, unit)) + "</svg>"


def _frames(frame: Frame, x: float, y: float, scale: float, whole: int, unit: str) -> Iterator[str]:
    width = frame.weight * scale
    if width < _NARROWEST:
        return
    words = f"{frame.name} ({frame.weight:,} {unit}, {100 * frame.weight / whole:.2f} %)"
    yield f'<g><title>{escape(words)}</title><rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{HEIGHT - 1}" rx="1" fill="{_colour(frame.name)}"/>'
    letters = int((width - 6) / _LETTER)
    if letters >= 3:
        shown = frame.name if len(frame.name) <= letters else frame.name[:letters - 1] + "…"
        yield f'<text x="{x + 3:.2f}" y="{y + 12}">{escape(shown)}</text>'
    yield "</g>"
    for callee in sorted(frame.callees.values(), key=lambda one: one.name):
        yield from _frames(callee, x, y - HEIGHT, scale, whole, unit)
        x += callee.weight * scale


def _colour(name: str) -> str:
    """Warm for programs, blue for the kernel; the same for the same name."""
    shade = zlib.crc32(name.encode()) % 40
    if name.endswith("_[k]"):
        return f"hsl({205 + shade // 4},55%,{66 + shade // 3}%)"
    return f"hsl({15 + shade},85%,{62 + shade // 4}%)"
