"""Values as real systems write them, and lines drawn from tables of templates.

A template is text with holes ``{kind}`` or ``{kind:argument}``; its label has ``<*>`` for every hole, and is then
corrected (:mod:`evals.foreign.labels`). Holes of
one kind draw from few values or many, as the real things do. All lines are invented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from evals.foreign.labels import corrected

LINES = 2000
HOLE = re.compile(r"\{(?P<kind>[a-z]+)(?::(?P<argument>[^{}]*))?\}")
SKEW = 1.25
"""Line counts fall with rank as rank ** -SKEW: a few templates are most of a log."""

USERS = ("root", "root", "root", "admin", "test", "guest", "oracle", "news", "cyrus", "jdoe", "m.chen", "www-data")
HOSTS = ("dn228", "cn1021", "an43", "web-7", "node-12.rack3", "ads.corp.example", "mail3.isp.example.net", "db1",
         "211-9-58-217.dyn.example.jp", "gw", "edge02.lon", "calyx-10-105-160-95")  # fmt: skip
WORDS = ("alpha", "billing", "catalog", "orders", "session", "inventory", "frontend", "search", "media", "audit")
FOLDERS = ("var", "usr", "opt", "home", "data", "lib", "tmp", "etc", "srv", "run", "local", "share")
CLASSES = ("TaskRunner", "BlockStore", "SyncEngine", "CacheView", "EventLoop", "NetMonitor", "PowerHint")


@dataclass(frozen=True, slots=True)
class Kind:
    """One log system: how a line is headed and its templates, commonest first, as ``component | message``."""

    name: str
    head: str
    clock: str
    templates: tuple[str, ...]
    skew: float = SKEW


def lines(kind: Kind, count: int = LINES) -> tuple[list[str], list[str]]:
    """Draw ``count`` raw lines of the kind and the right template of each; the same ones in every run."""
    random = Random(kind.name)
    pairs = [_split(each) for each in kind.templates]
    weights = list(accumulate((rank + 1) ** -kind.skew for rank in range(len(pairs))))
    drawn = random.choices(pairs, cum_weights=weights, k=count - len(pairs)) + pairs
    random.shuffle(drawn)
    moment, raw, labels = datetime(2005, 6, 14, 3, 4, 5), [], []  # noqa: DTZ001 - logs write local times
    for component, message in drawn:
        moment += timedelta(milliseconds=random.randrange(9000))
        head = kind.head.replace("@component", component).replace("@clock", clock(kind.clock, moment))
        raw.append(fill(head, random) + fill(message, random))
        labels.append(corrected(HOLE.sub("<*>", message)))
    return raw, labels


def clock(form: str, moment: datetime) -> str:
    """The time as ``strftime`` writes it, with ``%f3`` for milliseconds and ``%e`` padded by a space."""
    return moment.strftime(form.replace("%f3", f"{moment.microsecond // 1000:03d}"))


def fill(text: str, random: Random) -> str:
    """Draw every hole of the text."""
    return HOLE.sub(lambda hole: DRAWN[hole["kind"]](random, hole["argument"] or ""), text)


def _split(template: str) -> tuple[str, str]:
    component, _, message = template.partition(" | ")
    return component, message


def _int(random: Random, argument: str) -> str:
    low, _, high = (argument or "0,65535").partition(",")
    return str(random.randint(int(low), int(high)))


def _float(random: Random, argument: str) -> str:
    return f"{random.uniform(0, float(argument or 100)):.{random.choice((1, 2, 3))}f}"


def _hex(random: Random, argument: str) -> str:
    return "".join(random.choices("0123456789abcdef", k=int(argument or 8)))


def _path(random: Random, argument: str) -> str:
    parts = [*random.choices(FOLDERS, k=random.randint(1, 4)), random.choice(WORDS) + argument]
    return "/" + "/".join(parts)


def _uuid(random: Random, _: str) -> str:
    return "-".join(_hex(random, str(width)) for width in (8, 4, 4, 4, 12))


def _ip(random: Random, _: str) -> str:
    return ".".join(str(random.randint(1, 254)) for _ in range(4))


def _mac(random: Random, _: str) -> str:
    return ":".join(_hex(random, "2") for _ in range(6))


def _size(random: Random, argument: str) -> str:
    return f"{random.uniform(1, 900):.1f}{argument}"


def _one(values: Sequence[str]) -> Callable[[Random, str], str]:
    return lambda random, _: random.choice(values)


DRAWN: dict[str, Callable[[Random, str], str]] = {
    "int": _int,
    "float": _float,
    "hex": _hex,
    "path": _path,
    "uuid": _uuid,
    "ip": _ip,
    "mac": _mac,
    "size": _size,
    "bool": _one(("true", "false")),
    "user": _one(USERS),
    "host": _one(HOSTS),
    "word": _one(WORDS),
    "class": _one(CLASSES),
    "port": lambda random, _: str(random.randint(1024, 65000)),
    "pick": lambda random, argument: random.choice(argument.split("~" if ";;" not in argument else ";;")),
    "up": lambda random, argument: _hex(random, argument).upper(),
    "time": lambda random, _: f"{random.randrange(24):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}",
}
