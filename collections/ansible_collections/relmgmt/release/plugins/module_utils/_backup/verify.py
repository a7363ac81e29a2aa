# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that a backup set is whole, and where sets lie."""

from __future__ import annotations

import os

from ansible_collections.relmgmt.release.plugins.module_utils._backup.assemble_script import check_script
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import PART, REMOVING, read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core import backup_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Manifest


def verify_set(path: str, progress: Progress = SILENT) -> Manifest:
    """Read every block of the set, and of the base it needs, from the device.

    Raises DatasetError at the first wrong one.
    """
    manifest = read_manifest(path)
    if manifest.base:
        check_script(path)
    for one in manifest.datasets:
        stored = Stored.of(path, one, manifest)
        stored.verify(progress)
        if stored.base:
            stored.base.verify(progress)
    return manifest


def find_sets(root: str) -> tuple[list[str], list[str]]:
    """Paths of the sets below a directory, and of unfinished or half removed ones."""
    done, unfinished = [], []
    for folder, names, files in os.walk(root):
        names.sort()
        if folder.endswith((PART, REMOVING)):
            unfinished.append(folder)
            names[:] = []
        elif backup_manifest.NAME in files:
            done.append(folder)
            names[:] = []
    return done, unfinished
