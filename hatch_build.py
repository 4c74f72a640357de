"""Compiles what is C when OnCalm is built or installed: the kernel that reads logs faster, and the probes' objects.

Without a compiler OnCalm is built without them: logs are read slower, and probes wait for ``make bpf`` or use bcc on the node.
"""

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
        built = [*self._kernel(), *self._probes()]
        if not built:
            return
        build_data["artifacts"] += built
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"  # ctypes: any Python, this machine

    def _kernel(self) -> list[str]:
        try:
            return [f"/telemetry/native/{self._run('telemetry/native/build.py').name}"]
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"No C compiler made the kernel ({error}): OnCalm works without it, reading logs slower.")
            return []

    def _probes(self) -> list[str]:
        try:
            return ["/ebpf/built/manifest.json", *(f"/ebpf/built/{name}.bpf.o" for name in self._run("ebpf/compile.py"))]
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"The probes' objects were not built ({error}): OnCalm works without them; probes then need bcc on the node.")
            return []

    def _run(self, script: str) -> Any:
        """What the function ``build`` of a script of ours returns."""
        return runpy.run_path(str(Path(self.root, script)))["build"]()
