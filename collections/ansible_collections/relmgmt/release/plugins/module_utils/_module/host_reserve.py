# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk space set aside while test mode lasts, so that leaving it can still be written down on a full disk."""

from __future__ import annotations

import os
from contextlib import suppress

from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

SIZE = 4 << 20  # bytes
_NAME = "reserve"


def set_aside(state_dir: str) -> bool:
    """Fill the file ``reserve`` beside the ledger; True if it was not there. Raises OSError on a full disk."""
    path = os.path.join(state_dir, _NAME)
    with suppress(FileNotFoundError):
        if os.stat(path).st_size == SIZE:
            return False
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, SIZE)
        os.fsync(descriptor)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)
    fsync_dir(state_dir)
    return True


def give_up(state_dir: str) -> None:
    """Remove the file."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(state_dir, _NAME))


def give_up_if_full(state_dir: str) -> None:
    """Remove the file if the file system has less left than it holds."""
    with suppress(FileNotFoundError):
        found = os.statvfs(state_dir)
        if found.f_bavail * found.f_frsize < SIZE:
            give_up(state_dir)
