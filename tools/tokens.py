"""How many tokens a text costs, estimated by character class: no tokenizer is loaded, none fits every model.

The rule, in hundredths of a token: a letter of a plain word 25 (four characters a token), a capital 35 (names
and shouted words split more), a space 15, a digit 50 and every character of a word that holds a digit 50
(identifiers and hex are cut into twos and threes), other signs 75, a line break 100, anything outside ASCII 100,
outside the basic plane 200. Appending text never lowers the estimate.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Za-z0-9]+")
_LETTER, _CAPITAL, _SPACE, _DENSE, _SIGN, _BREAK, _FOREIGN, _RARE = 25, 35, 15, 50, 75, 100, 100, 200
_DIGIT = re.compile(r"[0-9]")
_CAPITALS = re.compile(r"[A-Z]")
_OUTSIDE = re.compile(r"[^\x00-\x7f]")


def weight(text: str) -> int:
    """Hundredths of a token; additive over texts that are joined by a line break."""
    total = letters = 0
    for word in _WORD.findall(text):
        letters += len(word)
        if _DIGIT.search(word):
            total += _DENSE * len(word)
        else:
            capitals = len(_CAPITALS.findall(word))
            total += _CAPITAL * capitals + _LETTER * (len(word) - capitals)
    foreign = _OUTSIDE.findall(text)
    rare = sum(ord(c) > 0xFFFF for c in foreign)
    spaces, breaks = text.count(" "), text.count("\n")
    signs = len(text) - letters - len(foreign) - spaces - breaks
    return (total + _SPACE * spaces + _BREAK * breaks + _SIGN * signs
            + _FOREIGN * (len(foreign) - rare) + _RARE * rare)


def tokens(text: str) -> int:
    """The estimate in whole tokens, rounded up."""
    return -(-weight(text) // 100)
