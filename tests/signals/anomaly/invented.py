"""An invented parcel service: normal sessions with side-by-side work, and six ways in which one can go wrong."""

import random

STEPS = ("parcel <*> announced", "label printed for <*>", "van <*> loaded", "scan at <*>", "handed over to <*>")
Session = list[str]


def normal(seed: int, count: int) -> list[Session]:
    """Two or three vans work side by side; each scans what it loads; some parcels are asked for."""
    draw = random.Random(seed)  # noqa: S311 - seeded samples
    return [_one(draw) for _ in range(count)]


def _one(draw: random.Random) -> Session:
    work = [[STEPS[2], STEPS[3], STEPS[3]] for _ in range(draw.choice((2, 2, 2, 3)))]
    middle: Session = []
    while any(work):
        middle.append(draw.choice([each for each in work if each]).pop(0))
    return [STEPS[0], STEPS[1], *middle, STEPS[4], *["status asked by <*>"] * draw.choice((0, 0, 0, 1, 2))]


def broken(kind: str, seed: int, count: int) -> list[Session]:
    """Sessions that went wrong in one way."""
    return [BREAKS[kind](session) for session in normal(seed, count)]


def _without(session: Session, template: str) -> Session:
    at = session.index(template)
    return session[:at] + session[at + 1 :]


BREAKS = {
    "unseen": lambda s: [*s[:4], "scanner <*> raised <*>", *s[4:]],
    "cut": lambda s: s[:3],
    "unfinished": lambda s: [each for each in s if each != STEPS[4]],
    "one_scan_lost": lambda s: _without(s, STEPS[3]),
    "twice_printed": lambda s: [*s[:2], *[STEPS[1]] * 3, *s[2:]],
    "reversed": lambda s: [s[1], s[0], *s[2:]],
}
