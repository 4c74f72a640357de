"""Small catalogs of seven kinds of logs, for tests of the question reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from telemetry.models import Catalog, FieldInfo, Param, Template

FIRST = datetime(2025, 12, 9, 6, 0, tzinfo=UTC)
LAST = datetime(2025, 12, 10, 15, 30, tzinfo=UTC)
NUMERIC = {"size", "number", "duration", "port", "percent"}


def book(
    templates: Sequence[str], header: dict[str, Sequence[str]], first: datetime = FIRST, last: datetime = LAST
) -> Catalog:
    """A catalog of templates written ``Failed for <user:word> port <port:port>``."""
    made, owners = [], {}
    for number, marked in enumerate(templates):
        found = re.findall(r"<(\w+):(\w+)>", marked)
        params = tuple(Param(name, kind, kind in NUMERIC) for name, kind in found)
        for name, kind in found:
            owners.setdefault((name, kind), []).append(f"t{number}")
        made.append(Template(
            id=f"t{number}", pattern=re.sub(r"<\w+:\w+>", "<*>", marked), params=params,
            display=re.sub(r"<(\w+):\w+>", r"<\1>", marked), count=10, first_seen=first, last_seen=last,
        ))  # fmt: skip
    fields = [FieldInfo(ref, "word", len(v), tuple((x, 5) for x in v)) for ref, v in header.items()]
    fields += [FieldInfo(f"param:{n}", k, 9, (), tuple(ids)) for (n, k), ids in owners.items()]
    return Catalog(tuple(made), tuple(fields), 1000, 0, first, last)


SSHD = book(
    [
        "Failed password for <user:word> from <ip:ip> port <port:port> ssh2",
        "Failed password for invalid user <user:word> from <ip:ip> port <port:port> ssh2",
        "Accepted password for <user:word> from <ip:ip> port <port:port> ssh2",
        "Connection closed by <ip:ip> [preauth]",
        "authentication failure; uid=<uid:number> rhost=<rhost:host> user=<user:word>",
    ],
    {"host": ["LabSZ"], "service": ["sshd"]},
)
HDFS = book(
    [
        "Received block <block:id> of size <size:size> from <ip:ip>",
        "Receiving block <block:id> src: <src:ip> dest: <dest:ip>",
        "Deleting block <block:id> file <path:path>",
        "PacketResponder <number:number> for block <block:id> terminating",
    ],
    {"level": ["info", "warn"], "logger": ["dfs.DataNode", "dfs.FSNamesystem"]},
)
NGINX = book(
    [
        "<client_ip:ip> <method:word> <path:path> HTTP/1.1 <status:number> <bytes:size> <request_time:duration>",
        "upstream timed out while reading response header, client: <client:ip>, server: <server:word>",
    ],
    {"level": ["info", "error"], "host": ["web1", "web2"]},
)
JAVA = book(
    [
        "Order <order_id:id> placed by <customer:word> amount=<amount:number>",
        "Build <build:id> finished in <duration:duration>",
        "NullPointerException in <class:word>",
        "Slow query took <elapsed:duration> on table <table:word>",
    ],
    {"level": ["info", "warn", "error"], "logger": ["com.shop.Order", "com.shop.Db"], "service": ["shop"]},
)
K8S = book(
    [
        "request completed path=<path:path> status=<status:number> latency_ms=<latency_ms:number>",
        "pod <pod:word> restarted on node <node:word>",
        "Readiness probe failed for <pod:word>",
    ],
    {"level": ["info", "error"], "service": ["cart", "checkout"], "host": ["n1", "n2", "n3"]},
)
MAIL = book(
    [
        "<queue:id>: from=<<sender:email>>, size=<size:size>, nrcpt=<nrcpt:number>",
        "<queue:id>: to=<<recipient:email>>, relay=<relay:host>, delay=<delay:duration>, status=sent",
        "connect from unknown[<ip:ip>]",
        "NOQUEUE: reject: RCPT from unknown[<ip:ip>]",
    ],
    {"host": ["mx1"], "service": ["postfix/smtpd", "postfix/qmgr"]},
)
SPARK = book(
    [
        "Spilled <number:number> MB of memory to disk",
        "Finished task <task:id> in <took:number> ms",
        "Already tried <tries:number> time(s) to reach <host:word>",
        "Fetched <blocks:number> remote blocks",
    ],
    {"level": ["info", "warn"], "logger": ["executor.Executor"]},
)
ALL_BOOKS = (SSHD, HDFS, NGINX, JAVA, K8S, MAIL, SPARK)
