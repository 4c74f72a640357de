"""What was read is data: it reaches a model between random markers, and answers are looked through for obedience.

Where things go in a request, so that providers can cache its beginning:

1. the static system prompt: explains the markers, holds nothing random;
2. a second system message, :meth:`Boundary.preamble`: the canary of this run. Where an endpoint takes one system
   message only, it opens the first user message;
3. question and results, each through :meth:`Boundary.wrap`, appended and never rewritten.

A marker's code is drawn for each text that is wrapped (an HMAC of the text under a key of this run), so that the same
text is wrapped alike in every call of the run and what was sent before stays cached. Nobody who writes a log line
knows the key; a text that held its own code would have to be found by chance, 1 in 2**128.

Keys of a response cache must be made from :meth:`Boundary.neutral` requests: random codes would make each its own.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agent.llm.model import Call
from agent.llm.repair import loads
from agent.placeholders import PLACEHOLDER
from prompts.loader import load
from telemetry.unseen import WRITING, spelled

_GAP = rf"[\s{''.join(WRITING)}]*"
"""What stays unseen once the rest is spelled out."""
_OWN = re.compile(rf"[<＜]{_GAP}(?=[<＜]{_GAP}/?{_GAP}(?:data|end)\b)", re.IGNORECASE)
_TURN = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|start_of_turn|end_of_turn|tool_call|tool_response|think)>|<SYS>>|</SYS>>)|"
    r"\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)
"""Where a token of a chat template begins: some servers read these in a message as the real thing."""
_MARKER = re.compile(r"<<\s*(?:data|end)\s+[0-9a-f]{8,}", re.IGNORECASE)
_CODE = re.compile(r"<<(?:data|end) ([0-9a-f]{32})\b")
_HEX = re.compile(r"[0-9a-f]{32}")
"""What codes and the canary look like."""
_AROUND = ".,;:!?'\"`*()<>"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:?//|www\.|@[\w-]+\.\w|\b[\w-]+\.(?:com|net|org|io|dev|app|xyz|ru|cn|me|co)\b", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]]{0,1000}\]\(\s*<?\s*(?:[a-z][a-z0-9+.-]*:)?//|!\[[^\]]{0,1000}\]\[|<img\b[^>]{0,1000}\bsrc\s*=", re.IGNORECASE)
_DONE = (
    r"(?:approved|restarted|deleted|scaled|rolled back|reverted|drained|cordoned|patched|deployed|killed|silenced|acknowledged|granted|"
    r"forwarded|e-?mailed|(?:executed|ran|run|applied) (?:the |this |your )?(?:\w+ )?(?:action|command|fix|change|rollback|kubectl|helm|script|patch))"
)
_CLAIM = re.compile(
    rf"\b(?:I|OnCalm)(?:['’]ve| have| has)?(?: just| now| already| also| successfully){{0,2}} {_DONE}\b|"
    rf"\bas (?:requested|instructed|ordered|directed)\b[^.\n]{{0,80}}\b(?:was|were|is|has been|have been) {_DONE}\b|"
    r"(?:^|\n)\W{0,4}(?:status:\s*)?(?:approved|approval granted|executed)\W{0,3}(?=\n|$)|"
    rf"\b(?:was|were|has been|have been) (?:successfully )?{_DONE} (?:by me|by oncalm|on your behalf)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"\n]{0,2000}\"|“[^”\n]{0,2000}”|`[^`]{0,2000}`")
_WEB = re.compile(r"(?:https?|ftp|wss?|mailto):|(?<!:)//|www\.", re.IGNORECASE)
_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PART = 16
"""Characters of the canary, in a row, that are taken for all of it."""
_RUN = 100
"""Characters of the system prompt, in a row, that are taken for a leak of it."""

Check = Literal["canary", "marker", "system-prompt", "remote-image", "secret-in-link", "claims-action", "unknown-tool", "secret-to-address"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sign that a model obeyed what it read. ``where`` is ``answer`` or the tool; ``what`` shows no secret."""

    check: Check
    where: str
    what: str


