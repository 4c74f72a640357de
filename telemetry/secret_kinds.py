"""How secrets are written: one rule per way of writing. :mod:`telemetry.redact` applies them.

A rule's hints are its cheap test. *Sure* hints are rare enough to be taken for a hit as they stand; the others are
common words, and ``LOOSE`` decides. Rules of ``COSTLY`` have hints too common for every line of an ingest: they are
applied only to the little that is shown to a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from telemetry.secret_checks import IBAN, card, iban, key_in_base64, mixed, not_plain, random

_I = re.IGNORECASE
MARK = "[REDACTED:"
_NOT_MARK = r"(?!\[REDACTED:|\*{3,}|<redacted>|\[FILTERED\]|\[redacted\])"
_EDGE = (
    r"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\[nrt])|(?<=\\u[0-9a-fA-F]{4})|(?<=\[\dm)|(?<=\[\d\dm))"
)
"""Where a token may begin: no letter before it but that of an escape (``%3D``, ``\\n``, a terminal colour)."""
_LEFT = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-F][0-9A-F])|(?<=\\[nrt]))"
_START = rf"(?:{_LEFT}|(?-i:(?<=[a-z0-9])(?=[A-Z])))"
_WORDS = (
    r"(?:password|passwd|passphrase|passcode|pwd|secret[_-]?key|secret[_-]?access[_-]?key|"
    r"(?:api|access|private|account|shared|shared[_-]?access|encryption|signing|master|licen[sc]e|app|application|consumer|"
    r"storage|hmac|subscription|functions|client)[_-]?key|(?:access|refresh|auth|id|session|bearer|identity|security)[_-]?token|"
    r"(?:client|webhook|api|app|jwt|oauth|consumer)[_-]?secret|(?:bot|user|webhook|api|app|jwt|oauth|csrf|xsrf)[_-]?token|"
    r"client[_-]?key[_-]?data|connection[_-]?string|rediscli_auth|(?:user|db|pg|root|admin|mysql)password)"
)
_WHOLE = r"(?:secret|token|credentials?)"
"""Not secrets at the end of a longer word: ``imagePullSecret`` is a name, ``nextPageToken`` a place."""
_SUFFIX = r"(?:[_-]?(?:\d{1,2}|v\d|prod|production|staging|dev|test|base|value|hash|old|new|current|previous|primary|secondary))?"
_SHOWN = rf"(?:{_START}{_WORDS}|{_LEFT}{_WHOLE}){_SUFFIX}"
_NAMES = rf"(?:{_START}{_WORDS}|{_LEFT}{_WHOLE}|{_LEFT}sessionid){_SUFFIX}"
"""``sessionid: 0x14ed`` is how servers name sessions in prose; ``sessionid=`` stands in cookies and URLs."""
SECRET_NAME = re.compile(rf"(?:.*{_START})?{_WORDS}{_SUFFIX}|(?:.*{_LEFT})?{_WHOLE}{_SUFFIX}|(?:proxy-)?authorization|(?:set-)?cookie", _I | re.DOTALL)
"""A name whose value is a secret, whatever it looks like."""
_Q = r"\\{0,3}[\"']"
_LIKE_NAMES = rf"(?:{_WORDS}|{_WHOLE}|sessionid){_SUFFIX}".replace(r"\d{1,2}|v\d", r"\d+|v\d+")
_BLANK, _VALUE = r"[\s\x80-\xff]", r"(?![\"'\\])[^ \t\"'&,;)\]}]"
_NAME_HINTS = ("pass", "pwd", "secret", "_key", "-key", *(f"{last}key" for last in "cdeginprst"), "token", "credential", "sessionid", "connectionstring", "connection_string",
               "connection-string", "rediscli_auth")
"""One of these stands in every one of ``_NAMES``. A bare ``key`` is none: caches and maps have keys in every line."""
_SCHEMES = (
    r"(?:basic|bearer|digest|token|negotiate|ntlm|apikey|api-key|aws4-hmac-sha256|bot|geniekey|sharedkey|sharedaccesssignature|"
    r"hmac|splunk|ssws|sso-key|key|googlelogin|discogs|hawk)"
)
_SCHEME = re.compile(_SCHEMES, _I)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of writing a secret. Group ``s`` is what gets replaced."""

    kind: str
    source: str
    flags: int
    hints: tuple[str, ...]
    """Lower-case texts without digits, one of which every hit contains."""
    accept: Callable[[str], bool] | None = None
    sure: bool = False
    """Whether a hint is rare enough to go without ``LOOSE``."""
    head: str = ""
    """What every hit contains in a lower-case text, however many digits stand where one does; read as latin-1 or not."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when first needed: most logs need few rules."""
        return compiled(self.source, self.flags)


