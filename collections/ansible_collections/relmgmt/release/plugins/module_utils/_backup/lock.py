# SPDX-License-Identifier: GPL-3.0-or-later
"""One at a time on this host: a lock of the kernel's on a directory, gone with its holder (T5)."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused

#: a process that was killed may leave helpers that are at their last blocks
PATIENCE = 2.0


@contextmanager
def alone(directory: str, doing: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the directory's lock while this lasts; Refused if another process ``doing`` the same keeps it.

    ``patience``: seconds.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() >= until:
                raise Refused(
                    f"another process {doing} here", place=directory,
                    cure="wait until it has ended; its lock ends with it",
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
