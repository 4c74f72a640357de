"""Log lines and spans that every implementation holds in the contract suites."""

from __future__ import annotations

from telemetry.records import Span
from telemetry.sources.protocols import LogLine

SECOND = 1_000_000
BASE = 1_790_000_000 * SECOND
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NASTY = 'quote " backslash \\ dollar $ braces {a="b"} | = "x" (paren) [set] star * tick `'


def _line(second: float, text: str, **more: str) -> LogLine:
    given = {"level": "info", "service": "cart", "namespace": "shop", "pod": "cart-1", **more}
    return LogLine(BASE + round(second * SECOND), text, **given)  # type: ignore[arg-type]


LINES: tuple[LogLine, ...] = (
    _line(0, "Connection opened to inventory"),
    _line(1.5, "payment declined for order 77", level="error", service="checkout", pod="checkout-1", trace_id=TRACE),
    _line(2, NASTY, level="warn"),
    *(_line(3, f"burst number {n} of the same instant", service="bursty", pod="bursty-1") for n in range(40)),
    *(_line(10 + n / 10, f"tick {n} of the clock", service="clock", pod="clock-1") for n in range(1_300)),
    _line(400, "connection refused by inventory", level="error", pod="cart-2"),
    _line(401.25, "größer als 1 МБ", service="später", pod="spaeter-1"),
    _line(500, "the last line"),
)
END = BASE + 600 * SECOND


def _span(number: int, parent: int, start: float, length: float, service: str, operation: str, trace: str = TRACE, **more: object) -> Span:
    return Span(trace, f"{number:016x}", f"{parent:016x}" if parent else "", service, operation, BASE + round(start * SECOND),
                round(length * SECOND), **more)  # type: ignore[arg-type]


SPANS: tuple[Span, ...] = (
    _span(1, 0, 0, 0.9, "web", "GET /checkout", kind="server", attributes={"http.method": "GET", "http.status_code": "500"}, pod="web-1"),
    _span(2, 1, 0.1, 0.7, "checkout", "place order", kind="client", status="error", message="declined",
          attributes={"order.id": "77", "note": NASTY}, events=((BASE + SECOND // 2, "exception", {"exception.type": "Declined"}),)),
    _span(3, 2, 0.2, 0.1, "cart", "get cart", kind="internal", status="ok", links=(("ab" * 16, "cd" * 8),)),
    *(_span(10 + n, 0, 20 + n, 0.01, "web", "GET /health", trace=f"{n + 1:032x}", kind="server") for n in range(5)),
    _span(99, 42, 100, 0.2, "orphan", "consume", trace="f" * 32, kind="consumer", status="error"),
)