@lru_cache(maxsize=256)
def compiled(source: str, flags: int) -> re.Pattern[str]:
    """Compile once."""
    return re.compile(source, flags)


def _rule(kind: str, pattern: str, *hints: str, accept: Callable[[str], bool] | None = None, flags: int = 0) -> Rule:
    return Rule(kind, pattern, flags, hints, accept)


def _sure(kind: str, pattern: str, *hints: str, accept: Callable[[str], bool] | None = None, flags: int = 0) -> Rule:
    return Rule(kind, pattern, flags, hints, accept, sure=True)


def _named(pattern: str, tail: str, *, name: str, accept: Callable[[str], bool] | None = None) -> Rule:
    """A rule for what stands behind a name; ``tail`` is what its head has behind that."""
    return Rule("secret", rf"{name}{pattern}", _I, _NAME_HINTS, accept, head=rf"{_LIKE_NAMES}{tail}")


def _token(kind: str, body: str, *hints: str) -> Rule:
    return _sure(kind, rf"{_EDGE}(?P<s>{body})", *hints)


def _credential(text: str) -> bool:
    """Whether what follows ``authorization:`` is no prose."""
    return not_plain(text) and not _SCHEME.fullmatch(text) and not re.fullmatch(r"[A-Za-z]?[a-z]{0,9}[.:]?", text)


