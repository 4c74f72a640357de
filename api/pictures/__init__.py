"""Draws an investigation as SVG or PNG with Vega-Lite, without a browser. What there is no data for is not drawn."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from telemetry.errors import SourceError
from telemetry.unseen import escaped, spelled

if TYPE_CHECKING:
    import altair as alt

PNG_SCALE = 2
LONGEST = 80
"""Characters of a name or a sentence in a picture."""
_NOT_XML = re.compile("[\ufffe\uffff]")


def draw(found: dict[str, Any], folder: Path, *, kind: Literal["svg", "png"] = "svg") -> list[Path]:
    """Write ``timeline``, ``graph`` and ``latency`` of an investigation (the contract's document) into ``folder``.

    Returns the files, those that could be drawn. Raises SourceError when the folder cannot be written.
    """
    from api.pictures.graph import graph
    from api.pictures.latency import latency
    from api.pictures.timeline import timeline

    found, made = drawable(found), []
    for name, chart in (("timeline", timeline(found)), ("graph", graph(found)), ("latency", latency(found))):
        if chart is not None:
            made.append(_written(rendered(chart, kind), folder / f"{name}.{kind}"))
    return made


def drawable(value: Any) -> Any:
    """A document whose texts can stand in a picture: what is not seen, and what XML forbids (the renderer would end the whole
    process), is spelled out; what is long is cut, and stays as different as it was."""
    if isinstance(value, dict):
        return {key: drawable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [drawable(each) for each in value]
    return _drawable(value) if isinstance(value, str) else value


def _drawable(text: str) -> str:
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 6]}…{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:5]}"
    return _NOT_XML.sub(lambda match: escaped(match[0]), spelled(shown))


def rendered(chart: alt.TopLevelMixin, kind: Literal["svg", "png"]) -> bytes:
    """The bytes of a picture."""
    import vl_convert

    spec = chart.to_json()
    if kind == "png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=PNG_SCALE))
    return str(vl_convert.vegalite_to_svg(spec)).encode()


def _written(data: bytes, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise SourceError(f"a picture cannot be written: {error}", where=str(path), remedy="name another folder with --pictures") from error
    return path
