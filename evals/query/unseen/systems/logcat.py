"""A phone (Android logcat, threadtime): a chat app leaks until it stops responding and is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2000-04-12"
START, END = f"{DAY} 17:00", f"{DAY} 19:10"
APPS = ("com.example.chat", "com.example.maps", "com.example.mail", "com.android.systemui")
SSIDS = ("HomeNet", "CafeGuest", "Office-5G")


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%m-%d %H:%M:%S}.{draft.time.microsecond // 1000:03d}"
    return f"{stamp} {draft.values['pid']:>5} {draft.values['tid']:>5} {draft.level} {draft.service}: {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, tag: str, message: str, **values: Any) -> None:
    pid = values.pop("pid", None) or sheet.rng.randint(900, 9800)
    sheet.add(time, kind, message, level=level, service=tag, pid=pid, tid=pid + sheet.rng.randint(0, 90), **values)


def _leaks(time: datetime) -> bool:
    return f"{time:%H:%M}" >= "18:20"


def _apps(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 190):
        freed, pause = sheet.rng.randint(900, 60000), sheet.rng.randint(60, 900)
        total = round(sheet.skewed(340 if _leaks(time) else 90, 0.5), 3)
        app = sheet.pick(APPS)
        _add(sheet, time, "gc", "I", sheet.pick(("example.chat", "example.maps", "ndroid.systemui")), f"Background concurrent copying GC freed {freed} "
             f"AllocSpace objects, 12 LOS objects, {sheet.rng.randint(5, 60)}% free, paused {pause}us total {total:.3f}ms", total=total, pause=pause, app=app)
    for time in sheet.times(START, END, 120):
        app, number = sheet.pick(APPS), sheet.rng.randint(1000, 9999)
        reason = sheet.pick(("service", "broadcast", "activity"))
        _add(sheet, time, "start", "I", "ActivityManager", f"Start proc {number}:{app}/u0a{sheet.rng.randint(90, 130)} for {reason}",
             pid=1523, app=app, reason=reason)
    for time in sheet.times(f"{DAY} 18:24", f"{DAY} 18:58", 50):
        mb = sheet.rng.randint(380, 511)
        _add(sheet, time, "oom", "E", "AndroidRuntime", f"java.lang.OutOfMemoryError: Failed to allocate a 1048592 byte allocation with 8192 free "
             f"bytes; process com.example.chat uses {mb}MB", mb=mb, app=APPS[0])
    for time in sheet.times(f"{DAY} 18:26", f"{DAY} 19:00", 16):
        load = round(sheet.skewed(9, 0.4), 2)
        _add(sheet, time, "anr", "E", "ActivityManager", f"ANR in {APPS[0]} (com.example.chat/.MainActivity), load: {load}", pid=1523, load=load, app=APPS[0])
    for time in sheet.times(START, END, 14):
        app = sheet.pick(APPS[:3])
        _add(sheet, time, "died", "W", "ActivityManager", f"Process {app} has died: fg TOP", pid=1523, app=app)


def _radio(sheet: Sheet) -> None:
    for time in sheet.times(START, END, 160):
        rssi, ssid = -sheet.rng.randint(40, 88), sheet.pick(SSIDS)
        _add(sheet, time, "wifi", "D", "WifiStateMachine", f"L2 connected ssid={ssid} rssi={rssi} freq={sheet.pick((2437, 5180))} txbad={sheet.rng.randint(0, 9)}",
             ssid=ssid, rssi=rssi)
    for time in sheet.times(START, END, 60):
        skipped = int(sheet.skewed(60 if _leaks(time) else 34, 0.5))
        _add(sheet, time, "skipped", "W", "Choreographer", f"Skipped {skipped} frames!  The application may be doing too much work on its main thread.",
             skipped=skipped)
    for time in sheet.times(START, END, 40):
        celsius = round(sheet.rng.uniform(26, 44), 1)
        _add(sheet, time, "battery", "V", "BatteryService", f"battery level:{sheet.rng.randint(20, 90)} temperature:{celsius} voltage:{sheet.rng.randint(3600, 4200)}",
             celsius=celsius)
    for time in sheet.times(START, END, 240):
        _add(sheet, time, "location", "D", "LocationManagerService", f"incoming location from: {sheet.pick(('gps', 'network', 'fused'))}")


def build() -> Pile:
    """The records."""
    sheet = Sheet(412, _form, "logcat.txt", second=False)
    _apps(sheet)
    _radio(sheet)
    return sheet.pile()


PLACES: dict[str, Callable[[Pile], str]] = {}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "anr": lambda p: w.count(p.kind("anr")),
    "oom": lambda p: w.count(p.kind("oom")),
    "errors": lambda p: w.count(p.at(level="E")),
    "maps_died": lambda p: w.count(p.kind("died").at(app="com.example.maps")),
    "frames_window": lambda p: w.count(p.kind("skipped").span(f"{DAY} 18:20", f"{DAY} 18:40")),
    "oom_last": lambda p: w.count(p.kind("oom").final(minutes=30)),
    "gc_before_six": lambda p: w.count(p.kind("gc").before(f"{DAY} 18:00")),
    "after_half": lambda p: w.count(p.kind("died").since(f"{DAY} 18:30")),
    "ssids": lambda p: w.distinct(p.kind("wifi"), "ssid"),
    "tags": lambda p: w.top(p, "service", 4),
    "starts": lambda p: w.top(p.kind("start"), "app"),
    "reasons": lambda p: w.groups(p.kind("start"), "reason"),
    "dies": lambda p: w.most(p.kind("died"), "app"),
    "levels": w.levels,
    "warn_share": lambda p: w.share(p.at(level="W"), p),
    "gc_p95": lambda p: w.span_of(p.kind("gc"), "total", "p95"),
    "frames_mean": lambda p: w.stat(p.kind("skipped"), "skipped", "mean"),
    "hottest": lambda p: w.stat(p.kind("battery"), "celsius", "max"),
    "rssi": lambda p: w.grouped(p.kind("wifi"), "rssi", "ssid", "mean"),
    "worst_frames": lambda p: w.extremes(p.kind("skipped"), "skipped", 5),
    "first": lambda p: w.first(p.kind("oom")),
    "last": lambda p: w.last(p.kind("anr")),
    "trend": lambda p: w.peak(p.kind("oom"), 60),
    "gap": w.gap,
    "new": lambda p: w.patterns(OutOfMemoryError={"before": 0, "after": len(p.kind("oom"))}, ANR_in={"before": 0, "after": len(p.kind("anr"))}),
    "template": lambda p: w.patterns(has_died={"count": len(p.kind("died"))}),
    "together": lambda _: w.patterns(OutOfMemoryError={}),
    "many_frames": lambda p: w.count(p.kind("skipped").over("skipped", 100)),
    "hot": lambda p: w.count(p.kind("battery").over("celsius", 40)),
    "except_oom": lambda p: w.count(p.at(level="E").where(lambda e: e.kind != "oom")),
    "not_chat": lambda p: w.count(p.kind("died").lacks(app="com.example.chat")),
    "yes_anr": lambda p: w.yes(p.kind("anr")),
    "no_maps_anr": lambda _: w.no(),
    "then_mail": lambda p: w.count(p.kind("died").at(app="com.example.mail")),
    "then_minmax": lambda p: w.stat(p.kind("skipped"), "skipped", "max"),
    "summary": lambda p: w.patterns(OutOfMemoryError={"count": len(p.kind("oom"))}, ANR_in={"count": len(p.kind("anr"))}, never=("incoming location",)),
    "nothing": lambda _: w.no(),
    "uninstall": lambda _: w.refused(),
}
