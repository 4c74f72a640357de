"""What can go wrong with a model. Every one of these ends in the offline analyst finishing the run.

ModelError
├── KeyRefusedError       the key is missing, wrong or not allowed this model
├── UnreachableError      no connection, or cut for good
├── OverloadedError       rate limits or server errors that one retry did not cure
├── QuotaError            the account is out of money or quota
├── ContextTooLongError   the request has more tokens than the model takes
├── NoToolsError          the endpoint or model does not do tools or schemas
├── NotAModelError        the address answers with something else, a web page for example
├── BrokenReplyError      no choices, a cut stream, a body that cannot be read
├── UselessError          replies that help nobody, twice, or a run that goes in circles
├── RefusedError          the provider refused to answer
├── LateError             the deadline passed
└── OverBudgetError       the budget of the run, the day, or the user is spent
"""

from __future__ import annotations

import re
from typing import Any, Self

from telemetry.errors import OnCalmError


class ModelError(OnCalmError):
    """A model call gave no usable reply. ``usage`` is what was spent all the same."""

    usage: dict[str, Any] = {}  # noqa: RUF012 - replaced, never changed

    @property
    def kind(self) -> str:
        """What went wrong, in a word for programs: ``key_refused``, ``useless``, ``late`` …"""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__.removesuffix("Error")).lower()

    def after(self, usage: dict[str, Any]) -> Self:
        """Note what the useless reply cost."""
        self.usage = usage
        return self


class KeyRefusedError(ModelError):
    """The key is missing, wrong or not allowed this model."""


class UnreachableError(ModelError):
    """No connection to the endpoint."""


class OverloadedError(ModelError):
    """Rate limits or server errors that one retry did not cure."""


class QuotaError(ModelError):
    """The account is out of money or quota."""


class ContextTooLongError(ModelError):
    """The request has more tokens than the model takes."""


class NoToolsError(ModelError):
    """The endpoint or the model does not do tools or schemas."""


class NotAModelError(ModelError):
    """The address answers with something that is no model's reply."""


class BrokenReplyError(ModelError):
    """A reply without choices, cut off, or unreadable."""


class UselessError(ModelError):
    """The model answers, but to no use: twice no conclusion that stands, or calls in circles."""


class RefusedError(ModelError):
    """The provider refused to answer."""


class LateError(ModelError):
    """The deadline passed."""


class OverBudgetError(ModelError):
    """A budget is spent."""