class Source(Protocol):
    """Randomness, as the module :mod:`secrets` gives it."""

    def token_hex(self, nbytes: int | None = None, /) -> str:
        """Random bytes as hexadecimal digits."""
        ...


class Boundary:
    """Markers and canary of one run."""

    def __init__(self, random: Source = secrets, *, snapshot: dict[str, str] | None = None) -> None:
        """``snapshot`` is that of the run that goes on."""
        self._key = snapshot["key"] if snapshot else random.token_hex(32)
        self.canary = snapshot["canary"] if snapshot else random.token_hex(16)
        self._codes: dict[str, None] = {}

    def snapshot(self) -> dict[str, str]:
        """Plain JSON to go on from; it is worth something only to who writes what this run reads."""
        return {"key": self._key, "canary": self.canary}

    def preamble(self) -> str:
        """The message that holds the canary."""
        return load("check_word").render(word=self.canary).strip()

    def wrap(self, text: str, label: str) -> str:
        """Put what was read between markers. Every word stays; what imitates a marker or a turn, or cannot be seen, shows."""
        label = re.sub(r"[^\w .:/-]", "_", label)[:80]
        code = hmac.new(self._key.encode(), f"{label}\n{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
        self._codes[code] = None
        return f"<<data {code} {label}>>\n{defang(text)}\n<<end {code}>>"

    def neutral(self, value: Any) -> Any:
        """The same plain data with codes and canary written as numbers, in order: what cache keys are made from."""
        codes = [code for text in _texts(value) for code in _CODE.findall(text)]
        names = {self.canary: "canary", **{code: f"code-{i}" for i, code in enumerate(dict.fromkeys(codes), start=1)}}
        return _renamed(value, names)

    def leaked(self, output: Any) -> bool:
        """Whether an answer or the arguments of a call hold the canary: as it is, spaced, spelled backwards, encoded."""
        texts = list(_texts(output))
        joined, values = "".join(texts), "".join(_texts(output, keys=False))
        return any(self._holds_canary(text) for text in {*texts, joined, values, *_decoded(joined)})

    def obeys(
        self, *, answer: str = "", calls: Sequence[Call] = (), tools: Collection[str] | None = None, system: str = "",
        read: str = "", acted: bool = False,
    ) -> tuple[Finding, ...]:
        """Signs of obedience in one reply; none proves it was not.

        ``tools`` are the names that were offered; ``system`` is the static system prompt. ``read`` is what the model was
        shown, with placeholders: links that stand there may be quoted. ``acted`` says that this run did carry something
        out, so that saying so is no sign. What was quoted from a log as ``"..."`` or in backticks is no claim.
        """
        return tuple(self._in_answer(answer, system, read, acted=acted)) + tuple(
            finding for call in calls for finding in self._in_call(call, tools)
        )

    def _in_answer(self, answer: str, system: str, read: str, *, acted: bool) -> Iterator[Finding]:
        if self.leaked(answer):
            yield Finding("canary", "answer", "the check word")
        if self._marked(answer):
            yield Finding("marker", "answer", "a marker")
        if _repeats(answer, system):
            yield Finding("system-prompt", "answer", "part of the system prompt")
        said = _said(answer)
        if image := _first(_IMAGE, (answer, *said)):
            yield Finding("remote-image", "answer", image[0][:80])
        if any(PLACEHOLDER.search(word) and _WEB.search(word) and word.strip(_AROUND) not in read for text in (answer, *said) for word in text.split()):
            yield Finding("secret-in-link", "answer", "a link with the placeholder of a secret")
        if not acted and (claim := _first(_CLAIM, (_QUOTED.sub("", text) for text in said))):
            yield Finding("claims-action", "answer", claim[0].strip()[:80])

    def _in_call(self, call: Call, tools: Collection[str] | None) -> Iterator[Finding]:
        if tools is not None and call.name not in tools:
            yield Finding("unknown-tool", call.name, "a tool that was not offered")
        if self.leaked({"name": call.name, "arguments": call.arguments}):
            yield Finding("canary", call.name, "the check word")
        text = " ".join(_texts(call.arguments))
        if self._marked(text):
            yield Finding("marker", call.name, "a marker")
        if PLACEHOLDER.search(text) and _ADDRESS.search(PLACEHOLDER.sub(" ", text)):
            yield Finding("secret-to-address", call.name, "the placeholder of a secret beside an address")

    def _marked(self, text: str) -> bool:
        return bool(_MARKER.search(text)) or any(code in text.lower() for code in self._codes)

    def _holds_canary(self, text: str) -> bool:
        plain = _plain(text)
        turned = codecs.encode(self.canary, "rot13")
        ways = (self.canary, self.canary[::-1], turned, self.canary.encode().hex(), self.canary.upper().encode().hex())
        if any(_part(way, plain) for way in ways):
            return True
        dense = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/"))
        return any(core in dense for word in (self.canary, self.canary.upper(), self.canary[::-1]) for core in _base64_cores(word))


def _said(answer: str) -> tuple[str, ...]:
    """What an answer says: itself, or the texts of the JSON in it, in whose notation everything would count as quoted,
    and what stands around that."""
    try:
        value = loads(answer)
        value = loads(value) if isinstance(value, str) else value
    except ValueError:
        return (answer,)
    return (*_texts(value, keys=False), _JSON_TEXT.sub("", answer))


def _first(pattern: re.Pattern[str], texts: Iterable[str]) -> re.Match[str] | None:
    return next((found for text in texts if (found := pattern.search(text))), None)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _HEX.sub(lambda match: names.get(match[0], match[0]), value)
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list | tuple) else value


