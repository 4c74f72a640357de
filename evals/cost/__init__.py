"""What the caches save and whether they ever answer the wrong question; what templates save against raw lines.

An alert storm (:mod:`evals.cost.storm`) is replayed with every cache and with none; pairs of questions that look alike
(:mod:`evals.cost.pairs`) must not be answered for each other; five thousand lines are shown to a model as OnCalm shows
them and as they are. The logs are written from a seed, the model is scripted, the requests go over real HTTP.
"""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from api.wiring.product import Product
from evals.cost import pairs, storm
from evals.cost.shop import DAY_ONE, records
from telemetry.store.reader import Reader
from tools.logs import log_tools
from tools.output import render, tokens

LINES = 5_000
_SHOWN_TOKENS = 3_000
"""What one result may take of a request (:mod:`agent.llm.profile`)."""


def run(folder: Path) -> dict[str, Any]:
    """Measure everything in ``folder``, which is emptied of earlier runs."""
    began = time.monotonic()
    for name in ("with", "without", "pairs", "lines"):
        shutil.rmtree(folder / name, ignore_errors=True)
    kept = storm.replay(folder / "with")
    bare = storm.replay(folder / "without", caches=frozenset())
    found = list(pairs.outcomes(folder / "pairs"))
    ran = [one for one in found if one.ran]
    shown, raw = _lines(folder / "lines")
    without_model = sum(answer["usage"]["model_calls"] == 0 for answer in kept.answers)
    return {
        "suite": "cost", "data": "invented: a shop's ten days, a gateway's day", "cases": len(kept.answers) + len(ran),
        "could_not_run": len(found) - len(ran) + sum(answer["analyst"] != "llm" for answer in (*kept.answers, *bare.answers)),
        "metrics": {
            "token_reduction": 1 - kept.input_tokens / bare.input_tokens, "wrong_reuse": sum(one.wrong for one in ran),
            "right_reuse": sum(one.reused for one in ran) / max(len(ran), 1), "input_tokens": kept.input_tokens,
            "model_calls": kept.model_calls, "alerts": len(kept.answers), "alerts_recalled": without_model,
            "pairs": len(ran), "templates_first": raw / shown, "shown_tokens": shown,
        },
        "baseline": {"token_reduction": 0.0, "input_tokens": bare.input_tokens, "model_calls": bare.model_calls,
                     "alerts": len(bare.answers), "alerts_recalled": 0, "templates_first": 1.0, "shown_tokens": raw},
        "seconds": time.monotonic() - began,
        "failures": [_said(one) for one in found if one.wrong or not one.reused or not one.ran],
    }


def _said(one: pairs.Outcome) -> str:
    what = "could not run" if not one.ran else "answered for each other" if one.wrong else "not reused when asked again"
    return f"{what} ({one.pair.why}): {one.pair.first!r}, {one.pair.second!r}"


def _lines(folder: Path) -> tuple[int, int]:
    """Tokens of 5,000 lines as a model is shown them, and as they stand in the log."""
    folder.mkdir(parents=True)
    lines = [record.line() for record in records(storm.EPISODES, DAY_ONE.replace(day=3))][:LINES]
    (folder / "shop.log").write_text("".join(lines))
    product = Product(folder / "home")
    product.ingest([folder / "shop.log"])
    with closing(Reader(product.home)) as reader:
        result = log_tools(reader, model=True).call("logs.query", {"operation": "lines", "limit": LINES})
    return render(result, "E1", _SHOWN_TOKENS).tokens, tokens("".join(lines))


