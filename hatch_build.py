"""Compiles the C helpers beside their modules when the package is built or installed in place.

Without a compiler the package works all the same, slower: the Python twins serve.
"""

from __future__ import annotations

import subprocess
import sysconfig
from importlib import machinery
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("telemetry/texts.c", "vectorstore/skeleton.c")
FLAGS = ("-O3", "-std=c99", "-Wall", "-Wextra", "-fPIC", "-shared")


class CompileHook(BuildHookInterface):
    """``[tool.hatch.build.hooks.custom]``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile each source; ship what was made in the wheel, which then is one of this platform."""
        compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
        for name in SOURCES:
            source = Path(self.root) / name
            target = source.with_name(f"_{source.stem}{machinery.EXTENSION_SUFFIXES[-1]}")
            if not _compiled(compiler, source, target) and not _compiled("cc", source, target):
                self.app.display_warning(f"oncalm: {name} was not compiled; ingest works without it, about half as fast")
                continue
            relative = target.relative_to(self.root).as_posix()
            build_data["force_include"][str(target)] = relative
            build_data["pure_python"], build_data["infer_tag"] = False, True


def _compiled(compiler: str, source: Path, target: Path) -> bool:
    partial = target.with_suffix(".partial")
    try:
        subprocess.run([compiler, *FLAGS, "-o", str(partial), str(source)], check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    partial.replace(target)
    return True
