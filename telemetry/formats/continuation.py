"""Lines without a header: which kind of continuation they are, and where records start."""


from __future__ import annotations

import re
from collections.abc import Sequence

_TRACE = re.compile(
    r"\s*(?:"
    r"at (?:[\w$.<>/\[\]`~ ]+\(|async |new |Object\.|file:|/|<)"  # Java, Node, .NET
    r"|at [\w$.<>+`\[\],]+\(.*\)(?: in .+)?$"
    r"|\.\.\. \d+ (?:more|common frames omitted)"
    r"|File \"[^\"]*\", line \d+"
    r"|--- End of (?:inner exception )?stack trace"
    r"|from \S+:\d+:in [`']"
    r"|\S+\.rb:\d+:in [`']"
    r"|#\d+ +(?:\{main\}|\S+\(\d+\): |\[internal function\]|0x[0-9a-f]+ )"
    r"|goroutine \d+ \[[^\]]*\]:"
    r"|created by \S+"
    r"|[\w./*()\[\]-]+\.[\w.()*\[\]-]+\((?:0x[0-9a-f]+|\.\.\.|\{|\)).*$"  # Go frame: pkg.(*T).Method(0x1, ...)
    r"|/\S+\.go:\d+"
    r"|\d+: +(?:0x[0-9a-f]+ - )?[\w:<>{}]+::[\w:<>{}]+"  # Rust
    r"|stack backtrace:$"
    r"|Stack trace:$"
    r"|thrown in \S+ on line \d+"
    r"|exit status \d+$"
    r"|\[signal SIG\w+"
    r")"
)
_HEAD = re.compile(
    r"(?:Traceback \(most recent call last\):|Exception in thread \"|Unhandled exception|Unhandled Exception|"
    r"panic: |fatal error: |runtime error: |PHP (?:Fatal|Parse) error: |(?:Fatal error|Uncaught \w+): |"
    r"thread '[^']*' panicked at )"
)
_CAUSED = re.compile(
    r"\s*(?:Caused by: |Suppressed: |---> |Wrapped by: |During handling of the above exception|"
    r"The above exception was the direct cause)"
)
_TAIL = re.compile(
    r"(?:[A-Za-z_][\w$]*[./\\])*[A-Z][\w$]*(?:Error|Exception|Warning|Interrupt|Exit|Fault|Failure|Throwable|Iteration|"
    r"Timeout|Refused|Denied|NotFound|DoesNotExist)(?: \[[\w-]+\])?(?::(?: |$)|$| \()"
)
_TAIL_DOTTED = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*)*\.[A-Z]\w+(?:: |$)")
_INDENT = re.compile(r"[ \t]+\S|[ \t]*$")
LISTED = 16
"""How many lines without a header one that ends with a colon may announce."""
_CLOSE = re.compile(r"[}\])]+[,;]?\s*$")


def continuation(line: str) -> str | None:
    """Return how a line without a header continues a record: ``indent``, ``trace``, ``exception-head``,
    ``exception-tail``, ``caused-by``, ``close`` (only brackets), ``blank``; None if it does not look like that.
    """
    if not line.strip():
        return "blank"
    if _CAUSED.match(line):
        return "caused-by"
    if _HEAD.match(line):
        return "exception-head"
    if _TRACE.match(line):
        return "trace"
    if _INDENT.match(line):
        return "indent"
    if _TAIL.match(line) or _TAIL_DOTTED.match(line):
        return "exception-tail"
    return "close" if _CLOSE.match(line) else None


def group(kinds: Sequence[str]) -> list[bool]:
    """Tell which lines start a record.

    ``kinds`` per line: ``head`` (it has a header), ``opening`` (it has one, and its message ends with a colon: what
    follows belongs to it), empty (neither header nor continuation), or the :func:`continuation`. Where lines with
    headers occur, a headerless line goes with the record before when it stands between the parts of a trace or
    behind an opening; by itself it starts a record of its own.
    """
    starts: list[bool] = []
    previous = ""
    in_trace = opened = False
    for at, kind in enumerate(kinds):
        opened = _opens(kinds, at) if kind == "opening" else opened and kind != "head"
        if kind in {"head", "opening", ""}:
            start = kind != "" or not (opened or in_trace and _trace_goes_on(kinds, at))
            in_trace = in_trace and not start
        elif kind == "exception-head":
            start = at == 0 or previous not in {"head", "opening", "caused-by"} and not opened
            in_trace = True
        else:
            start = at == 0
            in_trace = in_trace or kind in {"trace", "caused-by", "exception-tail"}
        starts.append(start)
        previous = kind
    return starts


def _opens(kinds: Sequence[str], at: int) -> bool:
    """Whether what follows an opening is short enough to be its text: the next header is near, or the end."""
    following = kinds[at + 1 : at + 1 + LISTED]
    return len(following) < LISTED or "head" in following or "opening" in following


def _trace_goes_on(kinds: Sequence[str], at: int) -> bool:
    """Whether another frame follows within a few lines, before any header."""
    for kind in kinds[at + 1:at + 4]:
        if kind in {"head", "opening"}:
            return False
        if kind in {"trace", "caused-by", "exception-tail"}:
            return True
    return False
