"""The edge proxy: an nginx-style access log in front of the storefront."""

from __future__ import annotations

import json
import time
import urllib.parse
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from samples.shop.http import Answer, call, emit, serve
from samples.shop.telemetry import Telemetry


def run(logs: Path, telemetry: Telemetry) -> None:
    log = logs / "edge.log"

    def handle(request: BaseHTTPRequestHandler, path: str, query: dict) -> Answer:
        begun = time.monotonic()
        try:
            status, body = call(telemetry, "storefront", f"{path}?{urllib.parse.urlencode(query)}", timeout=6)
        except OSError:
            status, body = 504, {"error": "upstream timed out"}
        stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        client = request.headers.get("X-Client", "127.0.0.1")
        agent = request.headers.get("User-Agent", "-")
        size = len(json.dumps(body))
        emit(log, f'{client} - - [{stamp}] "GET {path}?sku={query.get("sku", "")} HTTP/1.1" {status} {size} "-" '
                  f'"{agent}" {time.monotonic() - begun:.3f}')
        return status, body

    serve("edge", handle, telemetry)
