"""Writes a scenario's telemetry: the same bytes every time, and the typed records they were written from."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

from evals.agent.scenario import Between, Counter, LogFile, Scenario, Stream, Value


@dataclass(frozen=True, slots=True)
class Record:
    """One record as printed, all its lines; ``no`` is the number of its first line, from 1."""

    file: str
    no: int
    time: datetime | None
    text: str


def records(scenario: Scenario) -> list[Record]:
    """Everything a scenario's files hold, file by file."""
    return [record for log in scenario.telemetry for record in _records(log)]


def write(scenario: Scenario, folder: Path) -> list[Path]:
    """Print the files into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for log in scenario.telemetry:
        text = "".join(f"{record.text}\n" for record in _records(log))
        (folder / log.file).write_text(text, encoding="utf-8")
        paths.append(folder / log.file)
    return paths


def moment(text: str, day: str) -> datetime:
    """``HH:MM[:SS]`` of a day, or a whole date with a time, in UTC."""
    return datetime.fromisoformat(text if "-" in text else f"{day} {text}").replace(tzinfo=UTC)


def _records(log: LogFile) -> Iterator[Record]:
    drafts: list[tuple[datetime | None, str]] = [(None, line) for line in log.lines]
    for number, stream in enumerate(log.streams):
        drafts += _printed(log, stream, f"{log.file}/{number}")
    if log.streams:
        drafts.sort(key=lambda draft: draft[0] or datetime.min.replace(tzinfo=UTC))
    no = 1
    for time, text in drafts:
        yield Record(log.file, no, time, text)
        no += text.count("\n") + 1


def _printed(log: LogFile, stream: Stream, seed: str) -> Iterator[tuple[datetime, str]]:
    draws = {name: _drawing(value, f"{seed}/{name}") for name, value in stream.values.items()}
    body, head = "\n".join([stream.text, *stream.more]), Template(log.head)
    for number, time in enumerate(_times(log, stream)):
        values = {name: draw(number) for name, draw in draws.items()}
        first, *more = Template(body).substitute(values).split("\n")
        line = head.safe_substitute(values, time=_stamp(time, log.time), level=stream.level, text=first)
        yield time, "\n".join([line, *more])


def _times(log: LogFile, stream: Stream) -> Iterator[datetime]:
    if stream.start is None or stream.until is None or stream.every is None:
        yield from (moment(text, log.day) for text in stream.at)
        return
    now, end = moment(stream.start, log.day), moment(stream.until, log.day)
    while now < end:
        yield now
        now += timedelta(seconds=stream.every)


def _stamp(time: datetime, form: str) -> str:
    return time.strftime(form.replace("%L", f"{time.microsecond // 1000:03d}"))


def _drawing(value: Value, seed: str) -> Callable[[int], str]:
    """What gives the value of the n-th event, asked in order."""
    if isinstance(value, list):
        return lambda number: str(value[number % len(value)])
    if isinstance(value, Counter):
        return lambda number: value.form % (value.serial + number * value.step)
    drawn = random.Random(seed)
    if isinstance(value, Between):
        return lambda _: value.form % drawn.randint(*value.between)
    return lambda _: value.form % f"{drawn.getrandbits(4 * value.hex):0{value.hex}x}"
