# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a backup set: it loses its name first, so that nothing half removed is taken for a set (invariant 8)."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from typing import List

from ansible_collections.relmgmt.release.plugins.module_utils._backup.clone import folder_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import REMOVING
from ansible_collections.relmgmt.release.plugins.module_utils._core import backup_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import POINTS
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, remove_tree

LEVELS = 3  # instance, attempt, release: directories between a set and the root


def take_name(path: str) -> None:
    """The set is one no longer; refused while another process takes a set beside it."""
    parent = os.path.dirname(path)
    with alone(parent, "takes or removes a backup set"):
        os.rename(path, path + REMOVING)
        fsync_dir(parent)
    failpoint("retention:renamed")


def finish(path: str) -> None:
    """Remove what `take_name` left of the set at this path, with the clones that were kept of its datasets.

    And the directories above it that it was the last in.
    """
    _remove_clones(path + REMOVING)
    failpoint("retention:clones")
    remove_tree(path + REMOVING)
    folder = os.path.dirname(path)
    for _level in range(LEVELS):
        with suppress(OSError):
            os.rmdir(folder)
        folder = os.path.dirname(folder)


def _remove_clones(left: str) -> None:
    place = os.path.join(left, backup_manifest.NAME)
    try:
        with open(place, "rb") as stream:
            manifest = backup_manifest.parse(stream.read(), place)
    except (OSError, DatasetError):
        return  # an earlier run got as far as the manifest: it had removed the clones before
    for one in manifest.datasets:
        remove_tree(folder_of(one.path, manifest.label))


def half_removed(root: str, instance: str) -> List[str]:
    """Paths that sets of an instance had whose removal a crash has cut off."""
    found = [
        one for point in POINTS
        for one in glob.glob(os.path.join(glob.escape(root), "*", "*-*", glob.escape(instance), point + REMOVING))
    ]
    return sorted(one[: -len(REMOVING)] for one in found)
