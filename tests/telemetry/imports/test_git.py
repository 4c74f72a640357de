"""Commits and tags of a real repository are changes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from telemetry.errors import SourceError
from telemetry.imports.git import git_changes

NOW = 1_790_000_000
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"


def git(folder: Path, *words: str, time: int = NOW) -> None:
    about = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@example.org",
             "GIT_AUTHOR_DATE": f"{time} +0900", "GIT_COMMITTER_DATE": f"{time} +0900", "HOME": str(folder), "PATH": os.environ["PATH"]}
    subprocess.run(["git", "-C", str(folder), *words], check=True, env=about, capture_output=True)  # noqa: S607 - the git of the machine


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits a day apart, a light tag and an annotated one."""
    folder = tmp_path / "cart"
    folder.mkdir()
    git(folder, "init", "-q")
    for n, (name, subject) in enumerate((("app.py", "first"), ("values.yaml", "more replicas"), ("app.py", f"use {TOKEN}; rm -rf \"$HOME\""))):
        (folder / name).write_text(str(n))
        git(folder, "add", ".")
        git(folder, "commit", "-qm", subject, time=NOW + n * 86_400)
    git(folder, "tag", "v1", "HEAD~2")
    git(folder, "tag", "-a", "v2", "-m", "the second", time=NOW + 3 * 86_400)
    return folder


def test_commits_and_tags_are_changes(repository: Path) -> None:
    found = {c.version if c.kind == "deploy" else c.title: c for c in git_changes(repository)}

    assert len(found) == 5
    assert (found["first"].kind, found["first"].time, found["first"].service, found["first"].actor) == ("other", NOW * 10**6, "cart", "Ann")
    assert (found["more replicas"].kind, found["more replicas"].before) == ("config", found["first"].version)
    assert found["more replicas"].attributes == {"files": "values.yaml"}
    assert (found["v1"].time, found["v1"].title) == (NOW * 10**6, "tag v1")
    assert (found["v2"].time, found["v2"].title, found["v2"].actor) == ((NOW + 3 * 86_400) * 10**6, "tag v2: the second", "Ann")
    assert not any(TOKEN in c.title for c in found.values())
    assert len({c.id for c in found.values()}) == 5


def test_since_leaves_out_what_is_older(repository: Path) -> None:
    found = list(git_changes(repository, since="2026-09-23 00:00:00 +0900", service="shop"))

    assert [c.version for c in found if c.kind == "deploy"] == ["v2"]
    assert [c.service for c in found] == ["shop"] * len(found)
    assert "first" not in {c.title for c in found}


def test_what_is_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="git log failed"):
        list(git_changes(tmp_path))


def test_an_option_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SourceError):
        list(git_changes(Path("--output=stolen")))
    with pytest.raises(SourceError):
        list(git_changes(tmp_path, since="x; touch stolen"))
    assert list(tmp_path.iterdir()) == []


def test_who_and_what_are_kept_without_their_secrets(repository: Path) -> None:
    key = "AKIA" + "Q7Z2WXYTUVRSABCD"
    git(repository, "-c", f"user.name=eve {key}", "commit", "--allow-empty", "-m", "more")
    git(repository, "tag", f"v9-{key}")

    assert key not in repr(list(git_changes(repository)))


def test_a_hostile_repository_starts_no_program(repository: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    for name, value in {"core.repositoryFormatVersion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
                        "remote.origin.url": str(tmp_path), "remote.origin.uploadpack": f"touch {started}; false",
                        "protocol.allow": "always", "protocol.file.allow": "always"}.items():
        git(repository, "config", name, value)
    tree = subprocess.run(["git", "-C", str(repository), "rev-parse", "HEAD^{tree}"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607 - the git of the machine, as above
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()

    with pytest.raises(SourceError):
        list(git_changes(repository))

    assert not started.exists()
