"""What tells a secret from text that merely looks like one: check digits, plain words, decoded content."""

from __future__ import annotations

import base64
import binascii
import re

_PLAIN = re.compile(
    r"(?:true|false|null|none|nil|undefined|yes|no|invalid|missing|expired|required|incorrect|wrong|empty|unset|"
    r"set|changed|\*+|x{3,}|-+|\?+|%[sd]|\$\{?\w+\}?|<[\w .-]*>|\{[\w.]*\}|\(null\)|\(none\)|''|\"\")",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:/[a-z][\w.-]*)+/?")
_CARD_STARTS = re.compile(
    r"4|5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[68])|6(?:011|5|4[4-9])|35(?:2[89]|[3-8])"
)
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
    22: "BG BH DE GB GE IE ME RS CR", 23: "AE GI IL", 24: "AD CZ ES MD PK RO SA SE SK TN VA", 25: "PT", 26: "IS TR",
    27: "FR GR IT MC MR SM", 28: "AL AZ CY DO GT HU LB PL", 29: "BR QA UA", 30: "JO KW MU", 31: "MT SC",
}
"""Length of an account number by country (ISO 13616 registry)."""
IBAN = "|".join(
    rf"(?:{'|'.join(lands.split())})\d{{2}}(?: ?[A-Z0-9]){{{length - 4}}}" for length, lands in _IBAN_LENGTHS.items()
)


def not_plain(text: str) -> bool:
    """Whether a value is neither a word of its own accord (``expired``, ``true``, ``${VAR}``) nor a path."""
    return bool(text) and not _PLAIN.fullmatch(text) and not _PATH.fullmatch(text)


def random(text: str) -> bool:
    """Whether a value that merely follows a word like ``secret`` is one: it mixes small and capital letters and digits."""
    return all(re.search(kind, text) for kind in ("[a-z].*[a-z]", "[A-Z].*[A-Z]", r"\d")) and not re.match(r"(?:/|[A-Za-z]+[.-]\d)", text)


def mixed(text: str) -> bool:
    """Whether base64 text mixes kinds of characters as encoded credentials do."""
    return bool(re.search(r"[a-z]", text) and re.search(r"[A-Z]", text) and re.search(r"[0-9=+/]", text))


def luhn(digits: str) -> bool:
    """Check the last digit of a card number (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> bool:
    """Whether digits in card grouping are a card number: known issuer, right length, right check digit."""
    digits = re.sub(r"[ -]", "", text)
    grouped = digits != text
    if len(set(digits)) < 2 or not _CARD_STARTS.match(digits) or not luhn(digits):
        return False
    lengths = {"3": (14, 15, 16), "4": (16,)}.get(digits[0], (16,))
    if len(digits) not in lengths:
        return False
    return not grouped or re.fullmatch(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5}", text) is not None


def iban(text: str) -> bool:
    """Whether an account number has the right check digits (ISO 13616, modulo 97)."""
    plain = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def key_in_base64(text: str) -> bool:
    """Whether base64 text holds a private key, as in a kubeconfig; certificates begin alike."""
    whole = text.rstrip("=")
    try:
        head = base64.b64decode(whole[: min(len(whole), 80) // 4 * 4])
    except binascii.Error:
        return True
    return b"PRIVATE KEY" in head or len(head) < 30