def defang(text: str) -> str:
    """Show what imitates our markers or a chat template's turns (a backslash), and characters that cannot be seen."""
    text = _OWN.sub(lambda match: f"{match[0]}\\", spelled(text, keep=WRITING))
    return _TURN.sub(lambda match: f"{match[0]}\\", text)


def _texts(value: Any, *, keys: bool = True) -> Iterator[str]:
    """All texts of plain data, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if keys:
                yield str(key)
            yield from _texts(item, keys=keys)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, keys=keys)
    elif value is not None:
        yield json.dumps(value, default=str)


def _plain(text: str) -> str:
    """Letters and digits only, lower-case, of one width."""
    return re.sub(r"[\W_]", "", re.sub(r"\\u[0-9a-f]{4}|\\x", "", unicodedata.normalize("NFKC", text).lower()))


def _part(word: str, text: str) -> bool:
    """Whether enough of a word stands in a text."""
    size = _PART * len(word) // 32
    return any(word[start : start + size] in text for start in range(len(word) - size + 1))


def _base64_cores(word: str) -> Iterator[str]:
    """What base64 of anything that holds the word must contain, for each of three alignments."""
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + word.encode()).decode().rstrip("=")
        yield coded[4 if lead else 0 : -2]


_ENCODED = re.compile(r"[A-Z2-7]{40,}=*|(?:%[0-9a-fA-F]{2}|&#\w{2,4};|\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}){8,}")


def _decoded(text: str) -> Iterable[str]:
    """Pieces that are written in base32 or as character codes, decoded."""
    for match in _ENCODED.finditer(text):
        piece = match[0]
        if piece[0] in "%&\\":
            digits = re.findall(r"(?:%|\\x|\\u00|&#x?)(\w{2,3})", piece)
            base = 10 if piece.startswith("&#") and "x" not in piece else 16
            yield "".join(chr(int(d, base)) for d in digits if re.fullmatch("[0-9a-fA-F]+" if base == 16 else "[0-9]+", d))
        else:
            body = piece.rstrip("=")
            yield base64.b32decode(body[: len(body) // 8 * 8]).decode("latin-1")


def _repeats(answer: str, system: str) -> bool:
    """Whether an answer holds a long run of the system prompt, however it is spaced."""
    said, rules = " ".join(answer.split()), " ".join(system.split())
    return len(said) >= _RUN <= len(rules) and any(rules[i : i + _RUN] in said for i in range(len(rules) - _RUN + 1))
