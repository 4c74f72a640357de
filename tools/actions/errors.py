"""What can go wrong when an action is previewed or done. Which class it is says what is known of the world.

ActionError
├── RefusedError          the server, or we, said no: nothing was changed
│   ├── WorldChangedError     the target is not what it was when the action was previewed: ask again
│   └── NotGrantedError       there is no grant for exactly this action now
└── UnknownOutcomeError   it was sent and no answer came: it may be done or not; look, never repeat
"""

from __future__ import annotations

from telemetry.errors import OnCalmError


class ActionError(OnCalmError):
    """An action could not be previewed or done."""


class RefusedError(ActionError):
    """Nothing was changed."""


class WorldChangedError(RefusedError):
    """The target changed since the preview; nothing was changed by us."""


class NotGrantedError(RefusedError):
    """No grant for exactly this action, now; nothing was sent."""


class UnknownOutcomeError(ActionError):
    """Sent, and nobody knows whether it was done."""
