"""The baseline: BM25 over raw records for the best lines, and a count of the records that hold every known word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rank_bm25 import BM25Okapi

from evals.agent.generate import Record
from evals.query.expect import Answer

NAME = "BM25 and grep -c over raw lines"
SHOWN = 5
_TOKEN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_COUNTS = re.compile(r"\b(how (many|often)|count|number of|any|did|was|were|are|is there)\b", re.IGNORECASE)
_COMMON = frozenset(
    "a an and any are at between by compared count did do each for from get got had has have how in is it last log logged many me "
    "most of often on only since show that the their there those times to top was were what when which who with".split())


class Keywords:
    """Answers from words alone; records of several lines are one."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._words = [_TOKEN.findall(record.text.lower()) for record in records]
        self._index = BM25Okapi(self._words)

    def answer(self, question: str, conversation: str) -> Answer:
        """A document as ``ask --json`` prints it, as far as a judge looks at it."""
        asked = [word for word in _TOKEN.findall(question.lower()) if word not in _COMMON]
        known = [word for word in asked if any(word in words for words in self._words)]
        if not known:
            return _document("No line holds any of these words.", {"kind": "none"}, [])
        if _COUNTS.search(question):
            held = sum(all(word in words for word in known) for words in self._words)
            return _document(f"{held} lines hold {', '.join(known)}.", {"kind": "scalar", "value": held}, ["found"] if held else ["nothing_found"])
        return self._best(known)

    def _best(self, known: Sequence[str]) -> Answer:
        scores = self._index.get_scores(list(known))
        best = sorted(range(len(self._records)), key=lambda at: -scores[at])[:SHOWN]
        lines = [{"source": self._records[at].file, "line_no": self._records[at].no, "text": self._records[at].text} for at in best]
        return _document(self._records[best[0]].text, {"kind": "lines", "lines": lines}, ["found"])


def _document(text: str, result: dict[str, object], statuses: Sequence[str]) -> Answer:
    evidence = [{"tool": "grep", "status": status} for status in statuses]
    return {"analyst": "keywords", "answer": text, "result": result, "evidence": evidence}
