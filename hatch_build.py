"""Compiles the C kernel when OnCalm is built or installed; without a compiler OnCalm is built without it."""

from __future__ import annotations

import runpy
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """For wheels, also editable ones."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile in place, and make the wheel one of this machine."""
        place = Path(self.root, "telemetry", "native", "build.py")
        try:
            built = runpy.run_path(str(place))["build"]()
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"No C compiler made the kernel ({error}): OnCalm works without it, reading logs slower.")
            return
        build_data["artifacts"].append(f"/telemetry/native/{built.name}")
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"  # ctypes: any Python, this machine
