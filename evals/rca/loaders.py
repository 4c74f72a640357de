"""Every layout that can be measured, in one list. Another set is a module with a :class:`Loader` and a line here."""

from __future__ import annotations

from evals.rca import nezha_metrics, nezha_traces, petshop, sockshop
from evals.rca.cases import Loader

LOADERS: tuple[Loader, ...] = (
    sockshop.LOADER,
    petshop.LOADER,
    nezha_metrics.LOADER,
    nezha_traces.LOADER,
)
