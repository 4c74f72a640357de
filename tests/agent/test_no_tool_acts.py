"""What a model is offered can look, and nothing else: approving, proposing and executing are no tools."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from api.actions.desk import Desk
from api.wiring.product import Product
from telemetry.sources.kubernetes.configuration import Access
from tests.tools.cluster.shops import Held
from tools.cluster.double import ApiDouble

ROOT = Path(__file__).parents[2]


def test_every_tool_of_a_product_with_a_cluster_and_a_desk_only_reads(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-09-21T14:13:20Z INFO started\n")
    with ApiDouble(token="t0ken-of-oncalm") as double:
        held = Held(double, tmp_path)
        access = Access(str(tmp_path / "kubeconfig"))
        product = Product(tmp_path / "home", cluster=access, desk=Desk(tmp_path / "home", access))
        product.ingest([str(tmp_path / "a.log")])
        product.index()
        tools = product.tools()
        held.cluster.close()

    assert len(tools.names()) > 30
    assert {tool.risk for name in tools.names() if (tool := tools.tool(name))} == {"read"}
    offered = json.dumps(tools.openai()).lower()
    assert not [word for word in ("approve", "approval", "digest", "execute", "rollback", "propose") if f'"{word}' in offered or f"_{word}" in offered]


def test_only_the_guard_performs_an_action() -> None:
    """Every call of a method named ``perform`` in the product stands in the guard, or in a catalogue that hands it on."""
    allowed = {"tools/guard.py", "tools/actions/catalogue.py", "agent/executor/ledger.py"}
    found = set()
    for package in ("agent", "api", "tools", "signals", "telemetry", "vectorstore", "prompts"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "perform":
                    found.add(path.relative_to(ROOT).as_posix())

    assert found == allowed
