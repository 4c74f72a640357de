"""A rate limit in an nginx on this machine, in one include file that is OnCalm's own.

The preview tries a copy of the configuration with ``nginx -t`` and changes nothing. The action writes the file, tests the
real configuration, and reloads; what fails puts the old bytes back. Directives: nginx.org/en/docs/http/ngx_http_limit_req_module.html.
The file must be included within the ``http`` block, by its path or from the folder of the configuration.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from telemetry.errors import OnCalmError, UsageError
from tools.actions.action import Action, Blast, Edit, Effect, Json, Obstacle, Preview, Settled, Target
from tools.actions.errors import RefusedError, UnknownOutcomeError, WorldChangedError
from tools.actions.kinds import Params, validated
from tools.actions.nginx_process import Instance, NginxProcess, replace_file
from tools.actions.performing import Part
from tools.approval import Grant

_HEAD = "# Managed by OnCalm, action {marker}. It is replaced and put back whole: changes by hand are lost.\n"
_OURS = b"# Managed by OnCalm, action "
_KEYS = {"client": "$binary_remote_addr", "server": "$server_name", "uri": "$uri"}
_MOST = 64 << 10
ABSENT = "absent"


class RateParams(Params):
    """A limit of requests by key."""

    requests: int = Field(ge=1, le=1_000_000, description="Requests per second or minute")
    per: Literal["second", "minute"] = "second"
    burst: int = Field(default=0, ge=0, le=1_000_000, description="Requests above the rate that are let through at once")
    key: Literal["client", "server", "uri"] = Field(default="client", description="What each limit counts for: a client's address, a server name, a path")
    status: int = Field(default=429, ge=400, le=599, description="What the others are answered")


class FormerParams(Params):
    """The include file as it was."""

    content: str | None = Field(description="Its bytes in base64; null: there was none")


class NginxActions(Part):
    """The catalogue's part that changes nginx."""

    params: Mapping[str, type[Params]] = {"limit_nginx_rate": RateParams, "restore_nginx_rate": FormerParams}

    def __init__(self, instances: tuple[Instance, ...]) -> None:
        self._instances = {one.name: NginxProcess(one) for one in instances}

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        """See :meth:`tools.actions.performing.Performer.preview`."""
        given = validated(self.params[name], name, params)
        if target.kind != "RateLimit" or target.namespace:
            raise UsageError(f"{name} is for a RateLimit without a namespace", where=name, remedy="name the nginx as it is configured")
        process = self._instances.get(target.name)
        action = Action(name, target, given.plain())
        if process is None:
            return _stopped(action, Obstacle("no_nginx", f"no nginx named {target.name} is configured on this machine",
                                             f"configured are: {', '.join(sorted(self._instances)) or 'none'}"))
        held = process.content()
        here = Action(name, target, given.plain(), version(held), str(process.instance.include), version(held))
        new = _content(here)
        inverse = Action("restore_nginx_rate", target, {"content": _packed(held)}, undoes=here.marker)
        diff = (Edit(str(process.instance.include), _text(held), _text(new)),)
        return Preview(here, diff, inverse, "exactly", Blast(0, None, (), "every request to this nginx is counted; no process ends"),
                       f"within a minute at most {given.requests} requests per {given.per} and {given.key} are let through, and the others answered {given.status}",
                       tuple(_obstacles(process, held, new)), checked_by="server")

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        """See :meth:`tools.actions.performing.Performer.perform`."""
        process = self._instances.get(action.target.name)
        if process is None:
            raise RefusedError(f"no nginx named {action.target.name} is configured", where=str(action.target), remedy="configure it")
        try:
            held = process.content()
            new = _content(action)
            if version(held) != action.resource_version:
                raise WorldChangedError(f"{process.instance.include} is not what it was when the action was previewed; nothing was changed",
                                        where=str(action.target), remedy="propose the action again")
            process.test()
        except OnCalmError as error:
            raise error if isinstance(error, RefusedError) else RefusedError(error.what, where=error.where, remedy=error.remedy) from error
        _carry_out(process, held, new)
        inverse = None if action.undoes else Action("restore_nginx_rate", action.target, {"content": _packed(held)}, version(new),
                                                    str(process.instance.include), version(new), action.marker)
        return Effect(f"{process.instance.include} was written, tested and loaded", version(new), inverse, {"marker": action.marker})

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        """Whether the file is as it was to be, and nginx loaded it since."""
        process = self._instances.get(preview.action.target.name)
        if process is None:
            return "unclear"
        held = process.content()
        before, after = preview.action.resource_version, version(_content(preview.action))
        wanted, other = (before, after) if rollback else (after, before)
        if version(held) == wanted:
            return "applied" if process.loaded_since_written() else "unclear"
        return "not_applied" if version(held) == other else "unclear"


