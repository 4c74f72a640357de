"""From a probe's C, as it is written for libbpf, to one text that bcc compiles on the node.

What differs is said in ``bpf/bcc.h``; this puts in what only the node and the session know: constants, and where this
kernel's structures have the fields that the probe reads (:mod:`ebpf.btf`). A field that this kernel has not is put at a
place that ``bpf_core_field_exists`` knows. Nothing is read from kernel headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ebpf.btf import Types
from ebpf.errors import UnsupportedError

SOURCES = Path(__file__).parent.parent / "bpf"
STUBS = SOURCES / "stubs"
_FAR = 1 << 16
_SIZES = {"__u8": 1, "__u16": 2, "__u32": 4, "__u64": 8, "int": 4}
_INCLUDE = re.compile(r'^#include (?:"([\w.]+)"|<[^>]+>).*$', re.MULTILINE)
_CONSTANT = re.compile(r"^const volatile (\w+) (\w+)(?:\s*=\s*([^;]+))?;", re.MULTILINE)
_PROGRAM = re.compile(r'^SEC\("([^"]+)"\)\s*int (\w+)\(', re.MULTILINE)
_MAP = re.compile(r'struct \{((?:[^{}]|\\\n)*?)\} (\w+) SEC\("\.maps"\)')
_FACT = re.compile(r"__(?:uint|type)\((\w+),")
_MACRO = re.compile(r"^#define (\w+)(?:.*\\\n)*.*", re.MULTILINE)
_REGION = re.compile(r"#pragma clang attribute push\([^\n]*\n(.*?)#pragma clang attribute pop", re.DOTALL)
_STRUCT = re.compile(r"struct (\w+) \{\n([^{}]*)\};")
_FIELD = re.compile(r"(\w+)\s*(\[\w+\])?\s*(:\s*\d+)?$")
_ENUM = re.compile(r"\bbpf_core_enum_value\w*\(\s*enum (\w+)")
_FIELD_OF = re.compile(r"\bbpf_core_field_(exists|offset)\((\w+)->")
"""libbpf takes a field by an expression, too; bcc.h by its structure alone."""
_EMPTY = re.compile(r"^static const struct (\w+) (\w+);", re.MULTILINE)
"""bcc has no read-only data: what is empty is made where it is used."""
_TYPE_EXISTS = re.compile(r"bpf_core_type_exists\((struct|enum) (\w+)\)")


@dataclass(frozen=True, slots=True)
class Translated:
    """What bcc compiles. ``programs``: the place of each by its name; ``maps``: what the text says of each (``type``, ``key`` …)."""

    text: str
    programs: Mapping[str, str]
    maps: Mapping[str, tuple[str, ...]]


def translate(program: str, constants: Mapping[str, int], types: Types, folder: Path = SOURCES) -> Translated:
    """The text for the object ``program``. Raises UnsupportedError when there is none, KeyError for a constant that it has
    not, OverflowError for a number too large."""
    source = folder / f"{program}.bpf.c"
    if not source.is_file():
        raise UnsupportedError(f"there is no probe program {program}", where=str(folder))
    text = _joined(source, set())
    enums = "".join(_enumerators(text, name, types) for name in sorted(set(_ENUM.findall(text))))
    text = _TYPE_EXISTS.sub(lambda found: str(int(_known(types, found[1], found[2]))), text)
    text = _FIELD_OF.sub(r"bpf_core_field_\1(__typeof__(*\2), ", text)
    text = _REGION.sub(lambda found: _STRUCT.sub(lambda one: _structure(one[1], one[2], types), found[1]), text)
    for kind, name in _EMPTY.findall(text):
        text = re.sub(rf"&{name}\b(?!\s*(?:\.|->|\[))", f"&(struct {kind}){{}}", text)
    text = _set_constants(text, constants)
    maps = _maps(text)
    for number, name in enumerate(maps):
        text = re.sub(rf"&{name}\b(?!\s*(?:\.|->|\[))", f"ONCALM_MAP({number})", text)
    programs = {name: place for place, name in _PROGRAM.findall(text)}
    text = _PROGRAM.sub(lambda found: f"static __always_inline int {found[2]}_body(", text)
    prelude = _joined(folder / "bcc.h", set())
    return Translated("\n".join([prelude, enums, text, *_facts(maps), *map(_entry, programs), ""]), programs, maps)


def fact(number: int, name: str) -> str:
    """The function of the text that returns what a map is: ``type``, ``max_entries``, ``map_flags``, ``key`` or ``value``."""
    return f"oncalm_{name}_{number}"


def _joined(path: Path, seen: set[str]) -> str:
    """A file with our own headers in it, each once, and no others."""
    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name is None or name in seen:
            return ""
        seen.add(name)
        return _joined(path.parent / name, seen)

    return _INCLUDE.sub(put, path.read_text())


def _set_constants(text: str, values: Mapping[str, int]) -> str:
    known = {name: kind for kind, name, _ in _CONSTANT.findall(text)}
    for name, value in values.items():
        value.to_bytes(_SIZES[known[name]], "little", signed=value < 0)

    def put(found: re.Match[str]) -> str:
        kind, name, usual = found.groups()
        value = f"({kind}){values[name]}ULL" if name in values else usual or "0"
        return f"static const {kind} {name} = {value};"

    return _CONSTANT.sub(put, text)


def _maps(text: str) -> dict[str, tuple[str, ...]]:
    """Every map, also those that a macro makes where the macro is used."""
    macros = [(found.span(), found[1]) for found in _MACRO.finditer(text)]
    maps = {}
    for found in _MAP.finditer(text):
        within = next((name for (start, end), name in macros if start <= found.start() < end), None)
        if within is None or re.search(rf"^{within}\(", text, re.MULTILINE):
            maps[found[2]] = tuple(_FACT.findall(found[1]))
    return maps


def _facts(maps: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for number, (name, told) in enumerate(maps.items()):
        for one in told:
            each = " / sizeof(int)" if one not in {"key", "value"} else ""
            yield f"int {fact(number, one)}(void *ctx) {{ return sizeof(*((__typeof__({name}) *)0)->{one}){each}; }}"


def _entry(name: str) -> str:
    """bcc rewrites what is done with a program's own argument: the body is a function that it leaves alone."""
    return f"int {name}(void *ctx) {{ return {name}_body(ctx); }}"


