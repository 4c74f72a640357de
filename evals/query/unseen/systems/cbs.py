"""A Windows host's servicing log (CBS style): updates fail with one code until the disk is cleaned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAYS = ("2026-09-28", "2026-09-29", "2026-09-30")
LAST = DAYS[2]
START, END = f"{DAYS[0]} 06:00", f"{LAST} 11:45"
AGENTS = ("WindowsUpdateAgent", "DISM Package Manager Provider", "SPP", "TrustedInstaller")
CODES = {"0x800f0922": "CBS_E_INSTALLERS_FAILED", "0x80070070": "ERROR_DISK_FULL", "0x80240022": "WU_E_ALL_UPDATES_FAILED"}


def _form(draft: Draft) -> str:
    return f"{draft.time:%Y-%m-%d %H:%M:%S}, {draft.level:<21} {draft.service:<6} {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, service: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, level=level, service=service, **values)


def _sessions(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 9)):
        session, client = f"30{546000 + number * 13}_{sheet.rng.randint(10**6, 10**7)}", sheet.pick(AGENTS)
        package = f"KB50{sheet.rng.randint(40000, 40040)}"
        _add(sheet, time, "session", "Info", "CBS", f"Session: {session} initialized by client {client}.", session=session, client=client)
        _add(sheet, later(time, 3), "reading", "Info", "CBS", f"Read out cached package applicability for package: {package}, ApplicableState: Installed, "
             "CurrentState: Staged", package=package)
        full = f"{DAYS[1]} 13:00" <= f"{time:%Y-%m-%d %H:%M}" < f"{DAYS[1]} 21:30"
        if full and sheet.rng.random() < 0.7:
            code = "0x80070070"
        elif sheet.rng.random() < 0.08:
            code = sheet.pick(("0x800f0922", "0x80240022"))
        else:
            seconds, free = int(sheet.skewed(95, 0.7)), sheet.rng.randint(2, 60)
            _add(sheet, later(time, seconds), "installed", "Info", "CBS", f"Package {package} installed in {seconds} seconds, free space {free} GB",
                 package=package, seconds=seconds, free=free)
            continue
        _add(sheet, later(time, 40), "failed", "Error", "CBS", f"Failed to install package {package} [HRESULT = {code} - {CODES[code]}]",
             package=package, code=code, named=f"{code} - {CODES[code]}", session=session)


def _rest(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 12):
        ident = f"{sheet.hexes(8)}{sheet.hexes(2)}"
        _add(sheet, time, "csi", "Info", "CSI", f"{ident} CSI Store {sheet.rng.randint(10**6, 10**7)} initialized", ident=ident)
    for time in sheet.times(START, END, 4):
        _add(sheet, time, "warning", "Warning", "CBS", f"Unrecognized packageExtended attribute on package KB50{sheet.rng.randint(40000, 40040)}")
    for time in sheet.times(START, END, 2):
        service, minutes = sheet.pick(("wuauserv", "bits", "cryptsvc")), sheet.rng.randint(1, 25)
        _add(sheet, time, "stuck", "Warning", "SQM", f"Service {service} did not respond for {minutes} minutes", name=service, minutes=minutes)
    _add(sheet, datetime.fromisoformat(f"{DAYS[1]} 21:32:10+00:00"), "cleanup", "Info", "DISM", "Component store cleanup finished, 14.6 GB reclaimed")


def build() -> Pile:
    """The records."""
    sheet = Sheet(928, _form, "CBS.log")
    _sessions(sheet)
    _rest(sheet)
    sheet.drafts = [each for each in sheet.drafts if not f"{LAST} 02:00" <= f"{each.time:%Y-%m-%d %H:%M}" < f"{LAST} 03:10"]
    return sheet.pile()


def _failed(pile: Pile) -> Pile:
    return pile.kind("failed")


def _session(pile: Pile) -> str:
    return str(pile.kind("session").ordered()[40].get("session"))


PLACES: dict[str, Callable[[Pile], str]] = {"session": _session, "kb": lambda p: _failed(p).counter("package").most_common(1)[0][0]}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "failed": lambda p: w.count(_failed(p)),
    "full": lambda p: w.count(_failed(p).at(code="0x80070070")),
    "installed": lambda p: w.count(p.kind("installed")),
    "agent": lambda p: w.count(p.kind("session").at(client="SPP")),
    "yesterday": lambda p: w.count(_failed(p).span(DAYS[1], LAST)),
    "on_28": lambda p: w.count(p.kind("installed").before(DAYS[1])),
    "day_before": lambda p: w.count(p.kind("stuck").span(DAYS[0], DAYS[1])),
    "evening": lambda p: w.either(*(w.count(_failed(p).span(f"{DAYS[1]} {a}", b)) for a in ("17:00", "18:00")
                                    for b in (f"{DAYS[1]} 22:00", f"{DAYS[1]} 23:00", LAST))),
    "window": lambda p: w.count(p.kind("installed").span(f"{LAST} 08:00", f"{LAST} 11:00")),
    "morning": lambda p: w.either(*(w.count(p.kind("session").since(f"{LAST} {a}")) for a in ("00:00", "04:00", "05:00", "06:00"))),
    "packages": lambda p: w.distinct(_failed(p), "package"),
    "codes": lambda p: w.either(w.top(_failed(p), "code"), w.top(_failed(p), "named")),
    "agents": lambda p: w.top(p.kind("session"), "client", 2),
    "services": lambda p: w.most(p.kind("stuck"), "name"),
    "levels": w.levels,
    "components": lambda p: w.groups(p, "service"),
    "share": lambda p: w.share(_failed(p).at(code="0x80070070"), _failed(p)),
    "mean": lambda p: w.stat(p.kind("installed"), "seconds", "mean"),
    "free_min": lambda p: w.stat(p.kind("installed"), "free", "min"),
    "stuck_by": lambda p: w.grouped(p.kind("stuck"), "minutes", "name", "max"),
    "slowest": lambda p: w.extremes(p.kind("installed"), "seconds", 5),
    "first": lambda p: w.first(_failed(p).at(code="0x80070070")),
    "last": lambda p: w.last(_failed(p)),
    "cleanup": lambda p: w.either(w.first(p.kind("cleanup")), w.lines(p.kind("cleanup"))),
    "hourly": lambda p: w.peak(_failed(p), 3600),
    "gap": w.gap,
    "session_lines": lambda p: w.lines(p.at(session=_session(p)).kind("session")),
    "template": lambda p: w.patterns(Unrecognized_packageExtended={"count": len(p.kind("warning"))}),
    "slow": lambda p: w.count(p.kind("installed").over("seconds", 300)),
    "low": lambda p: w.count(p.kind("installed").under("free", 5)),
    "not_full": lambda p: w.count(_failed(p).lacks(code="0x80070070")),
    "yes_code": lambda p: w.yes(_failed(p).at(code="0x80240022")),
    "no_blue": lambda _: w.no(),
    "then_kb": lambda p: w.count(_failed(p).at(package=_failed(p).counter("package").most_common(1)[0][0])),
    "then_before": lambda p: w.count(p.kind("stuck").span(DAYS[1], LAST)),
    "summary": lambda p: w.patterns(Failed_to_install={"count": len(_failed(p))}, never=("CSI Store",)),
    "nothing": lambda _: w.no(),
    "install": lambda _: w.refused(),
    "chat": lambda _: w.refused(),
}
