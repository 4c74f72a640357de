"""The reading tools over one home: its records, configured servers, a cluster, what probes saw, runbooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.wiring.home import Home

if TYPE_CHECKING:
    from agent.approvals.people import Person
    from api.actions.connections import AccessOf
    from api.actions.desk import Desk
    from api.wiring.investigation import Holdings
    from telemetry.models import Window
    from telemetry.sources.kubernetes.configuration import Access
    from telemetry.sources.opening import Sources
    from telemetry.store.reader import Reader
    from tools.cluster.seen import Seen
    from tools.registry import Registry


class Toolbox(Home):
    """A home with all that may be looked at from it."""

    def __init__(
        self, home: Path, *, embedding_path: Path | None = None, zone: str | None = None, runbooks: Path | None = None,
        sources: Path | None = None, environment: Callable[[str], str | None] = lambda _: None, cluster: Access | None = None,
        desk: Desk | None = None, access_of: AccessOf | None = None, me: Person | None = None,
    ) -> None:
        """``runbooks`` is a folder of them. ``sources`` is the file that names servers with telemetry, ``sources.yaml`` in the home without one;
        ``environment`` gives the variables that it names for secrets. ``cluster`` is a Kubernetes cluster to ask; ``desk`` previews and decides on actions against causes.
        ``access_of`` gives the cluster as a person may see it, where people ask it in their own name; ``me`` is who asks when nobody is named.
        """
        super().__init__(home, embedding_path=embedding_path, zone=zone)
        self.runbooks = runbooks
        self.cluster = cluster
        self.desk = desk
        self.me = me
        self._access_of = access_of
        self._sources, self._environment = sources, environment

    def access(self, by: Person | None) -> Access | None:
        """The cluster as a person may see it; None without one. Raises UsageError where nobody on it stands for them."""
        if self.cluster is None or self._access_of is None:
            return self.cluster
        from api.actions.connections import OURSELVES

        return self._access_of(by or self.me or OURSELVES)

    def _seen(self, by: Person | None) -> tuple[Access | None, str]:
        """The cluster for reading, or why it is not read: whom nobody on it stands for is answered without it."""
        from telemetry.errors import UsageError

        try:
            return self.access(by), ""
        except UsageError as error:
            return None, str(error)

    @property
    def names(self) -> bool:
        """Whether people ask the cluster in their own name."""
        return self.cluster is not None and self._access_of is not None

    def tools(self, by: Person | None = None, stack: ExitStack | None = None) -> Registry:
        """The reading tools for as long as a server runs: each call opens its own reader, and so sees what was read since.

        ``by``: whose cluster they read; its connection is closed by ``stack``.
        """
        from tools.registry import Registry, Tool
        from tools.runbooks import runbook_tools
        from tools.sources import source_tools

        def fresh(tool: Tool[Any]) -> Tool[Any]:
            def call(given: Any) -> Any:
                with self._record_tools(model=True, by=by) as known:
                    now = known.tool(tool.name)
                    assert now is not None  # noqa: S101 - the same tools are made each time
                    return now.call(given)

            return replace(tool, call=call)

        with self._record_tools(model=False, by=by) as known:
            records = Registry([fresh(tool) for name in known.names() if (tool := known.tool(name))])
        offered = records.merged(source_tools(self.sources())).merged(self._cluster_tools(stack, by)).merged(self._probe_tools(by))
        return offered if self.runbooks is None else offered.merged(runbook_tools(self.runbooks, self.embedder()))

    @contextmanager
    def _record_tools(self, *, model: bool, by: Person | None = None) -> Iterator[Registry]:
        """The tools over all records of the store as it is now; with ``model`` as one needs them, templates by meaning too."""
        from tools.logs import log_tools

        with self._reader() as reader, self._holdings(reader, by=by) as held:
            yield log_tools(reader, self._index() if model else None, model=model).merged(held.tools())

    @contextmanager
    def _holdings(self, reader: Reader, now: datetime | None = None, by: Person | None = None) -> Iterator[Holdings]:
        """The records of every kind, with a look at the configured cluster; ``now`` in a rehearsal is its time."""
        from api.wiring.investigation import holdings

        access, refused = self._seen(by)
        if access is None:
            from tools.cluster.seen import Seen

            with holdings(self.home, reader, (lambda _: Seen(not_assessed=(f"cluster: {refused}",))) if refused else None) as held:
                yield held
            return
        from tools.cluster.seen import see
        from tools.cluster.tools import open_cluster

        with closing(open_cluster(access)) as cluster:
            def look(window: Window) -> Seen:
                seen = see(cluster, window) if now is None else see(cluster, window, now=lambda: round(now.timestamp() * 1_000_000))
                held.seen = seen
                return seen

            with holdings(self.home, reader, look) as held:
                yield held

    def _cluster_tools(self, stack: ExitStack | None = None, by: Person | None = None) -> Registry:
        """The tools over the configured cluster, whose connection ``stack`` closes; none without one."""
        from tools.registry import Registry

        access, _ = self._seen(by)
        if access is None:
            return Registry([])
        from tools.cluster.tools import cluster_tools, open_cluster

        opened = open_cluster(access)
        if stack is not None:
            stack.callback(opened.close)
        return cluster_tools(opened)

    def _probe_tools(self, by: Person | None) -> Registry:
        """What probes saw and, where a node's daemon is configured, a way to ask people for one; none where there is neither.

        For who may not propose (``by``: for whom the agent works) it asks nobody either.
        """
        from api.probes.nodes import FILE
        from api.probes.requests import asking
        from tools.probe import probe_tools
        from tools.registry import Registry

        home = self.desk.home if self.desk is not None else self.home
        if not (home / "probes").is_dir() and not (home / FILE).exists():
            return Registry([])
        return probe_tools(home / "probes", asking(self.desk) if self.desk is not None and (by is None or by.may("responder")) else None)

    def sources(self) -> Sources:
        """The configured servers with logs, traces and metrics; none without a file that names some."""
        from telemetry.sources.opening import Sources, open_sources

        path = self._sources or self.home / "sources.yaml"
        if self._sources is None and not path.exists():
            return Sources(())
        return open_sources(path, self._environment)
