"""Secrets are masked before anything is kept. The test per line shape is cheap and digit-agnostic;
:func:`redact` then decides on the real text."""

from __future__ import annotations

import re

_KEYWORD = r"pass(?:word|wd|phrase)?|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|credential"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private-key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[^\n]*)")),
    ("jwt", re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}")),
    ("aws-key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("google-key", re.compile(r"\bAIza[\w-]{35}")),
    ("github-token", re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,})")),
    ("gitlab-token", re.compile(r"\bglpat-[\w-]{20,}")),
    ("slack-token", re.compile(r"\bxox[abposr]-[\w-]{10,}|hooks\.slack\.com/services/[\w/]{20,}")),
    ("stripe-key", re.compile(r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}")),
    ("api-key", re.compile(r"\bsk-(?:proj-|ant-)?[\w-]{20,}")),
    ("npm-token", re.compile(r"\bnpm_[0-9A-Za-z]{30,}|\bpypi-[\w-]{30,}")),
    ("authorization", re.compile(
        r"(?i)(?:(?<=authorization: )|(?<=authorization:)|(?<=authorization=))(?:bearer |basic |digest )?[^\s,;\"']{6,}"
        r"|\b(?<=bearer )(?!token\b)[\w.~+/-]{12,}=*")),
    ("cookie", re.compile(r"(?i)(?<=cookie: )[^\n\"]+|\b(?:session[-_]?id|jsessionid|phpsessid|csrf[-_]?token)=[^\s;&\"']+")),
    ("password", re.compile(r"(?<=://)[^\s:/@]+:(?!\[REDACTED)[^\s/@]+(?=@)")),
    ("password", re.compile(
        rf"(?i)(?<![a-z])(?:[\w.-]*(?:{_KEYWORD})[\w-]*)[\"']?\s?(?:=|:(?!/))\s?(?!\[REDACTED|\s|[\"']?(?:null|none|true|false|<[^>]+>|\*+)\b)"
        r"(?P<v>\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"'}\])]{3,})")),
    ("password", re.compile(rf"(?i)(?<=\s)--?(?:{_KEYWORD})[= ](?!\[REDACTED)(?P<v>[^\s-]\S+)")),
)
_CARD = re.compile(r"(?<![\w.-])(?:\d{4}(?P<s>[ -])\d{4}(?P=s)\d{4}(?P=s)\d{1,7})(?![\w.-])")
_BARE_CARD = re.compile(r"(?<![\w.-])\d{13,19}(?![\w.-])")
_HINT = re.compile(
    rf"(?i){_KEYWORD}|bearer|basic |authorization|cookie|session[-_]?id|eyj|akia|asia|aiza|gh[pousr]_|github_pat|glpat|xox|hooks\.slack"
    r"|sk_|rk_|sk-|npm_|pypi-|://[^\s/]*:[^\s/]*@|private key|jsessionid|phpsessid|csrf"
)
_CARD_HINT = re.compile(r"(?<![\w.-])\d+(?P<s>[ -])\d+(?P=s)\d+(?P=s)\d+(?![\w.-])")
_CARD_WORD = re.compile(r"(?i)\b(?:card|pan|credit|debit|visa|mastercard|amex)\b|card")


def may_hold_secret(text: str) -> bool:
    """Whether :func:`redact` could change ``text`` or any text that differs from it in digits only."""
    return bool(_HINT.search(text) or _CARD_WORD.search(text) or _CARD_HINT.search(text))


def redact(text: str) -> tuple[str, int]:
    """Replace every secret by ``[REDACTED:kind]``; returns the text and how many there were. Idempotent."""
    found = 0
    for kind, pattern in _PATTERNS:
        text, here = pattern.subn(lambda m, k=kind: _mask(m, k), text)  # type: ignore[misc]
        found += here
    patterns = (_CARD, _BARE_CARD) if _CARD_WORD.search(text) else (_CARD,)
    for pattern in patterns:
        text, _ = pattern.subn(_card, text)
    return text, found + text.count("[REDACTED:card]")


def _mask(match: re.Match[str], kind: str) -> str:
    whole = match[0]
    if "v" not in match.re.groupindex:
        return f"[REDACTED:{kind}]"
    start, end = match.start("v") - match.start(), match.end("v") - match.start()
    quote = whole[start] if whole[start] in "\"'" else ""
    return f"{whole[:start]}{quote}[REDACTED:{kind}]{quote}{whole[end:]}"


def _card(match: re.Match[str]) -> str:
    digits = [int(c) for c in match[0] if c.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in {3, 4, 5, 6} or len(set(digits)) < 2:
        return match[0]
    total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits)))
    return match[0] if total % 10 else "[REDACTED:card]"


def key_block(line: str) -> str | None:
    """``begin`` or ``end`` of a private key that is spread over lines."""
    if "PRIVATE KEY-----" not in line or "-----END" in line and "-----BEGIN" in line:
        return None
    return "begin" if "-----BEGIN" in line else "end" if "-----END" in line else None
