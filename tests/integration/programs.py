# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that the tests run for real: the sandbox's finder fetches what the machine lacks."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from relmgmt_sandbox.debian import Programs, find_programs
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
    root = cache_directory() / "programs"
    root.mkdir(exist_ok=True)
    with locked(root):
        found = find_programs(Layout(root, 1), lambda text: None)
    if found.libraries:
        os.environ["LD_LIBRARY_PATH"] = found.libraries
    return found
