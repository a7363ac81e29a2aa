# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup set of one plain file that is at rest, taken by the calls that ``backup_set`` makes."""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._backup import ladder, manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Base, Manifest
from ansible_collections.relmgmt.release.plugins.module_utils._core.provider import COPY

from .plain_storage import PlainStorage

LIMIT = 60


def take(source: Path, path: str, base: str) -> dict[str, Any]:
    """Take the set at ``path``; ``base``: the earlier point that it builds on, "" for none."""
    storage, earlier = PlainStorage(source), _earlier(base)
    files = storage.datasets()
    require_space(os.path.dirname(path), ladder.room(storage, files, COPY, bool(base)), 0)
    with manifest.begin(path) as part:
        order = ladder.Order(part, "bench", COPY, LIMIT, False, earlier, time.time)
        taken = ladder.take(storage, order, SILENT)
        made = _manifest(storage, taken, earlier)
        ladder.read_back(part, made, SILENT)
        manifest.publish(part, path, made)
    return {"path": path, "provider": made.provider, "root_digest": made.root_digest}


def _earlier(base: str) -> ladder.Earlier | None:
    if not base:
        return None
    found = read_manifest(base)
    for one in found.datasets:
        Stored.of(base, one, found).check()
    return ladder.Earlier(base, found)


def _manifest(storage: PlainStorage, taken: ladder.Taken, earlier: ladder.Earlier | None) -> Manifest:
    at = datetime.datetime.fromtimestamp(taken.at, datetime.timezone.utc).isoformat()
    point, base = "before", None
    if earlier:
        point, base = "installed", Base("../" + os.path.basename(earlier.path), earlier.manifest.root_digest)
    return Manifest(
        storage.engine, storage.name, "BENCH001", "CHG0000001", 1, point, at, taken.consistency, taken.provider,
        taken.frozen_seconds, base, taken.datasets,
    )
