"""A mail relay from morning to afternoon: a remote mail host stops answering and the queue fills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evals.query.expect import Expect
from evals.query.unseen import wants as w
from evals.query.unseen.pile import Draft, Pile, Sheet, later

DAY = "2000-06-03"
SENDERS = ("billing@shop.example", "noreply@shop.example", "hr@corp.example", "alerts@mon.example", "anna@corp.example")
DOMAINS = ("gmail.example", "northwind.example", "uni-lab.example", "fastmail.example")
SPAMMERS = ("185.220.101.4", "45.155.205.99", "193.32.162.7", "103.99.0.122")
BOUNCE = "550 5.1.1 User unknown in virtual mailbox table"


def _form(draft: Draft) -> str:
    day = f"{draft.time:%b} {draft.time.day:2d} {draft.time:%H:%M:%S}"
    return f"{day} mx1 {draft.service}[{draft.values['pid']}]: {draft.message}"


def _add(sheet: Sheet, time: datetime, kind: str, service: str, message: str, **values: Any) -> None:
    sheet.add(time, kind, message, service=service, host="mx1", pid=sheet.rng.randint(1000, 30000), **values)


def _mail(sheet: Sheet, time: datetime) -> None:
    queue, sender, domain = sheet.hexes(10).upper(), sheet.pick(SENDERS), sheet.pick(DOMAINS)
    client, size = f"10.20.0.{sheet.rng.randint(2, 9)}", int(sheet.skewed(14_000, 1.2))
    person = f"{sheet.pick(('info', 'office', 'jan', 'mia', 'root'))}@{domain}"
    _add(sheet, time, "client", "postfix/smtpd", f"{queue}: client=app{client[-1]}.internal[{client}]", queue=queue, client=client)
    _add(sheet, time, "cleanup", "postfix/cleanup", f"{queue}: message-id=<{sheet.hexes(12)}@{sender.split('@')[1]}>", queue=queue)
    _add(sheet, later(time, 1), "queued", "postfix/qmgr", f"{queue}: from=<{sender}>, size={size}, nrcpt=1 (queue active)",
         queue=queue, sender=sender, size=size)
    down = domain == "northwind.example" and f"{time:%H:%M}" >= "11:20"
    status = "deferred" if down else sheet.pick(("sent", "bounced"), (94, 6))
    delay = round(sheet.skewed(30, 0.1) if down else sheet.skewed(0.9, 0.9), 2)
    relay = "none" if down else f"mail.{domain}[203.0.113.{DOMAINS.index(domain) + 10}]:25"
    dsn, said = {"deferred": ("4.4.1", f"connect to mail.{domain}[203.0.113.11]:25: Connection timed out"),
                 "bounced": ("5.1.1", f"host mail.{domain} said: {BOUNCE} (in reply to RCPT TO command)"),
                 "sent": ("2.0.0", f"250 2.0.0 Ok: queued as {sheet.hexes(9).upper()}")}[status]
    done = later(time, 1 + delay)
    _add(sheet, done, status, "postfix/smtp", f"{queue}: to=<{person}>, relay={relay}, delay={delay}, "
         f"delays=0.1/0.01/0.2/{max(delay - 0.31, 0):.2f}, dsn={dsn}, status={status} ({said})",
         queue=queue, domain=domain, to=person, delay=delay, status=status, relay=relay)
    if not down:
        _add(sheet, done, "removed", "postfix/qmgr", f"{queue}: removed", queue=queue)


def build() -> Pile:
    """The records."""
    sheet = Sheet(603, _form, "maillog")
    for time in sheet.times(f"{DAY} 06:00", f"{DAY} 13:40", 62):
        _mail(sheet, time)
    for time in sheet.times(f"{DAY} 06:00", f"{DAY} 13:40", 34):
        ip = sheet.pick(SPAMMERS)
        _add(sheet, time, "connect", "postfix/smtpd", f"connect from unknown[{ip}]", ip=ip)
        if sheet.rng.random() < 0.5:
            user = sheet.pick(("admin", "test", "sales", "scanner"))
            _add(sheet, later(time, 1), "sasl", "postfix/smtpd",
                 f"warning: unknown[{ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username={user}", ip=ip, user=user)
        else:
            to = f"{sheet.pick(('info', 'ceo', 'shop'))}@corp.example"
            _add(sheet, later(time, 1), "reject", "postfix/smtpd", f"NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 "
                 f"Service unavailable; Client host [{ip}] blocked using zen.spamhaus.example; from=<win@prize.example> to=<{to}> "
                 f"proto=ESMTP helo=<localhost>", ip=ip, to=to)
        _add(sheet, later(time, 2), "disconnect", "postfix/smtpd", f"disconnect from unknown[{ip}] ehlo=1 quit=1 commands=2", ip=ip)
    return sheet.pile()


def _queue(pile: Pile) -> str:
    return str(pile.kind("bounced").ordered()[2].get("queue"))


def _window(pile: Pile, start: str, end: str, kind: str) -> int:
    return len(pile.kind(kind).span(f"{DAY} {start}", f"{DAY} {end}"))


PLACES: dict[str, Callable[[Pile], str]] = {"queue": _queue}
DELIVERIES = ("sent", "bounced", "deferred")
TRUTHS: dict[str, Callable[[Pile], Expect]] = {
    "bounced": lambda p: w.count(p.kind("bounced")),
    "sent": lambda p: w.count(p.kind("sent")),
    "deferred_northwind": lambda p: w.count(p.kind("deferred").at(domain="northwind.example")),
    "sasl_noon": lambda p: w.seen(p.kind("sasl").since(f"{DAY} 12:00")),
    "deferred_half": lambda p: w.count(p.kind("deferred").span(f"{DAY} 11:30", f"{DAY} 12:30")),
    "before_deadline": lambda p: w.seen(p.kind("reject").span(f"{DAY} 10:40", f"{DAY} 11:00")),
    "clients": lambda p: w.distinct(p.kind("client"), "client"),
    "recipients": lambda p: w.distinct(p.kind("bounced"), "to"),
    "senders": lambda p: w.top(p.kind("queued"), "sender", 3),
    "attacker": lambda p: w.most(p.kind("sasl"), "ip"),
    "statuses": lambda p: w.groups(p.kind(*DELIVERIES), "status"),
    "sasl_names": lambda p: w.top(p.kind("sasl"), "user"),
    "bounce_rate": lambda p: w.share(p.kind("bounced"), p.kind(*DELIVERIES)),
    "size_max": lambda p: w.stat(p.kind("queued"), "size", "max"),
    "size_sum": lambda p: w.stat(p.kind("queued"), "size", "sum"),
    "delay_p95": lambda p: w.stat(p.kind("sent"), "delay", "p95"),
    "delay_by_status": lambda p: w.grouped(p.kind(*DELIVERIES), "delay", "status", "mean"),
    "size_by_sender": lambda p: w.grouped(p.kind("queued"), "size", "sender", "mean"),
    "slowest": lambda p: w.extremes(p.kind("sent"), "delay", 5),
    "first_timeout": lambda p: w.first(p.kind("deferred")),
    "last_reject": lambda p: w.last(p.kind("reject")),
    "deferred_hour": lambda p: w.trend(p.kind("deferred"), 3600),
    "silence": w.gap,
    "compare": lambda p: w.patterns(Connection_timed_out={"before": 0, "after": _window(p, "11:20", "12:20", "deferred")}),
    "queue_lines": lambda p: w.lines(p.at(queue=_queue(p))),
    "big": lambda p: w.count(p.kind("queued").over("size", 102_400), p.kind("queued").over("size", 100_000)),
    "slow": lambda p: w.count(p.kind("sent").over("delay", 5)),
    "not_spammer": lambda p: w.count(p.kind("reject").lacks(ip=SPAMMERS[0])),
    "template": lambda p: w.patterns(SASL_LOGIN_authentication_failed={"count": len(p.kind("sasl"))}),
    "any_hr": lambda p: w.yes(p.kind("queued").at(sender="hr@corp.example")),
    "then_hourly": lambda p: w.trend(p.kind("sasl"), 3600),
    "then_which_ips": lambda p: w.top(p.kind("reject"), "ip"),
    "nothing": lambda _: w.no(),
    "flush": lambda _: w.refused(),
    "poem": lambda _: w.refused(),
}
