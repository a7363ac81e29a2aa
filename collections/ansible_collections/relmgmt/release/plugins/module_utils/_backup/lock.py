# SPDX-License-Identifier: GPL-3.0-or-later
"""One at a time on this host: a lock of the kernel's on a directory, gone with its holder (T5)."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused


@contextmanager
def alone(directory: str, doing: str) -> Iterator[None]:
    """Hold the directory's lock while this lasts; Refused if another process ``doing`` the same has it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, directory, doing)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: str, doing: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refused(
            f"another process {doing} here", place=directory,
            cure="wait until it has ended; its lock ends with it",
        ) from error
