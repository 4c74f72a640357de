"""The commands ``oncalm cluster …``; alone it diagnoses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.options import AsJson

if TYPE_CHECKING:
    from telemetry.sources.kubernetes.configuration import Access

clusters = typer.Typer(help="Look at a Kubernetes cluster as it is now (alone: diagnose); nothing there is changed.")
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Only this namespace, and what it rests on (default: all).")]
Symptom = Annotated[str, typer.Option(help="What was reported, in words.")]
Kubeconfig = Annotated[str | None, typer.Option(help="A kubeconfig, or in-cluster (default: ONCALM_KUBECONFIG, then kubectl's, then the pod's own).")]
Context = Annotated[str | None, typer.Option("--context", help="A context of it (or ONCALM_KUBE_CONTEXT).")]


def _access(kubeconfig: str | None, context: str | None) -> Access:
    from api.settings import load

    settings = load()
    asked = settings.cluster_asked(kubeconfig, context)
    return settings.cluster_of(settings.person(), asked) or asked


@clusters.callback(invoke_without_command=True)
def _alone(
    context: typer.Context, namespace: Namespace = None, symptom: Symptom = "", kubeconfig: Kubeconfig = None, named: Context = None,
    as_json: AsJson = False,
) -> None:
    if context.invoked_subcommand is None:
        diagnose(namespace, symptom, kubeconfig, named, as_json)


@clusters.command()
def diagnose(
    namespace: Namespace = None, symptom: Symptom = "", kubeconfig: Kubeconfig = None, named: Context = None, as_json: AsJson = False,
) -> None:
    """Find what is wrong by rules, the likeliest cause first, each with what would refute it; no model."""
    from api.cluster.commands import diagnose as run

    raise typer.Exit(run(_access(kubeconfig, named), namespace, symptom, as_json=as_json))


@clusters.command()
def changes(
    context: typer.Context,
    namespace: Namespace = None,
    keep: Annotated[bool, typer.Option("--keep", help="Put them on record, for oncalm investigate.")] = False,
    kubeconfig: Kubeconfig = None,
    named: Context = None,
    as_json: AsJson = False,
) -> None:
    """Tell what was rolled out, scaled, configured or cordoned."""
    from api.cluster.commands import changes as run
    from api.settings import load

    home = (context.obj or load().home) if keep else None
    raise typer.Exit(run(_access(kubeconfig, named), namespace, home, as_json=as_json))
