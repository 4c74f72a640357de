"""Honest evidence: what a model must conclude with, and the check of it against the results of the run.

Pure: texts and results in, a judgement out. Nothing here calls a tool or a model.
"""

from __future__ import annotations

from agent.evidence.conclusion import Claim, Conclusion
from agent.evidence.grounding import NOT_SHOWN, Dropped, Grounded, Marked, allowed_confidence, ground

__all__ = ["NOT_SHOWN", "Claim", "Conclusion", "Dropped", "Grounded", "Marked", "allowed_confidence", "ground"]
