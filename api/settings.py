"""Settings: what the environment says (:mod:`api.environment`), as the parts of OnCalm take it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import AliasChoices, ValidationError
from pydantic_settings import SettingsError

from api.environment import Variables, variable

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from agent.observe.settings import TelemetrySettings
    from api.actions.config import Also
    from api.actions.connections import AccessOf
    from api.actions.desk import Desk
    from api.actions.notifications import Teller
    from api.door.building import DoorSettings
    from api.door.tokens import Issuer
    from api.slack.bot import Connection
    from api.wiring.model import Thinking
    from telemetry.sources.kubernetes.configuration import Access
    from telemetry.sources.opening import AlertServer


class Settings(Variables):
    """What the environment says, as the parts of OnCalm take it."""

    def thinking(self) -> Thinking | None:
        """The model to think with; None without a key and without an endpoint of one's own."""
        key = self.openai_api_key.get_secret_value().strip() if self.openai_api_key else ""
        if not key and not self.openai_base_url:
            return None
        from agent.llm.endpoint import Endpoint
        from agent.spend import Limits
        from api.wiring.model import Spending, Thinking

        endpoint = Endpoint(
            model=self.model, base_url=self.openai_base_url, api_key=key or None,
            azure_api_version=self.azure_api_version, call_seconds=self.call_seconds,
        )
        day = Limits(self.day_tokens, self.day_usd, self.user_day_tokens, self.user_day_usd)
        return Thinking(
            endpoint, self.context_tokens, self.run_seconds, Spending(self.prices, self.run_tokens, self.run_usd, day),
            self.runbooks, self.mcp, self._caches(), self.environment, self.user,
        )

    def cluster(self) -> Access | None:
        """The configured cluster; None when none is named: no cluster is asked unasked."""
        return self.cluster_asked() if self.kubeconfig or self.kube_context else None

    def cluster_asked(self, kubeconfig: str | None = None, context: str | None = None) -> Access:
        """The cluster that a command asks about: the one named, the configured one, else where kubectl would look."""
        from telemetry.sources.kubernetes.configuration import Access, usual_kubeconfig

        namespaces = tuple(name for one in self.kube_namespaces.split(",") if (name := one.strip()))
        path = kubeconfig or self.kubeconfig or usual_kubeconfig()
        return Access(path, context or self.kube_context, namespaces, self.kube_commands)

    def database(self) -> str | None:
        """Where approvals and audit are kept; None for the home."""
        return self.database_url.get_secret_value() if self.database_url else None

    def desk(self, home: Path, cluster: Access | None, teller: Callable[[], Teller | None] | None = None, *, me: Person | None = None) -> Desk:
        """Where actions on a cluster are asked for, decided and carried out; who tells people is ``teller``, or made when needed.

        ``me``: who acts when nobody is named; OnCalm itself unless given.
        """
        from api.actions.connections import OURSELVES
        from api.actions.desk import Desk

        return Desk(home, cluster, policy=self.policy, state_url=self.database(), teller=teller or (lambda: self.teller(home)),
                    alert_servers=lambda: self.alert_servers(home), also=lambda: self.also(home),
                    access_of=self.access_of(cluster), me=me or OURSELVES)

    def also(self, home: Path) -> Also:
        """What may be acted on beside the cluster. Raises UsageError for a file that cannot be used."""
        from api.actions.config import read

        path = self.actions or home / "actions.yaml"
        if self.actions is not None and not path.exists():
            from telemetry.errors import UsageError

            raise UsageError("there is no such file", where=str(path), remedy="name one that is there (docs/actions.md)")
        return read(path, variable)

    def alert_servers(self, home: Path) -> Sequence[AlertServer]:
        """Servers of ``sources.yaml`` that know which alerts fire, for whoever closes them. Raises UsageError for a file that cannot be read."""
        path = self.sources or home / "sources.yaml"
        if self.sources is None and not path.exists():
            return ()
        from telemetry.sources.opening import open_alert_servers

        return open_alert_servers(path, variable)

    def teller(self, home: Path) -> Teller | None:
        """Who is told of actions; None when no channel is named. Raises UsageError for a file that cannot be used."""
        path = self.notifications or home / "notifications.yaml"
        if self.notifications is None and not path.exists():
            return None
        from api.actions.notifications import Teller, read_channels

        return Teller(home, read_channels(path, variable))

    def slack(self) -> Connection | None:
        """How Slack is reached; None when no bot token is set."""
        if self.slack_bot_token is None:
            return None
        from api.slack.bot import Connection

        signing, app = self.slack_signing_secret, self.slack_app_token
        return Connection(self.slack_bot_token.get_secret_value(), signing.get_secret_value() if signing else "", app.get_secret_value() if app else "",
                          self.slack_api, self.slack_channel)

    def person(self) -> Person:
        """Who sits at the terminal: the account of the operating system, whatever the environment says. Raises UsageError."""
        import pwd

        from agent.approvals.people import Person

        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = f"uid {os.getuid()}"
        return Person(name, self.role)  # type: ignore[arg-type] # checked there

    def issuer(self) -> Issuer | None:
        """The identity provider; None when none is named. Raises UsageError."""
        if not self.oidc_issuer:
            return None
        from api.door.tokens import Issuer

        return Issuer(
            self.oidc_issuer, _listed(self.oidc_audience), self.oidc_jwks_url, _listed(self.oidc_algorithms), self.oidc_leeway,
            self.oidc_name_claim, self.oidc_role_claim, self.oidc_roles, self.oidc_default_role,  # type: ignore[arg-type] # checked there
            str(self.oidc_ca_file) if self.oidc_ca_file else None)

    def door(self) -> DoorSettings:
        """How the server's door is built. Raises UsageError."""
        from api.door.bodies import BodyLimits
        from api.door.building import DoorSettings
        from api.door.rates import Rates

        return DoorSettings(
            self.person(), self.issuer(), _listed(self.hosts), _listed(self.trusted_proxies),
            Rates(self.rate_requests, self.rate_at_once, self.rate_failures), BodyLimits(self.max_body))

    def cluster_of(self, person: Person, access: Access | None = None) -> Access | None:
        """``access``, or the configured cluster, as this person may see and change it (docs/door.md). Raises UsageError where they may not."""
        access = access or self.cluster()
        if access is None or not self.kube_impersonate:
            return access
        from dataclasses import replace

        from api.door.impersonation import impersonated

        return replace(access, impersonation=impersonated(self.kube_impersonate, person))

    def access_of(self, access: Access | None) -> AccessOf | None:
        """Gives a cluster as each person may see it; None where everybody acts as OnCalm's own account."""
        return (lambda person: self.cluster_of(person, access)) if self.kube_impersonate else None

    def _caches(self) -> frozenset[str]:
        """Raises UsageError for a name that is none."""
        from api.wiring.model import EVERY_CACHE
        from telemetry.errors import UsageError

        named = {name.strip() for name in self.caches.split(",") if name.strip()} - {"none"}
        if named - EVERY_CACHE:
            raise UsageError(f"there is no cache {', '.join(sorted(named - EVERY_CACHE))}", where="ONCALM_CACHES",
                             remedy=f"name some of {', '.join(sorted(EVERY_CACHE))}, or none")
        return frozenset(named)

    def observing(self) -> TelemetrySettings | None:
        """Where OnCalm's own spans go; None without an endpoint."""
        if not self.otlp_endpoint:
            return None
        from agent.observe.settings import TelemetrySettings, parse_headers

        return TelemetrySettings(endpoint=self.otlp_endpoint, headers=parse_headers(self.otlp_headers),
                                 record_content=self.record_content)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one for part in text.split(",") if (one := part.strip()))


def load() -> Settings:
    """The settings. Raises UsageError that names the variables that cannot be used; values are not repeated."""
    from telemetry.errors import UsageError

    try:
        return Settings()
    except ValidationError as error:
        told = [f"{_variable(str(one['loc'][0]))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)]
        what = "; ".join(dict.fromkeys(told))
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        what = f"{_variable(found[1]) if found else 'a variable'} is no JSON"
    raise UsageError(what, where="environment", remedy="correct or unset it (docs/model.md lists what each may hold)")


def _variable(field: str) -> str:
    """The environment's name of a setting."""
    known = Settings.model_fields.get(field)
    alias = known.validation_alias if known else None
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return field if field.isupper() else f"ONCALM_{field.upper()}"