_KEY_BODY = (
    r"(?P<s>-----BEGIN (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.{0,20000}?-----END (?:[A-Z]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|[\sA-Za-z0-9+/=\\:,-]*))"
)
_TOKENS: tuple[Rule, ...] = (
    _sure("private-key", _KEY_BODY, "private key", flags=re.DOTALL),
    _sure("private-key", rf"{_EDGE}(?P<s>LS0tLS1CRUdJTi[A-Za-z0-9+/]+={{0,2}})", "crudjti", accept=key_in_base64),
    _token("grafana-token", r"eyJrIjoi[\w+/=-]{20,}|gl(?:sa|c)_[\w+/=-]{20,}", "eyjrijoi", "glsa_", "glc_"),
    _token("jwt", r"eyJ[\w-]{5,}\.eyJ[\w-]{5,}\.[\w-]{5,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*(?:\.[\w-]+)*", "eyj"),
    _rule("aws-key", rf"{_EDGE}(?P<s>(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{{16}})(?![A-Za-z0-9])",
          "akia", "asia", "abia", "acca", "aroa", "aida"),
    _rule("aws-secret", r"(?:AKIA|ASIA)[A-Z0-9]{16}[\s:,;/|\"']{1,4}(?P<s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", "akia", "asia"),
    _token("aws-session", r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[\w+/=%-]{30,}", "fwogzxivyxdz", "iqojb"),
    _token("github-token", r"gh[pousr]_\w{20,255}|github_pat_\w{20,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    _token("gitlab-token", r"gl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent)-[\w.-]{20,}",
           *(f"gl{kind}-" for kind in ("pat", "dt", "rt", "cbt", "ptt", "soat", "ft", "imt", "agent"))),
    _token("slack-token", r"xox[abceoprs]-[\w.-]{10,}|xapp-[\w-]{10,}", "xox", "xapp-"),
    _sure("slack-webhook", r"hooks\.slack\.com(?:/|%2F)(?:services|workflows|triggers)(?:/|%2F)(?P<s>[\w/%]{20,})", "hooks.slack.com", flags=_I),
    _sure("discord-webhook", r"discord(?:app)?\.com(?:/|%2F)api(?:(?:/|%2F)v\d+)?(?:/|%2F)webhooks(?:/|%2F)\d+(?:/|%2F)(?P<s>[\w-]{40,})",
          "discord", flags=_I),
    _sure("teams-webhook", r"webhook\.office\.com/webhookb2/(?P<s>[\w@/-]{30,})", "webhook.office.com", flags=_I),
    _sure("chat-webhook", r"(?:/open-apis/bot/v\d/hook/|/cgi-bin/webhook/send\?key=|hooks\.zapier\.com/hooks/catch/)(?P<s>[\w/-]{10,})",
          "/open-apis/bot/", "/webhook/send", "hooks.zapier.com"),
    _token("stripe-key", r"(?:sk|rk|pk)_(?:live|test)_\w{10,}|whsec_[\w+/=]{16,}", "_live_", "_test_", "whsec_"),
    _rule("anthropic-key", rf"(?<!-){_EDGE}(?P<s>sk-ant-[\w-]{{16,}})", "sk-"),
    _rule("openai-key", rf"(?<!-){_EDGE}(?P<s>sk-(?:proj-|svcacct-|admin-|or-)?[\w-]{{20,}})", "sk-"),
    _token("groq-key", r"gsk_[A-Za-z0-9]{20,}", "gsk_"),
    _token("perplexity-key", r"pplx-[A-Za-z0-9]{20,}", "pplx-"),
    _token("npm-token", r"npm_[A-Za-z0-9]{30,}", "npm_"),
    _token("pypi-token", r"pypi-[\w-]{16,}", "pypi-"),
    _token("gcp-key", r"AIza[\w-]{30,}|GOCSPX-[\w-]{20,}", "aiza", "gocspx-"),
    _rule("gcp-key", rf"{_EDGE}(?P<s>ya29\.[\w-]{{20,}})", "ya"),
    _rule("gcp-refresh-token", rf"{_EDGE}(?<!/)(?P<s>1(?://|%2F%2F)0[\w-]{{20,}})", "//", "f%"),
    _rule("sendgrid-key", rf"{_EDGE}(?P<s>SG\.[\w-]{{16,}}\.[\w-]{{16,}})", "sg."),
    _rule("vault-token", rf"{_EDGE}(?P<s>hv[sbr]\.[\w-]{{20,}})", "hvs.", "hvb.", "hvr."),
    _rule("huggingface-token", rf"{_EDGE}(?P<s>hf_[A-Za-z0-9]{{30,}})", "hf_"),
    _token("digitalocean-token", r"do[opr]_v1_[a-f0-9]{40,}", "doo_v", "dop_v", "dor_v"),
    _token("newrelic-key", r"NR(?:AK|JS|II|BR|RA|SP|MA)-\w{16,}|[0-9a-fA-F]{32,40}(?:FFFF)?NRAL", "nrak-", "nrjs-", "nrii-", "nrbr-", "nral"),
    _token("sentry-token", r"sntr(?:ys|yu)_[\w+/=.-]{20,}", "sntrys_", "sntryu_"),
    _token("shopify-token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{20,}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _token("linear-key", r"lin_(?:api|oauth)_\w{20,}", "lin_api_", "lin_oauth_"),
    _token("notion-token", r"ntn_\w{30,}|secret_[A-Za-z0-9]{40,}", "ntn_", "secret_"),
    _token("figma-token", r"fig[duo][rh]?_[\w-]{20,}", "figd_", "figdr_", "figdh_", "figu_", "figo_"),
    _token("databricks-token", r"dapi[0-9a-f]{30,}(?:-\d)?", "dapi"),
    _token("postman-key", r"PMAK-[0-9a-f]{20,}-[0-9a-f]{20,}", "pmak-"),
    _token("terraform-token", r"[A-Za-z0-9]{10,}\.atlasv1\.[\w-]{30,}", ".atlasv"),
    _token("atlassian-token", r"AT(?:ATT|CTT)3x[\w=+/.-]{20,}|ATBB[A-Za-z0-9]{20,}", "atatt", "atctt", "atbb"),
    _token("docker-token", r"dckr_(?:pat|oat)_[\w-]{20,}", "dckr_"),
    _token("rubygems-key", r"rubygems_[0-9a-f]{30,}", "rubygems_"),
    _token("heroku-key", r"HRKU-[\w-]{30,}", "hrku-"),
    _token("supabase-key", r"sbp_[0-9a-f]{30,}|sb_secret_[\w-]{20,}", "sbp_", "sb_secret_"),
    _token("planetscale-token", r"pscale_(?:tkn|oauth|pw)_[\w.-]{20,}", "pscale_"),
    _token("artifactory-key", r"AKCp[A-Za-z0-9]{40,}|cmVmdGtu[A-Za-z0-9+/=]{20,}", "akcp", "cmvmdgtu"),
    _token("alibaba-key", r"LTAI[A-Za-z0-9]{12,24}", "ltai"),
    _token("tencent-key", r"AKID[A-Za-z0-9]{28,40}", "akid"),
    _token("age-key", r"AGE-SECRET-KEY-1[A-Z0-9]{30,}", "age-secret-key-"),
    _token("azure-client-secret", r"(?<![~.-])[\w~.-]{3}\dQ~[\w~.-]{30,}", "q~"),
    _token("azure-devops-token", r"[A-Za-z0-9]{70,76}AZDO[A-Za-z0-9]{4}", "azdo"),
    _rule("telegram-token", r"(?<!\d)(?P<s>\d{6,10}(?::|%3A)AA[\w-]{30,})", ":aa", "aaa", flags=_I),
    _rule("password-hash", r"(?<![\w$])(?P<s>\$(?:apr1|2[abxy]|[156y]|argon2(?:id|i|d)|pbkdf2[\w-]*|scrypt)\$[^\s:\"',;<>]{12,})", "$"),
    _sure("password-hash", r"(?:\{S?(?:SHA|MD5)\d*\}|pbkdf2_sha\d+\$\d+\$)(?P<s>[A-Za-z0-9+/=$]{20,})",
          "{sha", "{ssha", "{md", "{smd", "pbkdf", flags=_I),
    _sure("iban", rf"(?<![A-Za-z0-9])(?P<s>{IBAN})(?![A-Za-z0-9])", "iban", "sepa", "bank", accept=iban),
)
_HEADERS: tuple[Rule, ...] = (
    _rule("azure-signature", rf"(?:(?<=[?&;\s\"'])|(?<=%26)|(?<=%3[Ff]))sig(?:=|%3D){_NOT_MARK}(?P<s>[\w%+/=-]{{20,}})", "sig=", "sig%"),
    _rule("aws-signature", rf"(?:X-Amz-Signature|X-Amz-Security-Token|X-Goog-Signature)(?:=|%3D)(?P<s>{_NOT_MARK}[\w%+/=-]{{16,}})",
          "x-amz-s", "x-goog-s", flags=_I),
    _sure("aws-signature", r"\bSignature=(?P<s>[0-9a-f]{64})(?![0-9a-f])", "signature="),
    _rule("authorization", rf"\b(?:proxy-)?authorization{_Q}?(?: header)?(?:\s*(?:[:=,]|=>|%3A)\s*)\\{{0,3}}(?:[\"']|\[(?!REDACTED:|SECRET:)){{0,2}}(?:%20|\+)?"
          rf"(?:{_SCHEMES}(?:\s+|%20|\+))?(?:token=)?\\{{0,3}}[\"']?(?P<s>{_NOT_MARK}[^\s\"'\\,;\]]+)",
          "authorization", accept=_credential, flags=_I),
    _rule("bearer", rf"\bbearer(?:[ :=]+|%20)[\"']?(?P<s>{_NOT_MARK}(?=[\w.~+/=-]*[\d._~+/=-])[\w.~+/-]{{12,}}=*)", "bearer", flags=_I),
    _rule("basic", rf"\bbasic(?: |%20)(?P<s>{_NOT_MARK}(?=[A-Za-z]*[0-9=+/A-Z])[A-Za-z0-9+/]{{12,}}={{0,2}})(?![\w\[])", "basic ", "basic%",
          accept=mixed, flags=_I),
    _sure("okta-token", rf"\bSSWS (?P<s>{_NOT_MARK}[\w-]{{20,}})", "ssws "),
    _rule("cookie", rf"\b(?:set-)?cookie2?{_Q}?\s*(?::|=>|,)\s*\\{{0,3}}[\"']?(?P<s>{_NOT_MARK}[^\r\n\"'\\\s=;]+=[^\r\n\"'\\]+)",
          "cookie", flags=_I),
    _sure("session", rf"(?:jsessionid|phpsessid|connect\.sid|asp\.net_sessionid)(?:=|%3D)(?P<s>{_NOT_MARK}[\w%.!:+/=-]{{8,}})",
          "jsessionid", "phpsessid", "connect.sid", "asp.net_sessionid", flags=_I),
    _rule("url-password", rf"[a-z][a-z0-9+.-]{{0,40}}://[^\s/:@\"'<>]*:(?P<s>{_NOT_MARK}[^\s/\"'<>]+)@", "://", flags=_I),
    _rule("url-token", rf"://(?P<s>{_NOT_MARK}(?=[^\s/:@]{{0,100}}\d)[\w~.=-]{{16,}})(?::x-oauth-basic)?@", "://"),
    _sure("url-password", r"%3A%2F%2F(?:(?!%3A|%40)[^\s/&:@]){0,100}(?:%3A|:)(?P<s>(?:(?!%40)[^\s&\"'@]){1,200})(?:%40|@)", "f%", flags=_I),
    _sure("oracle-password", rf"jdbc:oracle:\w+:[^\s/@]{{1,64}}/(?P<s>{_NOT_MARK}[^\s@]{{1,200}})@", "jdbc:oracle"),
    _sure("docker-auth", rf"{_Q}auth{_Q}\s*:\s*{_Q}(?P<s>{_NOT_MARK}[A-Za-z0-9+/]{{8,}}={{0,2}}){_Q}", "auth\"", "auth'", "auth\\"),
)
_ENDS = r"\s\"',;)\]}"
_NAMED: tuple[Rule, ...] = (
    _rule("password", rf"\bidentified by (?:password )?['\"](?P<s>{_NOT_MARK}[^'\"]+)['\"]", "identified by", flags=_I),
    _sure("password", rf"\bidentified with \S{{1,60}} (?:by|as) ['\"](?P<s>{_NOT_MARK}[^'\"]+)['\"]", "identified with", flags=_I),
    _sure("password", rf"\b(?:create|alter) (?:user|role|login)\b[^\r\n]{{0,300}}?\bpassword\s*=?\s*N?['\"](?P<s>{_NOT_MARK}[^'\"]+)['\"]",
          *(f"{verb} {whom}" for verb in ("create", "alter") for whom in ("user", "role", "login")), flags=_I),
    _rule("datadog-key", rf"{_START}(?:dd|datadog)[_-](?:api|app|application|client)[_-](?:key|token){_Q}?\s*[:=]\s*{_Q}?"
          rf"(?P<s>{_NOT_MARK}[\w-]{{20,}})", "dd_a", "dd-a", "dd_c", "dd-c", "datadog", flags=_I),
    _rule("pagerduty-key", rf"(?:routing|integration|service|pagerduty)[_-]?key{_Q}?\s*(?:[:=]|%3D)\s*{_Q}?"
          rf"(?P<s>{_NOT_MARK}(?=[a-z]*\d)[0-9a-z]{{32}})(?![0-9a-z])", "key", flags=_I),
    _rule("azure-key", rf"(?:Account|SharedAccess)Key=(?P<s>{_NOT_MARK}[A-Za-z0-9+/]{{20,}}={{0,2}})", "key="),
    _named(rf"{_Q}?\s*(?:=>|:=|[:=])\s*(?P<q>{_Q})(?P<s>{_NOT_MARK}(?:(?!(?P=q))[^\r\n])+)(?P=q)(?!\s*:)",
           rf"{_Q}?{_BLANK}*(?:=>|:=|[:=]){_BLANK}*{_Q}", name=_NAMES, accept=not_plain),
    _named(rf"{_Q}?=(?P<s>{_NOT_MARK}(?![\"'\\])[^\s\"'&,;)\]}}]+)", rf"{_Q}?={_VALUE}", name=_NAMES, accept=not_plain),
    _named(rf"(?:%22|%27)?%(?:25)?3[AD](?:%22|%27|%20|\+)*(?P<s>{_NOT_MARK}(?:(?!%2[02567C]|%0[AD]|%3B|%7D)[^\s\"'&,;)\]}}])+)",
           "%", name=_NAMES, accept=not_plain),
    _named(rf"{_Q}?(?:\s?:[ \t]?|[ \t]+=[ \t]+|[ \t]+=>[ \t]+|:[ \t]+)(?P<s>{_NOT_MARK}(?![\"'\\\[({{|>])"
           r"(?=\S*[\d!@#$%^&*+/]|(?-i:\S{0,64}[A-Z]\S*[a-z]\S*[A-Z])|[^\s,;&]+(?:[,;&]|[ \t]*[\r\n]|\s*$))"
           rf"[^{_ENDS}]{{3,}})", rf"(?<!sessionid){_Q}?(?:{_BLANK}*:[ \t]*|[ \t]+=>?[ \t]+)(?![\"'\\\[({{|>])[^ \t,;)\]}}]",
           name=_SHOWN, accept=not_plain),
    _named(rf":[ \t]*[|>][+-]?[ \t]*\n[ \t]+(?P<s>{_NOT_MARK}\S[^\r\n]*)", r":[ \t]*[|>]", name=_NAMES),
    _named(rf"{_Q}?[\s,]{{1,40}}{_Q}?value{_Q}?\s*[:=]\s*(?:{_Q})?(?P<s>{_NOT_MARK}[^\s\"'\\,;}}<>]+)",
           rf"{_Q}?(?:{_BLANK}|,)+{_Q}?value", name=_NAMES, accept=not_plain),
    _rule("secret", rf"<(?:[\w.:-]{{0,60}}[.:_-])?(?:{_WORDS}|{_WHOLE}){_SUFFIX}(?:\s[^<>]{{0,200}})?>\s*(?P<s>{_NOT_MARK}[^<\s][^<]*)</", *_NAME_HINTS, accept=not_plain, flags=_I),
    _rule("secret", r"(?<![\w-])(?i:password|passwd|passphrase|pwd|secret|(?:secret|access|api|private)[ _-]?key|token|credentials?)(?: is| was)? +[\"']?"
          rf"(?P<s>{_NOT_MARK}[A-Za-z0-9+/_=~.-]{{16,}})(?![\w+/=])", "pass", "pwd", "secret", "key", "token", "credential", accept=random),
    _rule("secret", rf"(?<!\S)--?(?:password|passwd|pass|pwd|token|secret|api-key|apikey|access-key|secret-key|client-secret|"
          rf"auth-token|access-token)(?:=|\s+)[\"']?(?P<s>{_NOT_MARK}(?!-)[^\s\"']+)", "-pass", "-pwd", "-token", "-secret",
          "-api", "-access", "-client", "-auth", accept=not_plain, flags=_I),
    _rule("password", rf"(?<!\S)(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n]{{0,1000}}?\s-p(?P<s>{_NOT_MARK}[^\s]+)", "mysql", "mariadb"),
    _rule("password", rf"(?<!\S)curl\b[^\r\n]{{0,1000}}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:(?P<s>{_NOT_MARK}[^\s\"']+)", "curl"),
    _rule("password", rf"\bsshpass -p ?[\"']?(?P<s>{_NOT_MARK}[^\s\"']+)", "sshpass"),
    _sure("password", rf"\b(?:requirepass|masterauth)\s+[\"']?(?P<s>{_NOT_MARK}[^\s\"']+)", "requirepass", "masterauth", flags=_I),
    _rule("password", rf"\blogin \S+\s+password (?P<s>{_NOT_MARK}\S{{6,}})", "login "),
    _rule("mailgun-key", rf"{_EDGE}(?P<s>key-[0-9a-f]{{32}})(?![0-9a-f])", "key-"),
    _rule("card", r"(?<![\d.A-Za-z_-])(?P<s>\d{4}(?:[ -]?\d{4}){3}|\d{4}[ -]?\d{6}[ -]?\d{4,5})(?![\d.A-Za-z_-])", accept=card),
)
RULES = (*_TOKENS, *_HEADERS, *_NAMED)
"""Applied to every line before it is stored."""
COSTLY: tuple[Rule, ...] = (
    _token("twilio-key", r"SK[0-9a-f]{32}(?![0-9a-f])", "sk"),
    _token("mailchimp-key", r"[0-9a-f]{32}-us\d{1,2}(?!\w)", "-us"),
    _token("airtable-token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}", "pat"),
    _token("dynatrace-token", r"dt0[a-z]\d\d\.[A-Z0-9]{20,}\.[A-Z0-9]{40,}", "dt0"),
    _token("dropbox-token", r"sl\.[\w-]{60,}", "sl."),
    _token("square-token", r"EAAA[\w-]{50,}|sq0(?:atp|csp|idp)-[\w-]{20,}", "eaaa", "atp-", "csp-", "idp-"),
    _token("meta-token", r"EAA[A-Za-z0-9]{60,}", "eaa"),
    _token("pagerduty-key", r"[uy](?:\+|%2B)[\w-]{18}(?![\w-])", "u+", "y+", "u%", "y%"),
    _token("fly-token", r"fm[12]r?_[\w+/=,-]{30,}|fo1_[\w-]{30,}", "fm1_", "fm2_", "fm1r_", "fm2r_", "fo1_"),
    _token("replicate-token", r"r8_[A-Za-z0-9]{30,}", "r8_"),
    _token("discord-token", r"[MNO][A-Za-z0-9_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}", "."),
)
"""Applied only to what is shown to a model; their hints may hold digits."""
_EDGE_LOW = r"(?:(?<![a-z_])|(?<=%[0-9a-f][a-f])|(?<=\\[nrt])|(?<=u[0-9a-f]{3}[a-f])|(?<=\dm))"
LOOSE = re.compile(
    r"a(?:kia|sia|bia|cca|roa|ida)[a-z0-9]|\d(?://|%\d+f%\d+f)\d|ya\d+\.|\d(?::|%\d+a)aa|login \S+\s+password |\$(?:apr\d|\d+[abxy]?|y|argon\d+i?d?|pbkdf\d+[\w-]*|scrypt)\$|"
    rf"{_EDGE_LOW}(?:sk-|sg\.|hv[sbr]\.|hf_|key-[a-f]*\d)|"
    r"sig(?:=|%\d+d)|x-amz-s|x-goog-s|authorization|bearer|basic[ %]|cookie|dd[_-][ac]|datadog|"
    r"://[^\s/:@\"'<>]*:[^\s/\"'<>]+@|://[\w~.=-]+(?::x-oauth-basic)?@|identified by|"
    r"(?:pass|pwd|secret|key|token|credential|session|connection|rediscli_auth)[\w.-]*(?:(?:\\{0,3}[\"'])?\s*[:=]|(?:%\d+)?%\d+[ad])|"
    r"(?:pass|pwd|secret|key|token|credential)[\w.-]*(?:(?:\\{0,3}[\"'])?[\s,]+(?:\\{0,3}[\"'])?value|(?:\s[^<>]*)?>)|"
    r"(?:pass\w*|pwd|secret|key|token|credentials?)(?: is| was)? +[\"']?(?=[^\s\"']*\d)(?=[^\s\"']*[a-z][^\s\"']*[a-z])|"
    r"(?<!\S)--?(?:pass|pwd|token|secret|api-?key|access-|client-|auth-)|mysql|mariadb|curl|sshpass",
)
"""Every hit of a rule that is neither sure nor for cards contains one of these, once it is lower-case."""
