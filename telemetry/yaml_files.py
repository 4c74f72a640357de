"""YAML that people write: one reader, whose errors name the line and repeat no value, which may be secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from telemetry.errors import UsageError

LARGEST = 1_000_000
"""Bytes of a file."""
Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""


class NotYamlError(ValueError):
    """It is not YAML; ``line`` counts from 1 and is None where nobody knows it."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(f"it is not YAML{f', line {line}' if line else ''}: {problem}")


class StrictLoader(yaml.SafeLoader):  # type: ignore[misc] # PyYAML publishes no types
    """YAML without what hides things: keys that stand twice, and aliases, which can blow a small file up."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"the key {str(key.value)[:40]} stands twice or is no word", key.start_mark)
            seen.add(key.value)
        return node


def parse(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The one document of a text. Raises NotYamlError."""
    try:
        return yaml.load(text, loader)  # noqa: S506 - every loader here is a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _told(error) from error


def parse_with_lines(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> tuple[Any, dict[Place, int]]:
    """As :func:`parse`, with the line of everything in the document. Raises NotYamlError."""
    try:
        root = yaml.compose(text, loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _told(error) from error
    return parse(text, loader), dict(_lines(root)) if root is not None else {}


def text_of(path: Path, *, remedy: str) -> str:
    """What a file holds. Raises UsageError for one that cannot be read or is larger than :data:`LARGEST`."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError("it is larger than 1 MB", where=str(path), remedy=remedy)
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror or error}", where=str(path), remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise UsageError("it cannot be read: it is not UTF-8", where=str(path), remedy=remedy) from error


def read(path: Path, *, remedy: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The document in a file; None for an empty one. Raises UsageError."""
    try:
        return parse(text_of(path, remedy=remedy), loader)
    except NotYamlError as error:
        raise UsageError(f"it cannot be read: {error}", where=str(path), remedy=remedy) from None


def _told(error: Exception) -> NotYamlError:
    if isinstance(error, RecursionError):
        return NotYamlError("it is nested too deeply")
    if not isinstance(error, yaml.YAMLError):
        return NotYamlError("a number or a time in it is none")
    mark = getattr(error, "problem_mark", None)
    return NotYamlError(str(getattr(error, "problem", None) or " ".join(str(error).split())[:200]), mark.line + 1 if mark else None)


def _lines(node: Any, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """The line of everything in the document, from 1; of a mapping's entry that of its key."""
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*place, key.value))
            yield (*place, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield from _lines(value, (*place, at))