def _structure(name: str, body: str, types: Types) -> str:
    """A structure with its fields where this kernel has them: each in a part of its own, all of them one on another."""
    home = name.partition("___")[0]
    size = types.size(home)
    if not size:
        return f"struct {name} {{\n{body}}};"
    parts, checks, bits = [], [], []
    for declared in filter(None, (one.strip() for one in re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL).split(";"))):
        found = _FIELD.search(declared)
        if found is None:
            raise UnsupportedError(f"bcc cannot be told the field {declared!r} of struct {name}", remedy="use the loader core")
        field, count, width = found.groups()
        place = types.place(home, field)
        if place is not None and bool(count) != types.is_array(place.type):
            place = None
        if width:
            bits.append(_bits(field, place.bit if place else 0, place.bits if place else 0))
            continue
        at = place.byte if place else _FAR
        parts.append(f"struct {{ {f'char at_{field}[{at}]; ' if at else ''}{declared}; }};")
        checks.append(f'_Static_assert(__builtin_offsetof(struct {name}, {field}) == {at}, "{name}.{field}");')
    return "\n".join([f"struct {name} {{ union {{", *parts, f"char whole_[{size}];", "}; };", *checks, *bits])


def _bits(field: str, at: int, width: int) -> str:
    if at % 8 + width > 8:
        raise UnsupportedError(f"the bits of {field} lie over two bytes in this kernel", remedy="use the loader core")
    return f"enum {{ oncalm_byte_{field} = {at // 8}, oncalm_shift_{field} = {at % 8}, oncalm_width_{field} = {width} }};"


def _enumerators(text: str, name: str, types: Types) -> str:
    values = types.values(name)
    declared = re.search(rf"enum {name} \{{([^}}]*)\}}", text)
    told = re.findall(r"\w+", declared[1]) if declared else []
    return "".join(f"enum {{ oncalm_has_{one} = {int(one in values)}, oncalm_is_{one} = {values.get(one, 0)} }};\n" for one in told)


def _known(types: Types, kind: str, name: str) -> bool:
    return bool(types.values(name) if kind == "enum" else types.size(name))
