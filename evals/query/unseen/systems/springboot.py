"""A billing service (Spring Boot, stack traces): the payment provider slows down, then the pool runs dry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet

DAY = "2026-04-21"
START, END = f"{DAY} 08:00", f"{DAY} 12:20"
WEB, PAY, POOL = "c.e.billing.web.InvoiceController", "c.e.billing.pay.ProviderClient", "com.zaxxer.hikari.pool.HikariPool"
MAIL, JOB, ADVICE = "c.e.billing.mail.MailSender", "c.e.billing.batch.DunningJob", "c.e.billing.web.ErrorAdvice"
PROVIDERS = ("stripely", "paybuddy", "klarify")
TRACE = """java.net.SocketTimeoutException: Read timed out
\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)
\tat com.example.billing.pay.ProviderClient.charge(ProviderClient.java:{line})
\tat com.example.billing.pay.PaymentService.settle(PaymentService.java:61)"""
NPE = """java.lang.NullPointerException: Cannot invoke "Customer.getVatId()" because "customer" is null
\tat com.example.billing.web.InvoiceController.render(InvoiceController.java:118)
\tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:903)"""


def _form(draft: Draft) -> str:
    stamp = f"{draft.time:%Y-%m-%dT%H:%M:%S}.{draft.time.microsecond // 1000:03d}Z"
    return f"{stamp} {draft.level:>5} 1 --- [{draft.values['thread']:>15}] {draft.service:<40} : {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, level: str, logger: str, message: str, **values: Any) -> None:
    thread = values.pop("thread", f"nio-8080-exec-{sheet.rng.randint(1, 12)}")
    sheet.add(time, kind, message, level=level, service=logger, thread=thread, **values)


def _traffic(sheet: Sheet) -> None:
    for number, time in enumerate(sheet.times(START, END, 260)):
        invoice, customer, ms = f"INV-{20300 + number}", sheet.rng.randint(4000, 4180), int(sheet.skewed(160, 0.7))
        _add(sheet, time, "rendered", "INFO", WEB, f"Rendered invoice {invoice} for customer {customer} in {ms} ms",
             invoice=invoice, customer=customer, ms=ms)
    for number, time in enumerate(sheet.times(START, END, 110)):
        provider, invoice = sheet.pick(PROVIDERS), f"INV-{20300 + number * 2}"
        slow = provider == "paybuddy" and f"{DAY} 10:20" <= f"{time:%Y-%m-%d %H:%M}" < f"{DAY} 11:05"
        ms, cents = int(sheet.skewed(2400 if slow else 380, 0.5)), int(sheet.skewed(8900, 0.9))
        if slow and sheet.rng.random() < 0.75:
            text = f"Charging invoice {invoice} at provider {provider} failed after 5000 ms\n{TRACE.format(line=sheet.rng.choice((88, 97)))}"
            _add(sheet, time, "failed", "ERROR", PAY, text, provider=provider, invoice=invoice)
        else:
            _add(sheet, time, "charged", "INFO", PAY, f"Charged {cents / 100:.2f} EUR for invoice {invoice} at provider {provider} in {ms} ms",
                 provider=provider, invoice=invoice, ms=ms, eur=cents / 100)


def _trouble(sheet: Sheet) -> None:
    for time in sheet.times(f"{DAY} 10:31", f"{DAY} 11:04", 150):
        waiting = sheet.rng.randint(3, 40)
        _add(sheet, time, "pool", "WARN", POOL, f"HikariPool-1 - Connection is not available, request timed out after 30000ms "
             f"(total=10, active=10, idle=0, waiting={waiting})", waiting=waiting)
    for time in sheet.times(START, END, 6):
        _add(sheet, time, "npe", "ERROR", ADVICE, f"Unhandled exception on GET /invoices/{sheet.rng.randint(100, 999)}/pdf\n{NPE}")
    for time in sheet.times(START, END, 40):
        kind, reason = "mailed", sheet.pick(("mailbox full", "greylisted"))
        to = f"user{sheet.rng.randint(1, 60)}@{sheet.pick(('post.example', 'mailbox.example', 'corp.example'))}"
        if sheet.rng.random() < 0.12:
            _add(sheet, time, "bounced", "WARN", MAIL, f"Could not deliver reminder to {to}: {reason}", thread="scheduling-1", to=to, reason=reason)
        else:
            _add(sheet, time, kind, "INFO", MAIL, f"Sent reminder to {to}", thread="scheduling-1", to=to)
    for time in sheet.times(START, END, 8):
        done, secs = sheet.rng.randint(20, 900), round(sheet.skewed(6, 0.5), 1)
        _add(sheet, time, "dunning", "INFO", JOB, f"Dunning run finished: {done} accounts checked in {secs} s", thread="scheduling-1",
             accounts=done, secs=secs)


def build() -> Pile:
    """The records."""
    sheet = Sheet(421, _form, "billing.log", second=False)
    for stop in ("08:00:00", "11:06:30"):
        time = datetime.fromisoformat(f"{DAY} {stop}+00:00")
        _add(sheet, time, "started", "INFO", "c.e.billing.BillingApplication", "Started BillingApplication in 7.412 seconds", thread="main")
    _traffic(sheet)
    _trouble(sheet)
    sheet.drafts = [each for each in sheet.drafts if not f"{DAY} 11:05" <= f"{each.time:%Y-%m-%d %H:%M:%S}" < f"{DAY} 11:06:30"]
    return sheet.pile()


def _failed(pile: Pile) -> Pile:
    return pile.kind("failed")


def _invoice(pile: Pile) -> str:
    return str(_failed(pile).ordered()[3].get("invoice"))


PLACES: dict[str, Callable[[Pile], str]] = {"invoice": _invoice}
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "failed": lambda p: w.count(_failed(p)),
    "npe": lambda p: w.count(p.kind("npe")),
    "errors": lambda p: w.count(p.at(level="ERROR")),
    "rendered": lambda p: w.count(p.kind("rendered")),
    "stripely": lambda p: w.count(p.kind("charged").at(provider="stripely")),
    "pool_window": lambda p: w.count(p.kind("pool").span(f"{DAY} 10:40", f"{DAY} 10:50")),
    "warn_hour": lambda p: w.count(p.at(level="WARN").final(hours=2)),
    "since_restart": lambda p: w.count(p.at(level="ERROR").since(f"{DAY} 11:10")),
    "till_ten": lambda p: w.count(p.kind("bounced").before(f"{DAY} 10:00")),
    "customers": lambda p: w.distinct(p.kind("rendered"), "customer"),
    "providers": lambda p: w.top(p.kind("charged"), "provider"),
    "loggers": lambda p: w.top(p, "service", 2),
    "reasons": lambda p: w.groups(p.kind("bounced"), "reason"),
    "worst": lambda p: w.most(_failed(p), "provider"),
    "levels": w.levels,
    "error_share": lambda p: w.share(p.at(level="ERROR"), p),
    "render_p95": lambda p: w.span_of(p.kind("rendered"), "ms", "p95"),
    "render_mean": lambda p: w.span_of(p.kind("rendered"), "ms", "mean"),
    "eur_sum": lambda p: w.stat(p.kind("charged"), "eur", "sum"),
    "waiting": lambda p: w.stat(p.kind("pool"), "waiting", "max"),
    "by_provider": lambda p: w.grouped(p.kind("charged"), "ms", "provider", "mean"),
    "eur_by": lambda p: w.grouped(p.kind("charged"), "eur", "provider", "sum"),
    "slowest": lambda p: w.extremes(p.kind("rendered"), "ms", 3),
    "biggest": lambda p: w.extremes(p.kind("charged"), "eur", 1),
    "first": lambda p: w.first(_failed(p)),
    "last": lambda p: w.last(p.kind("pool")),
    "restart": lambda p: w.either(w.last(p.kind("started")), w.lines(p.kind("started"))),
    "minutes": lambda p: w.peak(_failed(p), 60),
    "hourly": lambda p: w.trend(p.at(level="ERROR"), 3600),
    "gap": w.gap,
    "new": lambda p: w.patterns(Charging_invoice={"before": 0, "after": len(_failed(p))}),
    "invoice_lines": lambda p: w.lines(p.at(invoice=_invoice(p))),
    "template": lambda p: w.patterns(Connection_is_not_available={"count": len(p.kind("pool"))}),
    "together": lambda _: w.patterns(Charging_invoice={}),
    "slow": lambda p: w.count(p.kind("rendered").over("ms", 1000)),
    "except": lambda p: w.count(p.at(level="ERROR").where(lambda e: e.kind != "npe")),
    "any_oom": lambda _: w.no(),
    "any_npe": lambda p: w.yes(p.kind("npe")),
    "then_provider": lambda p: w.count(p.kind("charged").at(provider="klarify")),
    "then_minute": lambda p: w.trend(p.kind("pool"), 60),
    "summary": lambda p: w.patterns(Charging_invoice={"count": len(_failed(p))}, Unhandled_exception={"count": len(p.kind("npe"))},
                                    never=("Rendered invoice",)),
    "nothing": lambda _: w.no(),
    "deploy": lambda _: w.refused(),
}
