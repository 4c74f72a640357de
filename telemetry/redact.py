"""Secrets in log text: found by how they are written, replaced by ``[REDACTED:kind]``.

:func:`may_hold_secret` is the cheap test: it does not look at which digits a text holds nor how many stand
together, and is never false where :func:`redact` would change something.
"""


from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_MARK = "[REDACTED:"
_NOT_MARK = r"(?!\[REDACTED:|\*{3,}|<redacted>|\[FILTERED\]|\[redacted\])"
_NAMES = (
    r"(?:[\w-]*[_.-])?(?:password|passwd|passphrase|pwd|secret|secret[_-]?key|client[_-]?secret|api[_-]?key|apikey|"
    r"access[_-]?key|private[_-]?key|access[_-]?token|refresh[_-]?token|auth[_-]?token|id[_-]?token|session[_-]?token|"
    r"bearer[_-]?token|account[_-]?key|shared[_-]?access[_-]?key|encryption[_-]?key|signing[_-]?key|"
    r"token|credentials?|x-api-key|connection[_-]?string|sessionid|csrftoken|aws_secret_access_key|userpassword|"
    r"dbpassword|accesstoken|refreshtoken|secretkey|clientsecret|authtoken|privatekey|accountkey)"
)
_NAME_HINTS = ("pass", "pwd", "secret", "key", "token", "credential", "sessionid", "connectionstring", "connection_string",
               "connection-string")
"""One of these stands in every one of ``_NAMES``."""
_PLAIN = re.compile(
    r"(?:true|false|null|none|nil|undefined|yes|no|invalid|missing|expired|required|incorrect|wrong|empty|unset|"
    r"set|changed|\*+|x{3,}|-+|\?+|%[sd]|\$\{?\w+\}?|<[\w .-]*>|\{[\w.]*\}|\(null\)|\(none\)|''|\"\")",
    re.IGNORECASE,
)


_SCHEME = re.compile(r"(?:basic|bearer|digest|token|negotiate|ntlm|apikey|aws4-hmac-sha256)", re.IGNORECASE)

_PATH = re.compile(r"(?:/[a-z][\w.-]*)+/?")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One way of writing a secret. Group ``s`` is what gets replaced."""

    kind: str
    source: str
    flags: int
    hints: tuple[str, ...]
    """Lower-case texts without digits, one of which every hit contains."""
    accept: Callable[[str], bool] | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when first needed: most logs need few rules."""
        return _compiled(self.source, self.flags)


@lru_cache(maxsize=128)
def _compiled(source: str, flags: int) -> re.Pattern[str]:
    return re.compile(source, flags)


def _not_plain(text: str) -> bool:
    return bool(text) and not _PLAIN.fullmatch(text) and not _PATH.fullmatch(text)


def _tokenlike(text: str) -> bool:
    """Whether a value named ``token`` or so looks random rather than like a word or a plain number."""
    return _not_plain(text)


def _random(text: str) -> bool:
    """Whether a value that merely follows a word like ``secret`` is one: it mixes small and capital letters and digits."""
    return all(re.search(kind, text) for kind in ("[a-z].*[a-z]", "[A-Z].*[A-Z]", r"\d")) and not re.match(r"(?:/|[A-Za-z]+[.-]\d)", text)


