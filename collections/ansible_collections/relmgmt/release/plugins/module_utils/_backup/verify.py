# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a backup set: its manifest, and the proof that it is whole."""

from __future__ import annotations

import os

from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import verify_file
from ansible_collections.relmgmt.release.plugins.module_utils._core import backup_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Manifest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

PART = ".part"


def read_manifest(path: str) -> Manifest:
    """The manifest of the set at ``path``; a ``.part`` is never a set."""
    place = os.path.join(path, backup_manifest.NAME)
    if path.rstrip("/").endswith(PART):
        raise DatasetError(
            "this is an unfinished backup", place=path, cure="take the backup set again"
        )
    try:
        with open(place, "rb") as stream:
            data = stream.read(backup_manifest.MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(
            f"there is no backup set: {error.strerror}", place=place,
            cure="give the path of a backup set, as backup_set returned it",
        ) from error
    if len(data) > backup_manifest.MAX_BYTES:
        raise DatasetError("the manifest is larger than 4 MiB", place=place)
    return backup_manifest.parse(data, place)


def verify_set(path: str) -> Manifest:
    """Read every block of the set past the page cache; raises DatasetError at the first wrong one."""
    manifest = read_manifest(path)
    for one in manifest.datasets:
        verify_file(
            os.path.join(path, one.file), os.path.join(path, one.digests), one.size, one.root
        )
    return manifest


def find_sets(root: str) -> tuple[list[str], list[str]]:
    """Paths of the sets below a directory, and of unfinished ones."""
    done, unfinished = [], []
    for folder, names, files in os.walk(root):
        names.sort()
        if folder.endswith(PART):
            unfinished.append(folder)
            names[:] = []
        elif backup_manifest.NAME in files:
            done.append(folder)
            names[:] = []
    return done, unfinished
