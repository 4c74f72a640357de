"""Root-cause figures by hand, layouts by their files, and the public sets when they are here."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evals.rca import run
from evals.rca.cases import Truth
from evals.rca.scoring import figures, place


def test_figures_count_ranks() -> None:
    assert figures([1, 2, 0, 4]) == {"as1": 0.25, "as3": 0.5, "as5": 0.75, "avg5": 0.55}


def test_place_is_of_the_first_right_name() -> None:
    assert place(["b", "a"], Truth(frozenset({"a"}), "cpu")) == 2
    assert place([], Truth(frozenset({"a"}), "cpu")) == 0


def test_unknown_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="laid out"):
        run(tmp_path)


def test_sockshop_layout_is_read_whatever_its_name(tmp_path: Path) -> None:
    home = tmp_path / "cart-cpu" / "1"
    home.mkdir(parents=True)
    for name, start, level in (("normal", 0, 1.0), ("anomalous", 9000, 90.0)):
        rows = [f"{start + n},{level + n % 3 / 10},{5 + n % 2}" for n in range(60)]
        (home / f"{name}.csv").write_text("\n".join(["time,cart_cpu,mail_cpu", *rows]))

    found = run(tmp_path)

    assert (found["data"], found["metrics"]["as1"]) == ("sockshop1", 1.0)


@pytest.mark.parametrize(("name", "least"), [("sockshop1", 0.99), ("petshop", 0.9), ("nezha_ob_metrics", 0.75)])
def test_public_sets_reach_their_figures(name: str, least: float, eval_data: Callable[[str], Path]) -> None:
    assert run(eval_data(name))["metrics"]["avg5"] >= least
