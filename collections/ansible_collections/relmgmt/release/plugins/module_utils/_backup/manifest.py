# SPDX-License-Identifier: GPL-3.0-or-later
"""Building a backup set: aside in ``<set>.part``, read back, published by one rename."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import sync_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import verify_file, write_digests
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import PART
from ansible_collections.relmgmt.release.plugins.module_utils._core import backup_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    DatasetCopy,
    Manifest,
    Position,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    fsync_dir,
    make_dirs,
    remove_tree,
    write_durably,
)


class Copied(NamedTuple):
    """A file that an engine put into the part, before it is hashed. ``path``: its original."""

    name: str
    file: str
    kind: str
    path: str
    position: Position | None = None


@contextmanager
def begin(path: str) -> Iterator[str]:
    """An empty ``<path>.part``, ours alone while this lasts; gone if the work fails.

    The lock is the kernel's and dies with its holder, so a part that a crash left behind
    blocks nobody (T5): it is thrown away here.
    """
    parent, part = os.path.dirname(path), path + PART
    make_dirs(parent, 0o750)
    with alone(parent, "takes a backup set"):
        remove_tree(part)
        make_dirs(part, 0o750)
        try:
            yield part
        except BaseException:
            remove_tree(part)
            raise


def hash_part(part: str, copied: list[Copied]) -> tuple[DatasetCopy, ...]:
    """Sync, hash and read back what an engine copied into the part."""
    datasets = tuple(_hashed(part, one) for one in copied)
    fsync_dir(part)
    failpoint("backup:hashed")
    for one in datasets:
        verify_file(os.path.join(part, one.file), os.path.join(part, one.digests), one.size, one.root)
    failpoint("backup:verified")
    return datasets


def _hashed(part: str, copied: Copied) -> DatasetCopy:
    file = os.path.join(part, copied.file)
    if not os.path.isfile(file) or not os.path.getsize(file):
        # T7: a backup task that made no backup
        raise DatasetError(
            f"the backup made no copy of {copied.name}", place=file,
            cure="see what the engine said; take the backup set again",
        )
    sync_file(file)
    done = write_digests(file, file + ".digests")
    original = os.stat(copied.path)
    return DatasetCopy(
        copied.name, copied.file, copied.kind, copied.path, done.size, done.root,
        original.st_mode & 0o7777, original.st_uid, original.st_gid, copied.position,
    )


def publish(part: str, path: str, manifest: Manifest) -> None:
    """Write the manifest, last, and give the set its final name."""
    write_durably(os.path.join(part, backup_manifest.NAME), backup_manifest.render(manifest))
    failpoint("backup:manifest")
    os.rename(part, path)
    fsync_dir(os.path.dirname(path))
    failpoint("backup:published")
