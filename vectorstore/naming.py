"""Names of variables, read from the words around them: ``port 0`` is a port, ``user=root`` a user.

Names are snake-case, deterministic and general: keys of ``key=value``, nouns before and after the value,
English prepositions and copulas. A variable that nothing names carries its type as its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLACEHOLDER = re.compile(r"<:[a-z0-9]+:>")
_KEY = re.compile(r"([A-Za-z_][\w.@-]*)[\"']? ?= ?[\"'(\[{<#]*$")
_JSON = re.compile(r"[\"']([A-Za-z_][\w.@ -]*)[\"']\s*:\s*[\"'\[{]*$")
_COLON = re.compile(r"(?<!\w)([A-Za-z_][\w-]*)(?:\(s\))? ?: ?[\"'(\[{</#]*$")
_COPULA = re.compile(r"(?<!\w)([A-Za-z_]\w*) (?:is|was|are|were|of|equals|set to|changed to|limit|:|=) :? ?[\"'(\[#]*$|"
                     r"(?<!\w)([A-Za-z_]\w*) (?:is|was|are|were|of|equals|set to|changed to) [\"'(\[#]*$")
_BEFORE = re.compile(r"(?<!\w)([A-Za-z_]\w*)[ #]+[\"'(\[#/]*$")
_DASHED = re.compile(r"(?<!\w)([A-Za-z][A-Za-z]*)[-.#@]\[?$")
_ID_KIND = re.compile(r"(?:([A-Za-z_]+) )?(?<![A-Za-z])([Ii][Dd]|number|no\.?|nr\.?|num) ?[:=#]? ?[\"'(\[#]*$")
_CALL = re.compile(r"([A-Za-z_]\w+)\($")
_AFTER = re.compile(r" ([A-Za-z_]{3,})(?![\w-])")
_COUNTED = re.compile(r"(?: [A-Za-z]+(?!\S)){0,3} ([A-Za-z_]{2,}(?:\(s\)|[a-rt-z]s))(?![\w-])")
_MOVED = re.compile(r" (?:(bytes?)|[KMGT]i?B)(?: \([^)]*\))? (sent|received|read|written|transferred|copied|freed|allocated|used|free)\b")
_COUNT_OF = re.compile(r"(?<![^\s(,;])(?P<after>(?<=[\d\x05] ))?(?P<noun>bytes|errors|seconds|minutes|hours) $")
_ZONE_OF = re.compile(r"(?:(?<!\w)(?P<role>[A-Za-z]+) )?(?<![\w:/.])(?P<zone>[A-Za-z][\w-]*):$")
_SOURCE_FILE = re.compile(r"\w\.(?:c|cc|cpp|cs|cxx|go|h|hpp|java|js|kt|php|py|rb|rs|scala|ts):$")
_LABEL_AFTER = re.compile(r" \((?:\w+\.)*([A-Za-z]\w+)\)")
_OWN_PREFIX = re.compile(r"([A-Za-z]{2,})_")
_USER_TOKEN = re.compile(r"[\"'\[(]?(?:r|remote_?|db_?)?(?:user|username|user_name|acct|logname)=[\"']?[^\s\"',;()\[\]]+", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[A-Za-z0-9][a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_STOP = frozenset(
    "a an the this that these those it its and or but nor not no if then than as so such with without "
    "within from to into onto in on at by of for off over under up down out about after before between "
    "during since until via per is was are were be been being has have had do does did will would can "
    "could may might must shall should all any each every some more most less other another new old "
    "same first last next previous only just already again still yet very too also found got took takes "
    "taken sent received receiving sending added adding removed removing deleted deleting created "
    "creating started starting stopped stopping running run ran failed failing using used uses given "
    "set sets get gets put puts returned returning returns asked ask waiting waited wait sleeping slept "
    "launched launching exceeded exceeds exceed detected corrected generated loaded loading expected "
    "expecting successfully successful done completed complete completes finished now changed updated "
    "update updating connected connecting bound bind listening closed closing opened opening open "
    "assigned allocated resolved requested requesting scheduled scheduling registered registering "
    "initialized transferring served serving tried try retrying retry killing killed attempting "
    "attempted attempt error errors bytes byte kb mb gb kib mib gib hz mhz ghz ms us ns sec secs seconds second "
    "minutes hours warning info debug fatal exception message approximately around max min maximum "
    "minimum delete remove replicate load write send receive serve kill transfer connect wrote written "
    "reads when while where which who whose what why how because due there here ok true false null none"
    .split()
)
_SELF_TELLING = frozenset({"ip", "ipv6", "host", "path", "url", "email", "timestamp", "date", "mac", "version"})
_ROLES = frozenset(
    "src source dst dest destination client server peer remote local upstream downstream gateway "
    "referrer referer file dir directory device interface folder image node rhost laddr raddr addr "
    "address listen target proxy request uri endpoint host hostname domain socket mount volume module "
    "program script command"
    .split()
)
_ROLE_NAMES = {"source": "src", "destination": "dest", "dst": "dest", "hostname": "host"}
_WHOLE_WORDS = {"blk": "block", "req": "request", "tx": "transaction", "txn": "transaction", "usr": "user", "pkg": "package"}
_AUTH = frozenset(
    "password publickey pubkey key none auth authentication login logins access failure failures "
    "session keyboard-interactive keyboard-interactive/pam hostbased gssapi-with-mic credentials"
    .split()
)
_BEFORE_USER = frozenset(
    "for invalid illegal unknown of by as from new nonexistent user, bad"
    .split()
)
_AFTER_USER = frozenset(
    "from by on at via with to has was is not logged in ssh: [preauth] [preauth]] (uid= , :"
    .split()
)
_NOT_USERS = frozenset(
    "authentication request name mode space process processes input data agent account defined id "
    "session invalid illegal unknown user the a an all any"
    .split()
)
_USER_NOUNS = frozenset({"user", "username", "login", "account", "user:", "username:"})
_ENTITIES = frozenset(
    "container service topic queue database db table schema index bucket namespace deployment pod "
    "plugin module package interface driver partition volume component bean servlet app application "
    "tenant customer group role zone region broker consumer producer channel peer flag worker job host "
    "client daemon process program task device profile driver executor hostname machine keyspace collection repository branch image chart release dataset model endpoint"
    .split()
)
_STATE = re.compile(
    r"\w+(?:ed|ing)|up|down|ready|ok|full|empty|lost|dead|alive|online|offline|\w*available|\w*healthy|busy|idle|is|was|has"
    r"|not|for|to|in|on|at|from|by|with|of|and|or|failure|error|status|state|name|id|list|count|size|request|set|log|already"
)
_ANNOUNCERS = _USER_NOUNS | {"for"}
_VERB = re.compile(r"(?!string|setting|mapping|speed|seed|feed|embed)[a-z]{3,}(?:ing|ed)|[A-Z][a-z]{2,}(?:ing|ed)")
_CRON = re.compile(r"\(\w[\w.-]*\)")
_CRON_VERBS = frozenset({"CMD", "RELOAD", "LIST", "REPLACE", "BEGIN", "END", "MAIL", "INFO", "ORPHAN"})


def slot_name(text: str, start: int, end: int, kind: str, before: str = "") -> str:
    """Name the variable at ``text[start:end]``; earlier variables should be no words in ``text``.

    ``before`` is the type of the variable that ends one ``:`` or ``/`` earlier: a number after an address is its port.
    """
    if kind == "number" and before in {"ip", "ipv6", "host"}:
        return "port"
    head, own, tail = text[max(0, start - 80) : start], text[start:end], text[end : end + 40]
    found = _key_name(head) or _user_name(head, tail)
    if found:
        return found
    if kind in _SELF_TELLING:
        return _role(head) or (_zone(head, tail) if kind == "ip" else None) or kind
    if kind == "bool":
        return _noun(head) or kind
    moved = _MOVED.match(tail) if kind == "size" else None
    if moved:
        return f"bytes_{moved[2]}" if moved[1] else moved[2]
    return _times(tail, kind) or _own_name(own, kind) or _noun(head) or _counted(head, tail, kind) or _after(tail, kind) or kind


def word_name(tokens: Sequence[str], at: int, prefix: str) -> str:
    """Name the word at column ``at`` of a tokenised key, of which ``prefix`` is constant."""
    if names_value(tokens, at):
        return "user"
    head = _PLACEHOLDER.sub("\x05", " ".join((*tokens[:at], prefix)))
    tail = _PLACEHOLDER.sub("\x05", " ".join(("", *tokens[at + 1 : at + 5])))
    return slot_name(f"{head}word{tail}", len(head), len(head) + 4, "word")


def names_value(tokens: Sequence[str], at: int) -> bool:
    """Whether grammar expects the name of somebody at ``tokens[at]``: ``for invalid user X from``."""
    token = tokens[at]
    if "=" in token:
        plain = token.rstrip(",;)")
        return _USER_TOKEN.fullmatch(plain) is not None or plain.endswith("=root")
    if at == 0:
        return len(tokens) > 2 and tokens[1] in _CRON_VERBS and _CRON.fullmatch(token) is not None
    if tokens[at - 1].lower() not in _ANNOUNCERS or token.lower().strip("\"'.,;:") in _NOT_USERS:
        return False
    before = [t.lower() for t in tokens[max(0, at - 2) : at]]
    after = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    ends = after in _AFTER_USER or not after or after.startswith(("(", "["))
    if before[-1] in _USER_NOUNS:
        return ends and len(before) > 1 and (before[0] in _BEFORE_USER or before[-1].endswith(":"))
    if before[-1] == "for" and len(before) > 1 and before[0] in _AUTH:
        return after in _AFTER_USER or after.startswith("[")  or not after
    return False


def takes_name(noun: str, words: Sequence[str]) -> bool:
    """Whether ``words`` after ``noun`` are proper names (``container cart``), not states (``service stopped``)."""
    if noun.lower().strip("\"'([") not in _ENTITIES:
        return False
    return not any(_STATE.fullmatch(w.strip("\"'.,;:()[]").lower()) for w in words)


def snake(word: str) -> str:
    """Write a key or noun in snake-case, without digits: a mask sees all digits alike."""
    plain = re.sub(r"[\W\d]+", "_", _CAMEL.sub("_", re.sub(r"([A-Z])([A-Z])s(?![a-z])", r"\1\2S", word))).lower()
    return re.sub(r"_+", "_", plain).strip("_")


def _key_name(head: str) -> str | None:
    found = ("=" in head and _KEY.search(head)) or (":" in head and _JSON.search(head))
    if not found:
        return None
    name = snake(found[1])
    return name or None


def _user_name(head: str, tail: str) -> str | None:
    words = head.split()[-2:]
    if len(words) < 2 or not head.endswith((" ", '"', "'")):
        return None
    following = tail.split()
    tokens = [*words, "x", *(following[:1] if tail[:1] == " " else [])]
    return "user" if names_value(tokens, 2) else None


def _role(head: str) -> str | None:
    found = (":" in head and _COLON.search(head)) or _BEFORE.search(head)
    if not found:
        return None
    word = snake(found[1])
    return _ROLE_NAMES.get(word, word) if word in _ROLES else None


def _noun(head: str) -> str | None:
    if _SOURCE_FILE.search(head):
        return "line"
    numbered = _ID_KIND.search(head)
    if numbered:
        noun = numbered[1]
        suffix = "id" if numbered[2].lower() == "id" else "number"
        return f"{snake(noun)}_{suffix}" if noun and noun.lower() not in _STOP else suffix
    for pattern in (_COLON, _COPULA, _BEFORE, _DASHED, _CALL):
        found = pattern.search(head)
        if found:
            word = next(g for g in found.groups() if g)
            if word.lower() not in _STOP and len(word) > 1 and not _VERB.fullmatch(word):
                return snake(word) or None
    return None


def _own_name(text: str, kind: str) -> str | None:
    found = _OWN_PREFIX.match(text) if kind == "id" else None
    if not found or found[1].lower() in _STOP:
        return None
    name = snake(found[1])
    return _WHOLE_WORDS.get(name, name) or None


def _zone(head: str, tail: str) -> str | None:
    """The role, else the zone or interface, of an address with a port: ``src outside:10.0.0.1/443``."""
    found = _ZONE_OF.search(head) if re.match(r"/[0\d]", tail) else None
    if not found or found["zone"].lower() in _STOP:
        return None
    role = (found["role"] or "").lower()
    return _ROLE_NAMES.get(role, role) if role in _ROLES else snake(found["zone"]) or None


def _counted(head: str, tail: str, kind: str) -> str | None:
    """What a number right behind its unit counts: ``bytes 1234 TCP FINs``.

    A unit behind another number is that number's (``5 bytes 3 packets``), unless a phrase of its own follows.
    """
    found = _COUNT_OF.search(head) if kind == "number" else None
    alone = found and (found["after"] is None or re.match(r" [A-Z]|$", tail))
    return found["noun"] if found and alone else None


def _times(tail: str, kind: str) -> str | None:
    return "times" if kind == "number" and re.match(r" times?\b(?! ?[:=])", tail) else None


def _after(tail: str, kind: str) -> str | None:
    label = _LABEL_AFTER.match(tail)
    if label:
        return snake(label[1])
    if kind != "number":
        return None
    counted = _COUNTED.match(tail)
    if counted and snake(counted[1]) not in _STOP:
        return snake(counted[1].replace("(s)", "s"))
    found = _AFTER.match(tail)
    if not found or found[1].lower() in _STOP or _VERB.fullmatch(found[1]):
        return None
    return snake(found[1])
