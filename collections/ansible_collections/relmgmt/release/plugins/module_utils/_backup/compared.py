# SPDX-License-Identifier: GPL-3.0-or-later
"""Live datasets against a backup set, and by which way each becomes the set's again."""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup import routines
from ansible_collections.relmgmt.release.plugins.module_utils._backup.clone import can_clone, folder_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import MARGIN
from ansible_collections.relmgmt.release.plugins.module_utils._backup.measure import scattered_rate
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import Changes, compare, is_marked
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.restored import is_noted
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy
from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import (
    CLONE,
    COPY,
    DELTA,
    Rates,
    Way,
    choose,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Storage

#: up to this share of a dataset, and up to so many bytes, only what differs is rewritten
SMALL_SHARE, SMALL = 0.01, 16 << 20


class Signature(NamedTuple):
    """What changes when anybody writes to a file; of a missing file all is 0."""

    inode: int
    size: int
    modified: int
    changed: int


class Found(NamedTuple):
    """A dataset as it is now, against its copy.

    ``same``: it is that point's already. ``noted``: a finished restore of this point left it so.
    ``marked``: the set whose unfinished restore has made it unopenable, else "". ``seen``: the
    file as it was before it was compared. ``kept``: where a clone of it that was kept for the
    set would lie.
    """

    copy: DatasetCopy
    path: str
    stored: Stored
    changes: Changes
    same: bool
    noted: bool
    marked: str
    seen: Signature
    kept: str

    @property
    def stale(self) -> bool:
        """Whether somebody wrote to the file since it was compared."""
        return signature(self.path) != self.seen


class Plan(NamedTuple):
    """What a restore has to do. ``closed``: an earlier run left the instance closed.

    ``unfinished``: datasets that it left unproven. ``ways``: how each dataset of ``replace`` is
    brought back, by its name.
    """

    datasets: tuple[Found, ...]
    routines: routines.Difference
    closed: bool
    unfinished: tuple[str, ...]
    not_in_set: tuple[str, ...]
    ways: dict[str, Way]

    @property
    def replace(self) -> list[Found]:
        """Datasets whose blocks are not the point's."""
        return [one for one in self.datasets if not one.same]

    @property
    def prove(self) -> list[Found]:
        """Datasets to be proven: those to be replaced, and those an earlier run replaced and did not prove."""
        return [
            one for one in self.datasets
            if not one.same or (one.copy.name in self.unfinished and not one.noted)
        ]

    @property
    def needed(self) -> bool:
        """Whether anything differs from the point."""
        return bool(self.replace or self.routines.write or self.routines.remove or self.closed)

    def by_way(self, way: str) -> list[Found]:
        """Datasets that go this way."""
        return [one for one in self.replace if self.ways[one.copy.name].way == way]

    @property
    def bytes_written(self) -> int:
        """How many bytes the datasets' files get: the blocks that differ, or the whole copy."""
        return sum(bytes_of(one, self.ways[one.copy.name]) for one in self.replace)


def signature(path: str) -> Signature:
    """The file as it is now."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return Signature(0, 0, 0, 0)
    return Signature(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def look(storage: Storage, path: str, stored: Stored, label: str, progress: Progress) -> Found:
    """Compare one dataset with its copy: one read. ``label``: the set's."""
    seen = signature(path)
    marked = is_marked(path)
    changes = compare(path, stored, progress)
    noted = not marked and is_noted(path, stored.copy, changes)
    same = (changes.body_same or noted) and not marked and storage.healthy(path)
    kept = os.path.join(folder_of(path, label), os.path.basename(path))
    return Found(stored.copy, path, stored, changes, same, noted, marked, seen, kept)


def bytes_of(found: Found, way: Way) -> int:
    """How many bytes this way writes to the dataset's file."""
    step = found.stored.layout.block_size
    return min(found.changes.count * step, found.stored.size) if way.way == DELTA else found.stored.size


def clone_source(one: Found) -> str:
    """A file that the dataset can be cloned from: the set's own, or the clone that was kept for it; "" for none."""
    places = [place for place in (one.stored.plain_path, one.kept) if place and os.path.isfile(place)]
    return next((place for place in places if can_clone(place, os.path.dirname(one.path))), "")


class _Room:
    """Free bytes by file system, less what was promised already."""

    def __init__(self, reserve: int) -> None:
        self._reserve = reserve
        self._promised: dict[int, int] = {}

    def holds(self, directory: str, size: int) -> bool:
        """Whether a copy of this size fits beside what was promised."""
        status = os.statvfs(directory)
        free = status.f_bavail * status.f_frsize - self._promised.get(os.stat(directory).st_dev, 0)
        return free >= int(size * MARGIN) + self._reserve

    def promise(self, directory: str, size: int) -> None:
        """Keep room for a copy."""
        device = os.stat(directory).st_dev
        self._promised[device] = self._promised.get(device, 0) + int(size * MARGIN)


def choose_ways(replace: Iterable[Found], reserve: int) -> dict[str, Way]:
    """The way of every dataset, by its name."""
    room = _Room(reserve)
    return {one.copy.name: _way(one, room) for one in replace}


def _way(one: Found, room: _Room) -> Way:
    stored, changes, directory = one.stored, one.changes, os.path.dirname(one.path)
    if not changes.missing and changes.count * stored.layout.block_size <= max(SMALL, stored.size * SMALL_SHARE):
        # So little that no device makes another way worth its measurement.
        return Way(DELTA, f"{changes.count} of {changes.total} blocks differ", 0.0)
    clone = bool(clone_source(one))
    space = room.holds(directory, stored.size)
    way = _way_of_missing(clone, space) if changes.missing else choose(
        changes.count, changes.count - changes.verified.count, changes.total, stored.layout.block_size,
        Rates(changes.rate, scattered_rate(one.path)), clone, space,
    )
    if way.way == COPY:
        room.promise(directory, stored.size)
    return way


def _way_of_missing(clone: bool, space: bool) -> Way:
    return Way(CLONE if clone else COPY if space else DELTA, "there is no dataset", 0.0)
