"""Planted secrets of many kinds in the ways logs write them, and ordinary identifiers that must survive. Seeded."""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from telemetry.secret_checks import luhn

HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
B64 = ALNUM + "+/"
URLSAFE = ALNUM + "-_"


@dataclass(frozen=True, slots=True)
class Planted:
    """``secret`` stands in ``text`` (possibly percent-encoded or JSON-escaped), written as ``context`` says."""

    kind: str
    context: str
    secret: str
    text: str


def pick(rng: random.Random, letters: str, size: int) -> str:
    """Random text that holds a digit and a letter, as tokens do."""
    text = "".join(rng.choice(letters) for _ in range(size - 2))
    return rng.choice([c for c in letters if c.isalpha()]) + text + rng.choice([c for c in letters if c.isdigit()] or letters)


def _b64(rng: random.Random, text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _jwt(rng: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": pick(rng, ALNUM, 12)}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{pick(rng, URLSAFE, 43)}"


def _pem(rng: random.Random, kind: str = "RSA ") -> str:
    lines = "\n".join(pick(rng, B64, 64) for _ in range(4))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def _card(rng: random.Random) -> str:
    body = "4" + "".join(rng.choice(string.digits) for _ in range(14))
    return next(body + str(d) for d in range(10) if luhn(body + str(d)))


def _iban(rng: random.Random) -> str:
    account = "".join(rng.choice(string.digits) for _ in range(18))
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


TOKENS: dict[str, Callable[[random.Random], str]] = {
    "jwt": _jwt,
    "aws-key": lambda r: "AKIA" + pick(r, UPPER, 16),
    "aws-session": lambda r: "IQoJb3JpZ2lu" + pick(r, B64, 120),
    "github-token": lambda r: "ghp_" + pick(r, ALNUM, 36),
    "github-fine": lambda r: "github_pat_" + pick(r, ALNUM, 22) + "_" + pick(r, ALNUM, 59),
    "gitlab-token": lambda r: "glpat-" + pick(r, URLSAFE, 20),
    "slack-token": lambda r: f"xoxb-{r.randrange(10**11, 10**12)}-{pick(r, ALNUM, 24)}",
    "slack-app": lambda r: f"xapp-1-A0{pick(r, UPPER, 9)}-{pick(r, HEX, 40)}",
    "stripe-key": lambda r: "sk_live_" + pick(r, ALNUM, 24),
    "stripe-webhook": lambda r: "whsec_" + pick(r, ALNUM, 32),
    "openai-key": lambda r: "sk-proj-" + pick(r, URLSAFE, 48),
    "anthropic-key": lambda r: "sk-ant-api03-" + pick(r, URLSAFE, 80),
    "groq-key": lambda r: "gsk_" + pick(r, ALNUM, 52),
    "perplexity-key": lambda r: "pplx-" + pick(r, ALNUM, 48),
    "npm-token": lambda r: "npm_" + pick(r, ALNUM, 36),
    "pypi-token": lambda r: "pypi-AgEIcHlwaS5vcmc" + pick(r, URLSAFE, 80),
    "gcp-key": lambda r: "AIza" + pick(r, URLSAFE, 35),
    "gcp-access": lambda r: "ya29.a0" + pick(r, URLSAFE, 60),
    "gcp-client-secret": lambda r: "GOCSPX-" + pick(r, URLSAFE, 28),
    "gcp-refresh-token": lambda r: "1//0" + pick(r, URLSAFE, 60),
    "sendgrid-key": lambda r: f"SG.{pick(r, URLSAFE, 22)}.{pick(r, URLSAFE, 43)}",
    "twilio-key": lambda r: "SK" + pick(r, HEX, 32),
    "mailgun-key": lambda r: "key-" + pick(r, HEX, 32),
    "mailchimp-key": lambda r: pick(r, HEX, 32) + "-us12",
    "huggingface-token": lambda r: "hf_" + pick(r, ALNUM, 34),
    "vault-token": lambda r: "hvs." + pick(r, URLSAFE, 90),
    "digitalocean-token": lambda r: "dop_v1_" + pick(r, HEX, 64),
    "grafana-token": lambda r: f"glsa_{pick(r, ALNUM, 32)}_{pick(r, HEX, 8)}",
    "newrelic-key": lambda r: "NRAK-" + pick(r, UPPER, 27),
    "sentry-token": lambda r: "sntrys_" + pick(r, URLSAFE, 60),
    "telegram-token": lambda r: f"{r.randrange(10**8, 10**10)}:AA{pick(r, URLSAFE, 33)}",
    "discord-token": lambda r: f"M{pick(r, ALNUM, 23)}.{pick(r, URLSAFE, 6)}.{pick(r, URLSAFE, 38)}",
    "shopify-token": lambda r: "shpat_" + pick(r, HEX, 32),
    "square-token": lambda r: "sq0atp-" + pick(r, URLSAFE, 22),
    "linear-key": lambda r: "lin_api_" + pick(r, ALNUM, 40),
    "notion-token": lambda r: "ntn_" + pick(r, ALNUM, 46),
    "airtable-token": lambda r: f"pat{pick(r, ALNUM, 14)}.{pick(r, HEX, 64)}",
    "figma-token": lambda r: "figd_" + pick(r, URLSAFE, 40),
    "databricks-token": lambda r: "dapi" + pick(r, HEX, 32),
    "postman-key": lambda r: f"PMAK-{pick(r, HEX, 24)}-{pick(r, HEX, 34)}",
    "terraform-token": lambda r: f"{pick(r, ALNUM, 14)}.atlasv1.{pick(r, ALNUM, 67)}",
    "atlassian-token": lambda r: "ATATT3xFfGF0" + pick(r, URLSAFE, 80),
    "docker-token": lambda r: "dckr_pat_" + pick(r, URLSAFE, 27),
    "rubygems-key": lambda r: "rubygems_" + pick(r, HEX, 48),
    "heroku-key": lambda r: "HRKU-" + pick(r, ALNUM, 60),
    "supabase-key": lambda r: "sbp_" + pick(r, HEX, 40),
    "planetscale-token": lambda r: "pscale_tkn_" + pick(r, URLSAFE, 43),
    "artifactory-key": lambda r: "AKCp" + pick(r, ALNUM, 69),
    "alibaba-key": lambda r: "LTAI" + pick(r, ALNUM, 20),
    "age-key": lambda r: "AGE-SECRET-KEY-1" + pick(r, UPPER, 58),
    "azure-client-secret": lambda r: f"{pick(r, ALNUM, 3)}8Q~{pick(r, URLSAFE, 34)}",
    "azure-devops-token": lambda r: f"{pick(r, ALNUM, 76)}AZDO{pick(r, ALNUM, 4)}",
    "dynatrace-token": lambda r: f"dt0c01.{pick(r, UPPER, 24)}.{pick(r, UPPER, 64)}",
    "pagerduty-key": lambda r: "u+" + pick(r, ALNUM, 18),
    "replicate-token": lambda r: "r8_" + pick(r, ALNUM, 37),
}
"""Told by how they begin: they may stand anywhere."""

_STAMP = "2026-03-01T10:00:00.123Z"
ANYWHERE: dict[str, Callable[[str], str]] = {
    "bare": lambda s: f"{_STAMP} WARN app using {s} for the upstream call",
    "json": lambda s: json.dumps({"ts": _STAMP, "level": "error", "msg": f"call failed with {s}", "user": "bob"}),
    "json-twice": lambda s: json.dumps({"log": json.dumps({"detail": {"value": s}, "pod": "web-1"})}),
    "logfmt": lambda s: f'ts={_STAMP} level=error value={s} msg="upstream refused" pod=payments-7d9f-abcde',
    "quoted": lambda s: f"ERROR refused credential '{s}' of tenant 42",
    "env": lambda s: f"PATH=/usr/bin\nUPSTREAM={s}\nHOME=/root",
    "url": lambda s: f"GET https://api.example.com/v1/items?page=2&k={quote(s, safe='')}&sort=asc HTTP/1.1 500",
    "url-in-url": lambda s: f"redirect=https%3A%2F%2Fapi.example.com%2Fx%3Fk%3D{quote(quote(s, safe=''), safe='') if '%' in s else quote(s, safe='')}%26page%3D2",
    "trace": lambda s: f"Traceback (most recent call last):\n  File \"/app/x.py\", line 9, in call\nValueError: bad value: {s}\n  at com.example.Client.call(Client.java:88)",
    "yaml": lambda s: f"upstream:\n  value: {s}\n  timeout: 5s",
    "escaped": lambda s: f'{{"stack":"line one\\n{s}\\nline three","id":7}}',
    "colour": lambda s: f"\x1b[31mERROR\x1b[0m \x1b[32m{s}\x1b[0m rejected",
}

NAMED: dict[str, tuple[str, ...]] = {
    "password": ("password", "DB_PASSWORD", "spring.datasource.password", "dbPassword", "MYSQL_ROOT_PASSWORD", "PGPASSWORD", "passwd"),
    "secret": ("secret", "CLIENT_SECRET", "clientSecret", "webhook-secret", "DJANGO_SECRET_KEY", "aws_secret_access_key", "SecretAccessKey"),
    "api-key": ("api_key", "X-Api-Key", "apiKey", "STRIPE_APIKEY", "DD_API_KEY", "subscription-key", "license_key"),
    "token": ("token", "access_token", "X-Auth-Token", "refreshToken", "GH_TOKEN", "x-vault-token", "csrf_token"),
    "passphrase": ("passphrase", "KEY_PASSPHRASE", "passcode"),
}
BY_NAME: dict[str, Callable[[str, str], str]] = {
    "json": lambda n, s: json.dumps({"user": "bob", n: s, "host": "db-1"}),
    "json-twice": lambda n, s: json.dumps({"log": json.dumps({n: s, "pod": "web-1"})}),
    "logfmt": lambda n, s: f"level=info {n}={s} user=bob took=5ms",
    "logfmt-quoted": lambda n, s: f'level=info {n}="{s}" user=bob',
    "header": lambda n, s: f"> Host: api.example.com\r\n> {n}: {s}\r\n> Accept: */*\r\n",
    "env": lambda n, s: f"HOME=/root\nexport {n}={s}\nLANG=C",
    "yaml": lambda n, s: f"datasource:\n  user: app\n  {n}: {s}\n  pool: 5\n",
    "yaml-quoted": lambda n, s: f"datasource:\n  {n}: '{s}'\n  pool: 5\n",
    "yaml-block": lambda n, s: f"datasource:\n  {n}: |\n    {s}\n  pool: 5\n",
    "kube-env": lambda n, s: f"    env:\n    - name: {n}\n      value: {s}\n    - name: PORT\n      value: '80'\n",
    "kube-env-json": lambda n, s: json.dumps([{"name": n, "value": s}, {"name": "PORT", "value": "80"}]),
    "query": lambda n, s: f"GET /v1/items?{n}={quote(s, safe='')}&page=2 200",
    "percent": lambda n, s: f"next=%2Flogin%3F{n}%3D{quote(s, safe='')}%26page%3D2 status=302",
    "xml": lambda n, s: f"<config><{n}>{s}</{n}><pool>5</pool></config>",
    "php": lambda n, s: f"array('host' => 'db', '{n}' => '{s}')",
    "sql-server": lambda n, s: f"Server=db;Uid=app;{n}={s};Pooling=true",
    "toml": lambda n, s: f'[db]\n{n} = "{s}"\nport = 5432',
    "properties": lambda n, s: f"{n} = {s}\nurl = jdbc:x",
}

WRITTEN: dict[str, Callable[[random.Random], tuple[str, str]]] = {}
"""Kinds that are told by what stands around them: each gives a secret and its text."""


def _written(kind: str) -> Callable[[Callable[[random.Random], tuple[str, str]]], None]:
    def keep(make: Callable[[random.Random], tuple[str, str]]) -> None:
        WRITTEN[kind] = make

    return keep


def _form(kind: str, make: Callable[[random.Random], str], *texts: str) -> None:
    """A kind with several ways of writing; ``{}`` is the secret."""

    @_written(kind)
    def _(rng: random.Random) -> tuple[str, str]:
        secret = make(rng)
        return secret, rng.choice(texts).replace("{}", secret)


def _word(r: random.Random) -> str:
    return pick(r, ALNUM, r.randrange(12, 24))


_form("postgres-url", _word, "postgres://app:{}@db-1.internal:5432/orders", "DATABASE_URL=postgresql://app:{}@10.0.0.5/orders?sslmode=require", '{"dsn":"postgres://app:{}@db/x"}')
_form("mongodb-url", _word, "mongodb+srv://app:{}@cluster0.abcde.mongodb.net/db?retryWrites=true", "mongodb://app:{}@h1:27017,h2:27017/db")
_form("redis-url", _word, "redis://:{}@cache-1:6379/0 timed out", "rediss://default:{}@cache.example.com:6380")
_form("amqp-url", _word, "amqp://guest:{}@rabbit:5672/%2f", "amqps://app:{}@mq.example.com/vhost")
_form("mysql-url", _word, "mysql+pymysql://app:{}@db:3306/shop", "jdbc:mysql://db:3306/shop?user=app&password={}&useSSL=true")
_form("percent-url", _word, "url=postgres%3A%2F%2Fapp%3A{}%40db%3A5432%2Forders&x=1")
_form("jdbc", _word, "jdbc:sqlserver://db:1433;databaseName=x;user=sa;password={};encrypt=true", "jdbc:oracle:thin:scott/{}@db:1521:orcl", "jdbc:postgresql://db/x?user=a&password={}")
_form("odd-url-password", lambda r: pick(r, ALNUM, 8) + "@" + pick(r, ALNUM, 8), "postgres://app:{}@db:5432/x refused")
_form("git-url", lambda r: pick(r, ALNUM, 40), "https://{}@github.example.com/org/repo.git", "https://oauth2:{}@gitlab.example.com/a/b.git", "https://{}:x-oauth-basic@github.example.com/a/b")
_form("sentry-dsn", lambda r: pick(r, HEX, 32), "https://{}@o12345.ingest.sentry.io/678", "SENTRY_DSN=https://{}@sentry.example.com/2")
_form("basic-header", lambda r: _b64(r, f"app:{pick(r, ALNUM, 15)}"), "Authorization: Basic {}", '"authorization":"Basic {}"', "-H 'Authorization: Basic {}'", "[('Authorization', 'Basic {}')]")
_form("bearer-header", lambda r: pick(r, URLSAFE, 40), "Authorization: Bearer {}", "authorization=Bearer {} path=/x", '{"headers":{"Authorization":"Bearer {}"}}', "upstream sent bearer {}")
_form("proxy-header", lambda r: _b64(r, f"p:{pick(r, ALNUM, 15)}"), "Proxy-Authorization: Basic {}")
_form("pagerduty-header", lambda r: pick(r, ALNUM, 20), "Authorization: Token token={}", 'Authorization: Token token="{}"')
_form("opsgenie-header", lambda r: pick(r, HEX, 36), "Authorization: GenieKey {}")
_form("splunk-header", lambda r: pick(r, HEX, 32), "Authorization: Splunk {}")
_form("okta-header", lambda r: "00" + pick(r, URLSAFE, 40), "Authorization: SSWS {}")
_form("discord-header", lambda r: pick(r, ALNUM, 59), "Authorization: Bot {}")
_form("aws-signature", lambda r: pick(r, HEX, 64), "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={}", "GET /b/k?X-Amz-Date=20260301T000000Z&X-Amz-Signature={}&X-Amz-Expires=300")
_form("aws-pair", lambda r: pick(r, B64, 40), "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {}\n", "AKIAIOSFODNN7EXAMPLE:{}", '{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"{}","Expiration":"2026"}')
_form("azure-key", lambda r: pick(r, B64, 86) + "==", "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={};EndpointSuffix=core.windows.net", "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}")
_form("azure-sas", lambda r: quote(_b64(r, pick(r, ALNUM, 32)), safe=""), "https://acc.blob.core.windows.net/c/f?sv=2024-01-01&se=2026-03-01&sr=b&sp=r&sig={}", "SharedAccessSignature sr=x&sig={}&se=1700000000&skn=Root")
_form("docker-config", lambda r: _b64(r, f"robot:{pick(r, ALNUM, 18)}"), '{"auths":{"registry.example.com":{"auth":"{}"}}}', '{\\"auths\\":{\\"r.io\\":{\\"auth\\":\\"{}\\"}}}')
_form("kubeconfig", lambda r: _b64(r, _pem(r)), "users:\n- name: admin\n  user:\n    client-key-data: {}\n", "users:\n- name: x\n  user:\n    token: {}\n", "key={}")
_form("kube-secret", lambda r: _b64(r, pick(r, ALNUM, 18)), "apiVersion: v1\nkind: Secret\ndata:\n  anything: {}\nmetadata:\n  name: creds\n", "apiVersion: v1\ndata:\n  other.txt: {}\nkind: Secret\nmetadata:\n  name: creds\n")
_form("service-account", _pem, '{"type":"service_account","project_id":"p-1","private_key":"{}","client_email":"x@p-1.iam.gserviceaccount.com"}')
_form("private-key", _pem, "loaded key\n{}\ndone", "ERROR cannot parse {} for host web-1")
_form("private-key-ec", lambda r: _pem(r, "EC "), "tls.key:\n{}\n")
_form("private-key-ssh", lambda r: _pem(r, "OPENSSH "), "cat id_ed25519\n{}\n$ exit")
_form("cookie", lambda r: pick(r, ALNUM, 32), "Cookie: theme=dark; sid={}; lang=en", "Set-Cookie: session={}; Path=/; HttpOnly", '"cookie":"theme=dark; auth={}"')
_form("session-id", lambda r: pick(r, UPPER, 32), "GET /shop;jsessionid={}?page=2", "PHPSESSID={} expired", "connect.sid={}")
_form("htpasswd", lambda r: f"$apr1${pick(r, ALNUM, 8)}${pick(r, ALNUM, 22)}", "admin:{}", "wrote admin:{} to .htpasswd")
_form("bcrypt", lambda r: f"$2b$12${pick(r, ALNUM, 53)}", "user=bob hash={} ok", '{"hash":"{}"}')
_form("shadow", lambda r: f"$6${pick(r, ALNUM, 8)}${pick(r, ALNUM, 86)}", "root:{}:19000:0:99999:7:::")
_form("ldap-hash", lambda r: pick(r, B64, 32), "userPassword: {SSHA}{}", "bob:{SHA}{}")
_form("card", _card, "payment declined for card {}", '{"pan":"{}","amount":12}', "charge of card={} failed")
_form("card-grouped", lambda r: re.sub(r"(\d{4})(?=\d)", r"\1 ", _card(r)), "number {} refused")
_form("iban", _iban, "sepa payout to {} failed", "iban={} bic=ABCDEFGH")
_form("slack-webhook", lambda r: f"T{pick(r, UPPER, 10)}/B{pick(r, UPPER, 10)}/{pick(r, ALNUM, 24)}", "POST https://hooks.slack.com/services/{} 404")
_form("discord-webhook", lambda r: pick(r, URLSAFE, 68), "POST https://discord.com/api/webhooks/1234567890/{} 204")
_form("teams-webhook", lambda r: f"{pick(r, HEX, 32)}/IncomingWebhook/{pick(r, HEX, 32)}", "https://acme.webhook.office.com/webhookb2/{}")
_form("feishu-webhook", lambda r: pick(r, HEX, 36), "https://open.feishu.cn/open-apis/bot/v2/hook/{}", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={}")
_form("telegram-url", lambda r: f"{r.randrange(10**8, 10**10)}:AA{pick(r, URLSAFE, 33)}", "POST https://api.telegram.org/bot{}/sendMessage")
_form("datadog-key", lambda r: pick(r, HEX, 32), "DD-API-KEY: {}", "dd_app_key={}", "DATADOG_API_KEY={}")
_form("pagerduty-routing", lambda r: pick(r, HEX, 32), '{"routing_key":"{}","event_action":"trigger"}', "integration_key={}")
_form("mysql-command", _word, "sh -c mysql -u root -p{} shop", "mysqldump --single-transaction -h db -p{} shop")
_form("curl-command", _word, "curl -s -u admin:{} https://x.example.com", "curl --user admin:{} http://y")
_form("flags", _word, "run --password {} --verbose", "app --api-key={} -v", "sshpass -p {} ssh root@h")
_form("redis-config", _word, "requirepass {}", "masterauth {}", "REDISCLI_AUTH={} redis-cli ping")
_form("netrc", _word, "machine h.example.com login bob password {}")
_form("sql", _word, "CREATE USER 'a'@'%' IDENTIFIED BY '{}'")
_form("prose", lambda r: pick(r, ALNUM, 24) + "aB", "the password is {} for now", "using secret {} to sign")


def planted(seed: int = 7, each: int = 12) -> Iterator[Planted]:
    """More than a thousand planted secrets; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311, samples, not secrets
    for kind, make in TOKENS.items():
        for name in rng.sample(sorted(ANYWHERE), min(each, len(ANYWHERE))):
            secret = make(rng)
            yield Planted(kind, name, secret, ANYWHERE[name](secret))
    for kind, names in NAMED.items():
        for context, write in BY_NAME.items():
            for name in names:
                secret = pick(rng, ALNUM + "!@#%^*-_", rng.randrange(12, 30)) if context in {"json", "yaml-quoted"} else _word(rng)
                yield Planted(kind, f"{context}/{name}", secret, write(name, secret))
    for kind, written in WRITTEN.items():
        for _ in range(each // 2):
            secret, text = written(rng)
            yield Planted(kind, "own", secret, text)


def ordinary(seed: int = 11, each: int = 30) -> Iterator[tuple[str, str, str]]:
    """Kind, identifier and a log text that holds it: all of it must reach the model as it is."""
    rng = random.Random(seed)  # noqa: S311, samples, not secrets
    makers: dict[str, Callable[[], str]] = {
        "ip": lambda: ".".join(str(rng.randrange(1, 255)) for _ in range(4)),
        "ipv6": lambda: "2001:db8:" + ":".join(pick(rng, HEX, 4) for _ in range(6)),
        "port": lambda: f"10.0.{rng.randrange(255)}.{rng.randrange(255)}:{rng.randrange(1024, 65535)}",
        "block": lambda: f"blk_{'-' if rng.random() < 0.5 else ''}{rng.randrange(10**17, 10**19)}",
        "uuid": lambda: "-".join(pick(rng, HEX, n) for n in (8, 4, 4, 4, 12)),
        "trace": lambda: pick(rng, HEX, 32),
        "span": lambda: pick(rng, HEX, 16),
        "traceparent": lambda: f"00-{pick(rng, HEX, 32)}-{pick(rng, HEX, 16)}-01",
        "sha": lambda: pick(rng, HEX, 40),
        "short-sha": lambda: pick(rng, HEX, 7),
        "digest": lambda: "sha256:" + pick(rng, HEX, 64),
        "image": lambda: f"registry.example.com/shop/payments:v1.{rng.randrange(99)}.{rng.randrange(99)}@sha256:{pick(rng, HEX, 64)}",
        "host": lambda: f"ip-10-0-{rng.randrange(255)}-{rng.randrange(255)}.eu-west-1.compute.internal",
        "user": lambda: rng.choice(["alice", "bob", "svc-payments", "jane.doe", "root", "build_bot"]) + str(rng.randrange(9)),
        "pod": lambda: f"payments-{pick(rng, HEX, 10)}-{pick(rng, string.ascii_lowercase, 5)}",
        "application": lambda: f"application_{rng.randrange(10**12, 10**13)}_{rng.randrange(10**4):04d}",
        "request": lambda: f"req-{'-'.join(pick(rng, HEX, n) for n in (8, 4, 4, 4, 12))}",
        "arn": lambda: f"arn:aws:iam::{rng.randrange(10**11, 10**12)}:role/payments-{rng.randrange(99)}",
        "instance": lambda: "i-0" + pick(rng, HEX, 16),
        "path": lambda: f"/var/lib/kubelet/pods/{'-'.join(pick(rng, HEX, n) for n in (8, 4, 4, 4, 12))}/volumes",
        "class": lambda: f"com.example.shop.Payments$Worker$1.run(Payments.java:{rng.randrange(999)})",
        "number": lambda: str(rng.randrange(10**15, 10**16)),
        "time": lambda: f"2026-03-{rng.randrange(10, 28)}T10:{rng.randrange(10, 59)}:00.{rng.randrange(100, 999)}Z",
        "url": lambda: f"https://shop.example.com/v2/orders/{rng.randrange(10**6)}?page={rng.randrange(9)}&sort=asc",
        "mail": lambda: f"jane.doe{rng.randrange(99)}@example.com",
    }
    texts = ("2026-03-01T10:00:00Z ERROR worker failed for {} after 3 tries", '{"level":"error","id":"{}","msg":"refused"}',
             "level=warn id={} took=5ms", "Failed password for {} from 10.0.0.1 port 22 ssh2", "token expired for {}",
             "at {} (native)", "key {} not found in cache", "secret store answered 503 to {}", "session opened for {} by (uid=0)")
    for kind, make in makers.items():
        for _ in range(each):
            value = make()
            yield kind, value, rng.choice(texts).replace("{}", value)
