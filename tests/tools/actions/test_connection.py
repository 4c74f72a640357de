"""The connection that writes: over TLS, and what is known after each way it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.web import Limits
from tests.telemetry.sources.kubernetes.certificates import certificate
from tests.tools.actions.worlds import CASES, Shop
from tools.actions.catalogue import Catalogue, Systems
from tools.actions.errors import RefusedError, UnknownOutcomeError
from tools.cluster.double import ApiDouble, Fault, kubeconfig


@pytest.mark.parametrize(("how", "truth"), [("cut_before", "not_applied"), ("cut_after", "applied")])
def test_a_cut_within_tls_is_unknown_and_never_refused(tmp_path: Path, how: str, truth: str) -> None:
    pair = certificate(tmp_path)
    with ApiDouble(certificate=pair, token="t0ken") as double:
        Shop(double, tmp_path)
        actions = Catalogue(Systems(Access(str(kubeconfig(tmp_path, double, ca=pair[0], name="tls")), limits=Limits(2, 3, 6))), settle_after=0.1)
        preview = actions.preview(*CASES[0])
        double.faults.append(Fault(r"^(?!.*dryRun)", how, method="PATCH"))  # type: ignore[arg-type]

        with pytest.raises(UnknownOutcomeError):
            actions.perform(preview.action)
        double.faults.clear()
        assert actions.settle(preview) == truth
        actions.close()


def test_a_certificate_that_is_not_trusted_gets_nothing(tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    with ApiDouble(certificate=pair, token="t0ken") as double:
        Shop(double, tmp_path)
        preview = Catalogue(Systems(Access(str(kubeconfig(tmp_path, double, name="plain"))))).preview(*CASES[0])

        assert [one.kind for one in preview.obstacles] == ["no_cluster"]
        assert double.asked == []


def test_the_token_is_in_no_error(shop: Shop) -> None:
    preview = shop.preview(*CASES[0])
    shop.double.faults.append(Fault(r"^(?!.*dryRun)", "status", code=422, text="you sent t0ken-of-oncalm", method="PATCH"))

    with pytest.raises(RefusedError) as caught:
        shop.actions.perform(preview.action)
    assert "t0ken-of-oncalm" not in str(caught.value)


def test_an_action_without_a_version_is_not_sent(shop: Shop) -> None:
    action = replace(shop.preview(*CASES[0]).action, resource_version="")

    with pytest.raises(RefusedError, match="which version"):
        shop.actions.perform(action)
