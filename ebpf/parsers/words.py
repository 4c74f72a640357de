"""What tells a plain word from an identifier, a token or a secret. In doubt it is none."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 40
"""Characters of a plain name; longer ones are taken for tokens."""
_WORD = 20
_SHAPE = re.compile(r"[._~-]?[A-Za-z]+(?:[._~:-][A-Za-z]+)*_?")
_SPLIT = re.compile(r"[._~:-]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CONSONANTS = re.compile(r"[b-df-hj-np-tv-xz]{7}", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_MUTE = frozenset("http https html xhtml grpc smtp mqtt mgmt ctrl cmds xlsx pptx mpls vpcs dhcp sftp tmpl sql ctx msg cmd src dst txn grp str ptr tls ssl xml csv pdf dns tcp udp jwt sms".split())
"""Words without a vowel that name things."""
_VERSION = re.compile(r"v\d{1,2}(?:(?:alpha|beta|rc|\.)\d{0,2})?", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:oauth[12]?|s3|ec2|k8s|ip(?:v[46])|http[123]|h2c?|x509|p2p|b2b|b2c|i18n|l10n|a11y|md5|sha(?:1|256|512)|utf8|base64|"
    r"mp[34]|web[23]|2fa|3d|saml2?|neo4j|log4j2?|db2|x86|arm64|amd64|win(?:32|64)|utf16|[45]xx|[45]0[0-4])",
    re.IGNORECASE,
)
"""Words in which a digit is no number of anything."""


@lru_cache(8192)
def plain(text: str) -> bool:
    """Whether a text is made of words as people name things: ``orders``, ``getUserById``, ``user-profile.html``, ``v1``."""
    if not 0 < len(text) <= LONGEST or not text.isascii() or _KEY.match(text):
        return False
    if not _SHAPE.fullmatch(text):
        return _VERSION.fullmatch(text) is not None or _parts_plain(text)
    return all(map(_sayable, filter(None, _SPLIT.split(text))))


def _parts_plain(text: str) -> bool:
    """The same for words joined by signs of which some hold digits of their own: ``oauth2-callback``."""
    if not text[0].isalnum():
        return False
    return all(
        _NUMBERED.fullmatch(part) or _VERSION.fullmatch(part) or (part.isalpha() and _sayable(part)) for part in _SPLIT.split(text)
    )


def _sayable(word: str) -> bool:
    """Whether letters could be a word: vowels among them, and humps of some length where capitals are mixed in."""
    if len(word) < 6:
        return word.islower() or word.isupper() or word.istitle() or len(_HUMPS.findall(word)) <= 2
    humps = _HUMPS.findall(word)
    short = sum(len(hump) < 3 for hump in humps)
    if any(len(hump) > _WORD for hump in humps) or (len(humps) > 1 and 2 * short > len(humps)) or (len(humps) > 4 and 2 * short == len(humps)):
        return False
    mute = [hump for hump in humps if len(hump) > 2 and not hump.isupper() and not _VOWEL.search(hump) and hump.lower() not in _MUTE]
    if len(mute) > 1 or any(len(hump) > 3 for hump in mute):
        return False
    vowels = sum(map(word.lower().count, "aeiouy"))
    return vowels * 9 >= len(word) and not any(map(_CONSONANTS.search, humps))


@lru_cache(4096)
def spoken(text: str) -> bool:
    """Whether a name of code is one: words with a number at most, ``GetUserV2``, ``v1beta1``, ``Base64``."""
    if _VERSION.fullmatch(text):
        return True
    words = re.split(r"\d{1,3}", text)
    if len(words) > 2 or not text.isascii():
        return False
    return all(word == "" or (len(word) <= 64 and word.isalpha() and _sayable(word)) for part in words for word in part.split("_"))


_LABEL_PART = re.compile(r"[a-z]+\d{0,3}|\d{1,3}")


def label(text: str) -> bool:
    """Whether a label of a host's name looks like one. Case means nothing there, but tokens mix it with digits."""
    if tokenish(text):
        return False
    if text.islower() or text.isupper() or not any(map(str.isalpha, text)):
        return True
    if not any(map(str.isdigit, text)):
        return plain(text.lower())
    return all(map(_LABEL_PART.fullmatch, re.split(r"[_-]", text.lower())))


def placed(text: str) -> bool:
    """Whether a label is plain even beside a token: words and small numbers, ``eu-west-1``."""
    return not text.isdigit() and all(plain(part) or (part.isdigit() and len(part) < 4) for part in re.split(r"[_-]", text))


_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_KEY = re.compile(r"[sr]k_(?:live|test)_|gh[oprsu]_[A-Za-z0-9]|github_pat_|glpat-|xox[abeprs]-|(?:AKIA|ASIA)[A-Z0-9]|AIza|eyJ[A-Za-z0-9]")
"""How keys of Stripe, GitHub, GitLab, Slack, AWS and Google and JSON Web Tokens begin."""
_RANDOM_RUN = re.compile(r"[A-Za-z0-9+/=_-]{12,}")


def tokenish(text: str) -> bool:
    """Whether a name looks drawn by lot: long, and letters mixed with digits or cases without sense; or begins as keys do, however little of it was seen."""
    if _KEY.match(text):
        return True
    if len(text) > 2 * LONGEST or (_HEX.fullmatch(text) and not text.isalpha()):
        return True
    return any(_drawn(run) for run in _RANDOM_RUN.findall(text))


def _drawn(run: str) -> bool:
    parts = [part for part in re.split(r"[_-]", run) if part]
    return any(len(part) >= 12 and not (part.isalpha() and _sayable(part)) and _mixed(part) for part in parts)


def _mixed(part: str) -> bool:
    """A word with a number at its end is none: ``partition20240131``."""
    return re.fullmatch(r"[A-Z]?[a-z]{3,}\d{1,8}|\d{1,20}", part) is None or not _sayable(part.rstrip("0123456789"))
