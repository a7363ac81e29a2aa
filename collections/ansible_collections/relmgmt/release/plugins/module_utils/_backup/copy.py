# SPDX-License-Identifier: GPL-3.0-or-later
"""What every copy of a dataset needs: room, durability, and errors that say what is left."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

MARGIN = 1.05


@contextmanager
def disk_errors(place: str, left: str) -> Iterator[None]:
    """An error of the disk becomes a DatasetError that says where, and what it leaves behind."""
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"the disk failed: {error.strerror or error}; {left}", place=str(error.filename or place),
            cure="see the kernel's log and the free space, then run again",
        ) from error


def require_space(directory: str, size: int, reserve: int) -> None:
    """Refuse before the first byte if the file system cannot hold size x 1.05 + reserve."""
    status = os.statvfs(directory)
    free = status.f_bavail * status.f_frsize
    needed = int(size * MARGIN) + reserve
    if free < needed:
        raise DatasetError(
            f"{needed} bytes are needed (5 % margin and a reserve of {reserve} included), {free} are free",
            place=directory, cure="free space there; nothing was written", needed=needed, free=free,
        )


def sync_file(path: str) -> None:
    """Make a file that another program wrote durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
