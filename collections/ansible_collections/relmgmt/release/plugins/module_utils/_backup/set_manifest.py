# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the manifest of a backup set."""

from __future__ import annotations

import os

from ansible_collections.relmgmt.release.plugins.module_utils._core import backup_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Manifest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

PART = ".part"
REMOVING = ".removing"


def read_manifest(path: str) -> Manifest:
    """The manifest of the set at ``path``; a ``.part`` is never a set, nor is a ``.removing``."""
    place = os.path.join(path, backup_manifest.NAME)
    if path.rstrip("/").endswith(REMOVING):
        raise DatasetError("this set is being removed", place=path, cure="give the path of another set")
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
