# SPDX-License-Identifier: GPL-3.0-or-later
"""wsadmin-type-hints, from the package index into the cache: it cannot be installed on Pythons above 3.11.0."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from programs import cache_directory
from relmgmt_sandbox import processes
from relmgmt_sandbox.layout import locked

NAME, VERSION = "wsadmin-type-hints", "0.3.0"


@cache
def _wheel() -> Path:
    folder = cache_directory() / NAME
    wheel = folder / f"{NAME.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with locked(folder):
        if not wheel.exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            processes.run([*pip, "--no-deps", "--ignore-requires-python", "--dest", str(folder), f"{NAME}=={VERSION}"])
    return wheel


def hints(name: str) -> ModuleType:
    """What it says of one of wsadmin's objects, such as AdminApp."""
    if str(_wheel()) not in sys.path:
        sys.path.append(str(_wheel()))
    return importlib.import_module(f"wsadmin_type_hints.core.{name}")
