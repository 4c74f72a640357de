"""An nginx on this machine: its configuration, tested as it is or as it would be, and its processes."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from telemetry.durable import sync_folder
from telemetry.errors import OnCalmError
from telemetry.sources.answers import clean

_SECONDS = 20
_MOST_FILES = 5000
_LARGEST = 1 << 20
_PID = re.compile(r"(?:^|[;}])[ \t]*pid\s+([^;]+);", re.MULTILINE)
_PROBE = b"oncalm_is_included;\n"
_WHY = re.compile(r"\[(?:emerg|alert|error|crit)\] (?:\d+#\d+: )?(.*)")


@dataclass(frozen=True, slots=True)
class Instance:
    """One nginx: its main configuration, the include file that is OnCalm's, the program, and the prefix it was started with."""

    name: str
    configuration: Path
    include: Path
    program: str = "nginx"
    prefix: Path | None = None


class NginxProcess:
    """Questions to one nginx; of the methods only ``reload`` changes anything."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def content(self) -> bytes | None:
        """The include file; None when there is none. Raises OnCalmError."""
        try:
            return self.instance.include.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _wrong(f"{self.instance.include} cannot be read: {error.strerror}", self.instance.name) from error

    def test(self) -> None:
        """``nginx -t`` of the configuration as it is. Raises OnCalmError with nginx's own words."""
        self._run("-t", "-q")

    def try_with(self, content: bytes | None) -> None:
        """``nginx -t`` of a copy in which the include file is ``content``. Raises OnCalmError."""
        with self._copy(content) as configuration:
            self._run("-t", "-q", configuration=configuration)

    def included(self) -> None:
        """Raises OnCalmError unless the include file is read: a word that nginx does not know must be found in it."""
        try:
            self.try_with(_PROBE)
        except OnCalmError as error:
            if "oncalm_is_included" in error.what:
                return
            raise
        raise _wrong(f"the configuration does not include {self.instance.include}", self.instance.name)

    def running(self) -> None:
        """Raises OnCalmError when no master process runs, as far as the configuration tells where its number is."""
        path = self._pid_file()
        if path is not None and not self._master():
            raise _wrong(f"nginx does not run ({path} names no process)", self.instance.name)

    def reload(self) -> None:
        """Let the master load the configuration. Raises OnCalmError."""
        self._run("-s", "reload")

    def loaded_since_written(self) -> bool:
        """Whether a worker began since the include file, or its folder, was written last; so the file is in force. Linux only."""
        master = self._master()
        path = self.instance.include
        try:
            written = path.stat().st_mtime if path.exists() else path.parent.stat().st_mtime
            children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="utf-8").split() if master else []
        except OSError:
            return False
        return any(_began(int(child)) >= written - 0.05 for child in children)

    def _run(self, *arguments: str, configuration: Path | None = None) -> str:
        """Run the program on the configuration; returns what it printed. Raises OnCalmError."""
        own = self.instance
        command = [own.program, "-c", str(configuration or own.configuration), *(("-p", str(own.prefix)) if own.prefix else ()), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            raise _wrong(f"there is no program {own.program}", own.name) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _wrong(f"{own.program} {arguments[0]} did not end: {clean(error, 200)}", own.name) from error
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace")
            raise _wrong(f"nginx {' '.join(arguments[:2])} failed: {clean('; '.join(_WHY.findall(said)) or said, 600)}", own.name)
        return done.stdout.decode("utf-8", "replace")

    def _pid_file(self) -> Path | None:
        try:
            found = _PID.search(self._run("-T"))
        except OnCalmError:
            return None
        if found is None:
            return None
        path = Path(found[1].strip().strip("\"'"))
        return path if path.is_absolute() else (self.instance.prefix or self.instance.configuration.parent) / path

    def _master(self) -> int | None:
        path = self._pid_file()
        try:
            number = int(path.read_text(encoding="utf-8")) if path else None
            if number:
                os.kill(number, 0)
        except PermissionError:
            return number
        except (OSError, ValueError):
            return None
        return number

    @contextmanager
    def _copy(self, content: bytes | None) -> Iterator[Path]:
        """The configuration's folder in another place: files that include others are copied with paths that stay within, the rest linked."""
        own = self.instance
        folder = own.configuration.parent.resolve()
        with tempfile.TemporaryDirectory(prefix="oncalm-nginx-") as made:
            root = Path(made)
            inside = own.include.parent.resolve() / own.include.name
            staged = root / inside.relative_to(folder) if inside.is_relative_to(folder) else root / "oncalm-staged.conf"
            moved = ((str(inside), str(staged)), (str(own.include), str(staged)), (f"{folder}/", f"{root}/"), (f"{own.configuration.parent}/", f"{root}/"))
            for path in _files(folder):
                there = root / path.relative_to(folder)
                there.parent.mkdir(parents=True, exist_ok=True)
                if path != inside:
                    _take(path, there, moved)
            if content is not None:
                staged.parent.mkdir(parents=True, exist_ok=True)
                staged.write_bytes(content)
            yield root / own.configuration.name


def _files(folder: Path) -> Iterator[Path]:
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if number >= _MOST_FILES:
            raise _wrong(f"{folder} holds more than {_MOST_FILES} files: the configuration cannot be tried in a copy", "nginx")
        if path.is_file():
            yield path


def _take(path: Path, there: Path, moved: tuple[tuple[str, str], ...]) -> None:
    try:
        text = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    except OSError:
        text = b""
    if b"include" not in text:
        there.symlink_to(path.resolve())
        return
    for old, new in moved:
        text = re.sub(rb"(\binclude\s+[\"']?)" + re.escape(old.encode()), lambda match, new=new: match[1] + new.encode(), text)  # type: ignore[misc]
    there.write_bytes(text)


def replace_file(path: Path, content: bytes | None) -> None:
    """Make a file's content these bytes, whole or not at all; None removes it. Raises OSError."""
    if content is None:
        path.unlink(missing_ok=True)
    else:
        new = path.with_name(f".{path.name}.{os.getpid()}.new")
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        new.replace(path)
    sync_folder(path.parent)


def _began(process: int) -> float:
    """When a process began, in seconds since 1970; 0 when it has gone (proc(5): field 22 of stat, in ticks since boot)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks


def _wrong(what: str, where: str) -> OnCalmError:
    return OnCalmError(what, where=where)