def _carry_out(process: NginxProcess, held: bytes | None, new: bytes | None) -> None:
    """Write, test, reload; whatever fails puts the old bytes back. Raises RefusedError, or UnknownOutcomeError when that fails, too."""
    try:
        replace_file(process.instance.include, new)
        process.test()
        process.reload()
    except (OSError, OnCalmError) as error:
        try:
            replace_file(process.instance.include, held)
        except OSError as second:
            raise UnknownOutcomeError(f"{process.instance.include} could not be put back: {second}", where=process.instance.name,
                                      remedy="look at the file and run nginx -t") from error
        said = error.what if isinstance(error, OnCalmError) else str(error)
        raise RefusedError(f"nginx was not changed, the file is as it was: {said}", where=process.instance.name, remedy="correct what nginx names") from error


def _content(action: Action) -> bytes | None:
    """The file as the action makes it. Raises UsageError for parameters that are none."""
    if action.name == "restore_nginx_rate":
        packed = validated(FormerParams, action.name, action.params).content
        try:
            return None if packed is None else base64.b64decode(packed, validate=True)
        except binascii.Error as error:
            raise UsageError("the recorded content is no base64", where=action.name, remedy="put the file back by hand") from error
    given: RateParams = validated(RateParams, action.name, action.params)
    unit = "r/s" if given.per == "second" else "r/m"
    burst = f" burst={given.burst} nodelay" if given.burst else ""
    return (_HEAD.format(marker=action.marker) + f"limit_req_zone {_KEYS[given.key]} zone=oncalm:10m rate={given.requests}{unit};\n"
            f"limit_req zone=oncalm{burst};\nlimit_req_status {given.status};\n").encode()


def _obstacles(process: NginxProcess, held: bytes | None, new: bytes | None) -> Iterator[Obstacle]:
    if held is not None and not held.startswith(_OURS):
        yield Obstacle("foreign", f"{process.instance.include} was not written by OnCalm", "name another file for OnCalm")
    if held is not None and len(held) > _MOST:
        yield Obstacle("foreign", f"{process.instance.include} is larger than {_MOST} bytes", "name another file for OnCalm")
    checks: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("broken", "correct the configuration first", process.test),
        ("rejected", "see whether a limit of the same name is there", lambda: process.try_with(new)),
        ("not_included", f"write `include {process.instance.include};` into the http block", process.included),
        ("not_running", "start nginx", process.running))
    for kind, better, check in checks:
        try:
            check()
        except OnCalmError as error:
            yield Obstacle(kind, error.what, better)
            return


def _stopped(action: Action, obstacle: Obstacle) -> Preview:
    return Preview(action, (), None, "exactly", Blast(statement="not assessed"), "not assessed", (obstacle,), checked_by="nothing")


def version(content: bytes | None) -> str:
    """Names a file's content: its SHA-256, or ``absent``."""
    return ABSENT if content is None else hashlib.sha256(content).hexdigest()


def _packed(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "backslashreplace")
