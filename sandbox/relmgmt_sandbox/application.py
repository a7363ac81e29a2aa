# SPDX-License-Identifier: GPL-3.0-or-later
"""The application's control programs on its hosts (the application itself arrives by release)."""
from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

from . import gtm, processes
from .layout import CLONE, DATABASE, WEB, Layout, interpreter, write

CONTROLS = CLONE / "examples" / "application" / "control"
COMPONENTS = ("server", "interfaces")


def install_controls(layout: Layout, dist: Path, ports: dict[str, int]) -> None:
    config = {
        "home": str(layout.instance),
        "mumps": str(dist / "mumps"),
        "address": layout.address(DATABASE),
        "port": ports["database"],
        "environment": gtm.environment(layout, dist),
    }
    settings = write(layout.host(DATABASE) / "etc" / "cfis.json", json.dumps(config, indent=1) + "\n")
    _wrap(layout, DATABASE, "cfis", str(settings))
    _wrap(layout, DATABASE, "queue", str(settings))
    _wrap(layout, WEB, "entry", str(layout.host(WEB)))


def _wrap(layout: Layout, host: str, program: str, argument: str) -> None:
    """A control program keeps to the interpreter that the sandbox was made with."""
    home = layout.host(host)
    (home / "lib").mkdir(parents=True, exist_ok=True)
    script = Path(shutil.copyfile(CONTROLS / f"{program}.py", home / "lib" / f"{program}.py"))
    command = " ".join(shlex.quote(word) for word in (interpreter(), str(script), argument))
    write(home / "bin" / program, f'#!/bin/sh\nexec {command} "$@"\n', 0o755)


def control(layout: Layout, host: str, program: str, *words: str) -> int:
    argv = [str(layout.host(host) / "bin" / program), *words]
    return processes.status_of(argv, layout.environment(), layout.host(host), accept=(0, 1))


def is_running(layout: Layout, component: str) -> bool:
    if not (layout.host(DATABASE) / "bin" / "cfis").exists():
        return False
    return control(layout, DATABASE, "cfis", "status", component) == 0


def was_open(layout: Layout, component: str) -> bool:
    """Neither stopped in order nor new: a component that a release stopped must not be started behind its back."""
    return (layout.instance / "run" / f"{component}.pid").exists()