def luhn(digits: str) -> bool:
    """Check the last digit of a card number (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


_CARD_STARTS = re.compile(
    r"4|5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[68])|6(?:011|5|4[4-9])|35(?:2[89]|[3-8])"
)


def _card(text: str) -> bool:
    """Whether digits in card grouping are a card number: known issuer, right length, right check digit."""
    digits = re.sub(r"[ -]", "", text)
    grouped = digits != text
    if len(set(digits)) < 2 or not _CARD_STARTS.match(digits) or not luhn(digits):
        return False
    lengths = {"3": (14, 15, 16), "4": (16,)}.get(digits[0], (16,))
    if len(digits) not in lengths:
        return False
    return not grouped or re.fullmatch(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5}", text) is not None


def _rule(kind: str, pattern: str, *hints: str, accept: Callable[[str], bool] | None = None, flags: int = 0) -> _Rule:
    return _Rule(kind, pattern, flags, hints, accept)


_I = re.IGNORECASE
_KEY_BODY = (
    r"(?P<s>-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|[\sA-Za-z0-9+/=\\:,-]*))"
)
_RULES: tuple[_Rule, ...] = (
    _rule("private-key", _KEY_BODY, "private key", flags=re.DOTALL),
    _rule("jwt", r"(?<![\w-])(?P<s>eyJ[\w-]{5,}\.eyJ[\w-]{5,}\.[\w-]{5,})", "eyj"),
    _rule("jwt", r"(?<![\w-])(?P<s>eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)", "eyj"),
    _rule("aws-key", r"(?<![A-Za-z0-9])(?P<s>(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16})(?![A-Za-z0-9])",
          "akia", "asia", "abia", "acca", "aroa", "aida"),
    _rule("github-token", r"(?<!\w)(?P<s>gh[pousr]_\w{30,255}|github_pat_\w{22,255})",
          "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    _rule("gitlab-token", r"(?<!\w)(?P<s>gl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent)-[\w.-]{20,})",
          *(f"gl{kind}-" for kind in ("pat", "dt", "rt", "cbt", "ptt", "soat", "ft", "imt", "agent"))),
    _rule("slack-token", r"(?<!\w)(?P<s>xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,})", "xox", "xapp-"),
    _rule("slack-webhook", r"hooks\.slack\.com/(?:services|workflows)/(?P<s>[\w/]{20,})", "hooks.slack.com"),
    _rule("stripe-key", r"(?<!\w)(?P<s>(?:sk|rk|pk)_(?:live|test)_\w{10,}|whsec_\w{16,})", "_live_", "_test_", "whsec_"),
    _rule("openai-key", r"(?<![\w-])(?P<s>sk-(?:proj-|svcacct-|admin-|ant-|or-)?[\w-]{20,})", "sk-"),
    _rule("npm-token", r"(?<!\w)(?P<s>npm_[A-Za-z0-9]{30,})", "npm_"),
    _rule("pypi-token", r"(?<!\w)(?P<s>pypi-[\w-]{16,})", "pypi-"),
    _rule("gcp-key", r"(?<![\w-])(?P<s>AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})", "aiza", "ya", "gocspx-"),
    _rule("sendgrid-key", r"(?<!\w)(?P<s>SG\.[\w-]{16,}\.[\w-]{16,})", "sg."),
    _rule("vault-token", r"(?<!\w)(?P<s>hv[sbr]\.[\w-]{20,})", "hvs.", "hvb.", "hvr."),
    _rule("huggingface-token", r"(?<!\w)(?P<s>hf_[A-Za-z0-9]{30,})", "hf_"),
    _rule("digitalocean-token", r"(?<!\w)(?P<s>do[opr]_v1_[a-f0-9]{40,})", "doo_v", "dop_v", "dor_v"),
    _rule("azure-signature", rf"(?<=[?&;])sig={_NOT_MARK}(?P<s>[\w%+/=-]{{20,}})", "sig="),
    _rule("aws-signature", rf"(?:X-Amz-Signature|X-Amz-Security-Token|X-Goog-Signature)=(?P<s>{_NOT_MARK}[\w%+/=-]{{16,}})",
          "x-amz-s", "x-goog-s", flags=_I),
    _rule("authorization", rf"\b(?:proxy-)?authorization\\?[\"']?(?: header)?(?:\s*(?:[:=]|=>)\s*)\\?[\"'\[]{{0,2}}"
          rf"(?:(?:basic|bearer|digest|token|negotiate|ntlm|apikey|aws4-hmac-sha256)\s+)?(?P<s>{_NOT_MARK}[^\s\"'\\,;\]]+)",
          "authorization", accept=lambda t: _not_plain(t) and not _SCHEME.fullmatch(t), flags=_I),
    _rule("bearer", rf"\bbearer[ :=]+[\"']?(?P<s>{_NOT_MARK}(?=[\w.~+/=-]*[\d._~+/=-])[\w.~+/-]{{12,}}=*)", "bearer", flags=_I),
    _rule("basic", rf"\bbasic (?P<s>{_NOT_MARK}(?=[A-Za-z]*[0-9=+/A-Z])[A-Za-z0-9+/]{{12,}}={{0,2}})(?![\w])", "basic ",
          accept=lambda t: bool(re.search(r"[a-z]", t) and re.search(r"[A-Z]", t) and re.search(r"[0-9=+/]", t)), flags=_I),
    _rule("cookie", rf"\b(?:set-)?cookie2?\\?[\"']?\s*(?::|=>)\s*\\?[\"']?(?P<s>{_NOT_MARK}[^\r\n\"'\\\s=;]+=[^\r\n\"'\\]+)",
          "cookie", flags=_I),
    _rule("url-password", rf"[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]*:(?P<s>{_NOT_MARK}[^\s/@\"'<>]+)@", "://", flags=_I),
    _rule("password", rf"\bidentified by (?:password )?['\"](?P<s>{_NOT_MARK}[^'\"]+)['\"]", "identified by", flags=_I),
    _rule("secret", rf"(?<![\w])\\?[\"']?{_NAMES}\\?[\"']?\s*(?:=>|:=|[:=])\s*(?P<q>\\?[\"'])(?P<s>{_NOT_MARK}(?:(?!(?P=q))[^\r\n])+)(?P=q)(?!\s*:)",
          *_NAME_HINTS, accept=_not_plain, flags=_I),
    _rule("secret", rf"(?<![\w]){_NAMES}\\?[\"']?=(?P<s>{_NOT_MARK}(?![\"'\\])[^\s\"'&,;)\]}}]+)",
          *_NAME_HINTS, accept=_tokenlike, flags=_I),
    _rule("secret", rf"(?<![\w])\\?[\"']?(?i:(?:[\w-]*[_.-])?(?:password|passwd|passphrase|pwd|secret|api[_-]?key|client[_-]?secret|"
          r"access[_-]?key|access[_-]?token|refresh[_-]?token|auth[_-]?token|x-api-key|x-auth-token|token))\\?[\"']?(?:\s?:\s?| = | => )"
          rf"(?P<s>{_NOT_MARK}(?![\"'\\\[({{])(?=\S*[\d!@#$%^&*+/]|\S{{0,64}}[A-Z]\S*[a-z]\S*[A-Z]|[^\s,;&]+(?:[,;&]|\s*$))"
          r"[^\s\"',;)\]}]{3,})", "pass", "pwd", "secret", "key", "token", accept=_not_plain),
    _rule("secret", r"(?<![\w-])(?i:password|passwd|passphrase|pwd|secret|(?:secret|access|api|private)[ _-]?key|token|credentials?)(?: is| was)? +[\"']?"
          rf"(?P<s>{_NOT_MARK}[A-Za-z0-9+/_=~.-]{{16,}})(?![\w+/=])", "pass", "pwd", "secret", "key", "token", "credential", accept=_random),
    _rule("secret", rf"(?<!\S)--?(?:password|passwd|pass|pwd|token|secret|api-key|apikey|access-key|secret-key|client-secret|"
          rf"auth-token|access-token)(?:=|\s+)[\"']?(?P<s>{_NOT_MARK}(?!-)[^\s\"']+)", "-pass", "-pwd", "-token", "-secret",
          "-api", "-access", "-client", "-auth", accept=_not_plain, flags=_I),
    _rule("password", rf"(?<!\S)(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]{{0,1000}}?\s-p(?P<s>{_NOT_MARK}[^\s]+)", "mysql", "mariadb"),
    _rule("password", rf"(?<!\S)curl\b[^\r\n]{{0,1000}}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:(?P<s>{_NOT_MARK}[^\s\"']+)", "curl"),
    _rule("password", rf"\bsshpass -p ?[\"']?(?P<s>{_NOT_MARK}[^\s\"']+)", "sshpass"),
    _rule("card", r"(?<![\d.A-Za-z_-])(?P<s>\d{4}(?:[ -]?\d{4}){3}|\d{4}[ -]?\d{6}[ -]?\d{4,5})(?![\d.A-Za-z_-])", accept=_card),
)
_LOOSE = re.compile(
    r"private key|eyj|a(?:kia|sia|bia|cca|roa|ida)[a-z0-9]|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[abeoprs]-|xapp-|"
    r"hooks\.slack|[srp]k_(?:live|test)_|whsec_|(?<![\w-])sk-|npm_|pypi-|aiza|ya\d+\.|gocspx-|(?<!\w)sg\.|"
    r"(?<!\w)hv[sbr]\.|(?<!\w)hf_|do[opr]_v\d+_|sig=|x-amz-s|x-goog-s|authorization|bearer|basic |cookie|"
    r"://[^\s/:@\"'<>]*:[^\s/@\"'<>]+@|identified by|"
    r"(?:pass|pwd|secret|key|token|credential|session|connection)[\w.-]*\\?[\"']?\s*[:=]|"
    r"(?:pass\w*|pwd|secret|key|token|credentials?)(?: is| was)? +[\"']?(?=[^\s\"']*\d)(?=[^\s\"']*[a-z][^\s\"']*[a-z])|"
    r"(?<!\S)--?(?:pass|pwd|token|secret|api-?key|access-|client-|auth-)|mysql|mariadb|curl|sshpass",
)
"""Every hit of every rule but ``card`` contains one of these, once it is lower-case."""
_HINTS = tuple({hint for rule in _RULES for hint in rule.hints})
_CARD_HINTS = tuple("card visa amex pan credit debit pay paid charg cv checkout billing purchase refund".split())
_CARD_GROUPS = re.compile(r"(?<![\d.A-Za-z_-])\d+([ -])\d+\1\d+\1\d+(?![\d.A-Za-z_-])")
_CARD_LONE = re.compile(r"(?<![\d.A-Za-z_-])\d")
_CARD_WORDS = re.compile(
    r"card|visa|amex|\bpan\b|credit|debit|pay(?:ment|ing|er)?\b|paid|charg|cvv|cvc|checkout|billing|purchase|refund", re.IGNORECASE
)
"""An ungrouped number counts as a card number only where the text speaks of paying: one in ten
16-digit identifiers passes the check digit."""
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")


def may_hold_secret(text: str) -> bool:
    """Whether texts that differ from ``text`` only in their digits may hold a secret."""
    low = text.lower()
    if any(map(low.__contains__, _HINTS)) and _LOOSE.search(low):
        return True
    if _CARD_GROUPS.search(text):
        return True
    return any(map(low.__contains__, _CARD_HINTS)) and bool(_CARD_WORDS.search(text) and _CARD_LONE.search(text))


Rules = tuple[_Rule, ...]


def rules_for(text: str) -> Rules:
    """The rules that may find something in texts that differ from ``text`` only in their digits."""
    low = text.lower()
    cards = _CARD_GROUPS.search(text) or _CARD_WORDS.search(text)
    return tuple(rule for rule in _RULES if (any(hint in low for hint in rule.hints) if rule.hints else cards))


def all_clean(texts: str, rules: Rules) -> bool:
    """Whether no rule can find anything in any of many lines, joined by newlines. False proves nothing."""
    return not any(_compiled(rule.source, rule.flags | re.MULTILINE).search(texts) for rule in rules)


def redact(text: str, rules: Rules | None = None) -> tuple[str, int]:
    """Return the text without its secrets, and how many were replaced. Applied twice it changes nothing more.

    ``rules`` are those of :func:`rules_for`, when they are known already.
    """
    count = 0
    for rule in rules_for(text) if rules is None else rules:
        text, hits = _apply(rule, text, cards=rule.kind != "card" or bool(_CARD_WORDS.search(text)))
        count += hits
    return text, count


def _apply(rule: _Rule, text: str, *, cards: bool) -> tuple[str, int]:
    """Replace the hits of one rule; without ``cards`` digits count as a card only when grouped."""
    hits = 0

    def swap(match: re.Match[str]) -> str:
        nonlocal hits
        secret = match["s"]
        if _MARK in secret or (rule.accept and not rule.accept(secret)) or (
            not cards and len(re.findall(r"\d+", secret)) != 4
        ):
            return match[0]
        hits += 1
        start, end = match.start("s") - match.start(), match.end("s") - match.start()
        breaks = "\n" * secret.count("\n")
        return f"{match[0][:start]}{_MARK}{rule.kind}]{breaks}{match[0][end:]}"

    return rule.pattern.sub(swap, text), hits


def key_block(line: str) -> Literal["begin", "end"] | None:
    """Whether a private key begins or ends in this line (a key within one line is :func:`redact`'s)."""
    begin, end = None, None
    for begin in _BEGIN.finditer(line):  # noqa: B007
        pass
    for end in _END.finditer(line):  # noqa: B007
        pass
    if begin and (end is None or end.start() < begin.start()):
        return "begin"
    return "end" if end and not begin else None


_BODY = re.compile(r"\s*|\s*[A-Za-z0-9+/=]+\s*|(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): .{0,200}")
_BODY_END = re.compile(r"(?<=\s)(?P<s>[A-Za-z0-9+/=]{40,}|(?=[a-z0-9+/=]*[A-Z])(?=[A-Za-z+/]*[0-9+/=])(?:[A-Za-z0-9+/=]{4})+)\s*$")
KEY_LINES = 400
"""Lines after which a private key that never ended is taken for over."""


def key_body(line: str) -> str | None:
    """A line inside a private key without its part of the key; None when the line is no part of a key.

    Logs mention keys that never come: from the first line that cannot belong to one, the key is over.
    """
    if _BODY.fullmatch(line):
        return f"{_MARK}private-key]"
    found = _BODY_END.search(line)
    return f"{line[: found.start('s')]}{_MARK}private-key]" if found else None
