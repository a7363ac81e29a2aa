# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that the tests run for real: the sandbox's finder fetches what the machine lacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from relmgmt_sandbox.debian import Programs, find_files, find_programs, library_path
from relmgmt_sandbox.layout import Layout, locked

REPO = Path(__file__).resolve().parents[2]


def cache_directory() -> Path:
    """Where downloads and unpacked programs are kept between runs; never committed."""
    path = Path(os.environ.setdefault("RELMGMT_CACHE", str(REPO / ".cache")))
    path.mkdir(parents=True, exist_ok=True)
    return path


@cache
def programs() -> Programs:
    """GT.M, nginx and sshd: installed ones, else Debian's packages unpacked into the cache."""
    with _unpacked() as layout:
        return find_programs(layout, lambda text: None)


@cache
def tool(package: str, name: str) -> str:
    """Path of a program that Debian has in this package; the same way, for programs that tests alone need."""
    with _unpacked() as layout:
        found = find_files(layout, {package: (f"usr/*bin/{name}", f"*bin/{name}")}, lambda text: None)
    return str(found[package])


@contextmanager
def _unpacked() -> Iterator[Layout]:
    """Where packages are unpacked; programs that are started from now on find their libraries there."""
    layout = Layout(cache_directory() / "programs", 1)
    with locked(layout.root):
        yield layout
        libraries = library_path(layout)
    if libraries:
        os.environ["LD_LIBRARY_PATH"] = libraries
