# SPDX-License-Identifier: GPL-3.0-or-later
"""Clones of datasets on file systems that share blocks between files (XFS, btrfs).

A clone takes milliseconds whatever the size. It lies on the same disk, so it is a rollback
point and never the backup: a backup set is copied out of it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
from contextlib import contextmanager
from typing import Iterator, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    fsync_dir,
    make_dirs,
    remove_tree,
    write_durably,
)

FOLDER = ".relmgmt-clones"
#: in the directory of a set of clones that is meant to stay
KEPT = "kept"
MODE = 0o600
_FICLONE, _FICLONERANGE = 0x40049409, 0x4020940D
#: a multiple of every file system's block
_PROBE = 1 << 16


def can_clone(source: str, directory: str) -> bool:
    """Whether files of this directory can share blocks with ``source``; leaves nothing behind."""
    try:
        with open(source, "rb") as origin, tempfile.TemporaryFile(dir=directory) as probe:
            length = _PROBE if os.fstat(origin.fileno()).st_size >= _PROBE else 0
            order = struct.pack("qQQQ", origin.fileno(), 0, length, 0)
            fcntl.ioctl(probe.fileno(), _FICLONERANGE, order)
    except OSError:
        return False
    return True


def clone(source: str, target: str, sync: bool = True) -> None:
    """A new file that shares all blocks, mode and owner with ``source``; without ``sync`` it is not yet durable."""
    with open(source, "rb") as origin:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
        try:
            fcntl.ioctl(descriptor, _FICLONE, origin.fileno())
            _belong(descriptor, os.fstat(origin.fileno()))
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    if sync:
        fsync_dir(os.path.dirname(target))


def _belong(place: int | str, model: os.stat_result) -> None:
    # Who may read a dataset may read its clone: the engine's own check of it runs as the engine's user.
    os.chmod(place, model.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(place, model.st_uid, model.st_gid)


def folder_of(dataset: str, label: str) -> str:
    """Where the clones of a set lie, on the file system of a dataset."""
    return os.path.join(os.path.dirname(dataset), FOLDER, label)


@contextmanager
def clone_folders(datasets: Sequence[str], label: str, keep: bool) -> Iterator[dict[str, str]]:
    """A fresh folder for the clones of each dataset, by dataset; gone afterwards unless kept.

    What a crash left in these places is removed first (T5); what was meant to stay is not.
    """
    folders = {one: folder_of(one, label) for one in datasets}
    parents = sorted({os.path.dirname(folder) for folder in folders.values()})
    for parent in parents:
        make_dirs(parent)
        _belong(parent, os.stat(os.path.dirname(parent)))
    with _all_alone(parents):
        for parent in parents:
            _remove_litter(parent, label)
        try:
            for folder in set(folders.values()):
                make_dirs(folder)
                _belong(folder, os.stat(os.path.dirname(folder)))
            yield folders
        except BaseException:
            keep = False
            raise
        finally:
            _leave(sorted(set(folders.values())), keep)


@contextmanager
def _all_alone(parents: Sequence[str]) -> Iterator[None]:
    if not parents:
        yield
        return
    with alone(parents[0], "clones datasets"), _all_alone(parents[1:]):
        yield


def _remove_litter(parent: str, label: str) -> None:
    for name in os.listdir(parent):
        if name == label or not os.path.exists(os.path.join(parent, name, KEPT)):
            remove_tree(os.path.join(parent, name))


def _leave(folders: Sequence[str], keep: bool) -> None:
    for folder in folders:
        if keep:
            write_durably(os.path.join(folder, KEPT), b"")
        else:
            remove_tree(folder)
