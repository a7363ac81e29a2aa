# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying a dataset out of a set: verified while read, read back past the page cache."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import BinaryIO, Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import (
    CHUNK_BLOCKS,
    DIGESTS_CHUNK,
    chunks,
    verify_file,
    wrong_block,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import block_digests, differing
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

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


def copy_out(source: str, digests_path: str, target: str, size: int, root: str) -> None:
    """Copy a file of a set, every block verified before it is written and once more after.

    The target is removed again if a block is wrong or the disk fails.
    """
    try:
        with open(target, "wb", buffering=0) as out:
            _copy_verified(source, digests_path, out)
            os.fsync(out.fileno())
        fsync_dir(os.path.dirname(target))
        verify_file(target, digests_path, size, root)
    except BaseException:
        if os.path.exists(target):
            os.unlink(target)
        raise


def _copy_verified(source: str, digests_path: str, out: BinaryIO) -> None:
    done = 0
    with open(digests_path, "rb") as known:
        for chunk in chunks(source):
            wrong = differing(block_digests(chunk), known.read(DIGESTS_CHUNK))
            if wrong:
                raise wrong_block(source, done + wrong[0])
            _write_full(out, chunk)
            done += CHUNK_BLOCKS


def _write_full(out: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[out.write(view):]


def sync_file(path: str) -> None:
    """Make a file that another program wrote durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
