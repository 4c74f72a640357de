"""The patterns of :mod:`vectorstore.masking`, surest first. In a skeleton ``0`` is any run of digits."""

from __future__ import annotations

import re

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_CLOCK = r"0:0:0(?:[.,]0)?"
_ZONE = r"(?:Z|\s?[+-]0(?::0)?|\s(?:UTC|GMT|[A-Z]{1,3}[SD]T)\b)?"
_OCTET = r"(?:0[a-fA-F]?|[a-fA-F]0|[a-fA-F]{2})"
_GROUP = r"[0a-fA-F]{1,4}"
_TLD = (
    r"(?:com|net|org|edu|gov|mil|int|info|biz|io|arpa|local|localdomain|internal|lan|corp|cluster|intranet)"
)
_WORDS = r"[A-Za-z0_\x02\x03]"
_HIDDEN = "0\x02\x03"
_SIZE = r"(?:[KMGTPE]i?[Bb]?|[kmg]b|[Bb]ytes?|B)"
_TIME = r"(?:[mun]s|µs|s|secs?|seconds?|millis|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)"
_SPELLED = (
    r"(?:ms|us|ns|s|secs?|seconds?|milli-?seconds?|micro-?seconds?|nano-?seconds?|mins?|minutes?|hours?|days?"
    r"|MILLISECONDS|SECONDS|MINUTES|HOURS|DAYS)"
)
_NUMBER = r"[-+]?0(?:\.0)?(?:[eE][-+]?0)?"
_FREE = r"(?<![A-Za-z0_\x02\x03])(?<![A-Za-z0\x02\x03][.])"
_END = r"(?![A-Za-z0_\x02\x03])"
_VALUE_END = r"[^\s,;()\[\]{}<>\"'|&=]"
_USER = r"[^\s,;:()\[\]{}<>\"'=]+"

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        # People: where sshd, PAM, su and web servers write an account name, any word is one.
        ("user", r"\b(?:password|publickey|none|keyboard-interactive(?:/pam)?|hostbased|gssapi\S*) "
                 rf"for (?:(?:invalid|illegal) user )?(?P<user>{_USER}) from\b"),
        ("user", rf"\b(?:[Ii]nvalid|[Ii]llegal|[Uu]nknown|for|by) user (?P<user>{_USER})(?=$| (?:from|by|on)\b|[,;:\s])"),
        ("user", rf"(?<![\w.])(?:user|username|user_name|userName|login)=(?P<user>{_USER})"),
        ("url", rf"(?<!\w)[A-Za-z][A-Za-z0+.-]*://[^\s\"'<>,;()\[\]{{}}]*[^\s\"'<>,;()\[\]{{}}.:!?]"),
        ("email", r"(?<![\w.])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
        ("timestamp", rf"(?<![\w.])0[-/.]0[-/.]0(?:T|\s+|-|:){_CLOCK}{_ZONE}"),
        ("timestamp", rf"(?<!\w){_DAY},?\s+{_MONTH}\s+0\s+{_CLOCK}(?:\s+[A-Z]{{3,4}})?(?:\s+0)?{_END}"),
        ("timestamp", rf"(?<!\w){_DAY},\s+0\s+{_MONTH}\s+0\s+{_CLOCK}{_ZONE}"),
        ("timestamp", rf"(?<![\w.])0[/-]{_MONTH}[/-]0:{_CLOCK}(?:\s[+-]0)?"),
        ("timestamp", rf"(?<!\w){_MONTH}\s+0(?:,?\s+0)?\s+{_CLOCK}{_END}"),
        ("timestamp", r"(?<![\w.])0T0(?:[.,]0)?Z?(?!\w)"),
        ("uuid", r"(?<![\w-])\x03(?![\w-])"),
        ("mac", rf"(?<![\w:-]){_OCTET}(?:[:-]{_OCTET}){{5,}}(?![\w:-])"),
        ("ipv6", rf"(?<![\w:.])(?:{_GROUP}(?::{_GROUP}){{7}}|(?:{_GROUP}(?::{_GROUP}){{0,6}})?::"
                 rf"(?:{_GROUP}(?::{_GROUP}){{0,6}})?(?:0\.0\.0\.0)?)(?![\w:])"),
        ("ip", r"(?<![A-Za-z0_.\x02\x03-])(?P<ip>0\.0\.0\.0)(?::(?P<port>0))?(?![A-Za-z0_-]|\.0)"),
        ("timestamp", rf"(?<![\w.:]){_CLOCK}(?![\w:])"),
        ("timestamp", r"(?<![\w./-])(?:0-0-0|0/0/0)(?![\w/-])"),
        ("path", r"(?<![\w.])[A-Za-z]:\\[^\s\"'<>|,;()\[\]]*"),
        ("path", r"(?<![\w.\x02\x03/)\]}>*-])(?:\.{1,2}|~)?/(?:[^\s\"'<>|,;:()\[\]{}=]+/?)*[^\s\"'<>|,;:()\[\]{}=.]"
                 r"(?:[^\s\"'<>|,;:()\[\]{}=]*[^\s\"'<>|,;:()\[\]{}=.])?"),
        ("host", rf"(?<![\w.$@/-])(?!(?:com|org|net|edu|io|gov)\.)(?P<host>[A-Za-z0][\w-]*(?:\.[\w-]+)*\.{_TLD})"
                 r"(?::(?P<port>0))?(?![\w.-]*\w|\()"),
        ("host", r"(?<![\w.$@/-])(?P<host>(?=[\w.-]*0)(?=[\w.-]*[A-Za-z])[\w-]+(?:\.[\w-]+){2,}\.[a-z]{2})"
                 r"(?::(?P<port>0))?(?![\w.-]*\w|\()"),
        ("host", r"(?<![\w.$@/:-])(?P<host>[A-Za-z][A-Za-z0]*(?:-[A-Za-z0]+)*-?0(?:-[A-Za-z0]+)*(?:\.[\w-]+)*)"
                 r":(?P<port>0)(?![\w.:-])"),
        ("hex", r"(?<!\w)0[xX][0-9a-fA-F]+(?!\w)"),
        ("hex", r"(?<=@)[0a-f]*0[0a-f]*(?!\w)|(?<=@)\x02(?!\w)"),
        ("id", r"(?<![\w.])(?!x0_0\b)(?=[\w-]*_-?[0\x02\x03])[A-Za-z0\x02\x03][\w\x02\x03]*(?:-?[\w\x02\x03]+)*(?![\w])"),
        ("id", r"(?<![\w.-])(?:[A-Za-z]+-)+(?=\x03)\x03(?![\w-])"),
        ("id", r"(?<![\w.-])(?=[\w\x02\x03-]*-[0\x02\x03](?![\w\x02\x03]))(?:[\w\x02\x03]+-){2,}[\w\x02\x03]+(?![\w-])"),
        ("hex", r"(?<![\w])\x02(?![\w])"),
        ("hex", r"(?<![\w])[a-f]{8}(?![\w])"),
        ("uuid", r"\x03"),
        ("percent", rf"{_FREE}(?:{_NUMBER})\s?%(?!\w)"),
        ("size", rf"{_FREE}{_NUMBER}{_SIZE}{_END}"),
        ("size", rf"{_FREE}(?P<value>{_NUMBER})(?=\s+(?:[KMGTP]i?B|[kmg]b|[Bb]ytes?|BYTES|B){_END})"),
        ("duration", rf"{_FREE}{_NUMBER}{_TIME}(?:0{_TIME})*{_END}"),
        ("duration", rf"{_FREE}(?P<value>{_NUMBER})(?=\s+{_SPELLED}(?:\(s\))?{_END})"),
        ("bool", r"(?<![\w.\-/$])(?:true|false|True|False)(?![\w/]|\.\w|-\w)"),
        ("number", rf"{_FREE}[-+]?0(?:[.,]0)+(?![A-Za-z0_\x02\x03]|\.[A-Za-z])"),
        ("number", rf"{_FREE}(?<!\w-){_NUMBER}{_END}(?!\.[A-Za-z])"),
        ("number", r"(?<=[A-Za-z]-)0(?:\.0)*(?![\w-]|\.[A-Za-z])"),
        ("number", r"(?<=[A-Za-z)\]]\.)0(?![\w.])"),
        ("number", rf"{_FREE}0[CFVAWx]{_END}"),
        ("value", rf"(?<=[A-Za-z0_]=)(?P<value_>(?=[^\s,;=]*[{_HIDDEN}]){_VALUE_END}*[^\s,;()\[\]{{}}<>\"'|&=.:])"),
    )
)

ATTACHED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("number", _NUMBER), ("size", _NUMBER + _SIZE), ("duration", _NUMBER + _TIME), ("hex", "\x02"),
    )
)

LISTS = re.compile(r"(?<=\[)\x00(?:(?:,\s?|\s|\\ )\x00){2,}(?=\])")
