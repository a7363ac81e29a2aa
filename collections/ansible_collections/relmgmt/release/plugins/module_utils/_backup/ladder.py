# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying all datasets of an instance at one moment, by one rung of the ladder (``_core/provider.py``).

Whichever it is, each copy passes the engine's check and has its digests in the same form; the
caller reads it back. While writes stand still nothing is done but cloning, or reading once.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import Callable, ContextManager, Dict, Iterator, List, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup import copying, lvm, routines
from ansible_collections.relmgmt.release.plugins.module_utils._backup.clone import can_clone, clone, clone_folders
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import require_space, sync_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.freeze import Freeze, Hurried, frozen
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Sum, layout_for
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    BLOCKS,
    DATABASE,
    PLAIN,
    ROUTINES,
    DatasetCopy,
    Manifest,
    Position,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import Layout
from ansible_collections.relmgmt.release.plugins.module_utils._core.provider import (
    COPY,
    LVM,
    NATIVE,
    REFLINK,
    REST,
    space_needed,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import DatasetFile, Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs

AT_REST = "copied while nobody had the datasets open"
ROUTINES_BLOCK = 8192


class Earlier(NamedTuple):
    """An earlier point of the same attempt, on which this one builds."""

    path: str
    manifest: Manifest


class Order(NamedTuple):
    """What to do. ``part``: the directory to fill. ``label``: names clones and snapshots of this set.

    ``provider``: a rung. ``limit``: seconds that writes may stand still. ``keep_clone``: clones
    stay as a rollback point. ``base``: store what differs from it. ``now``: the clock.
    """

    part: str
    label: str
    provider: str
    limit: int
    keep_clone: bool
    base: Earlier | None
    now: Callable[[], float]


class Taken(NamedTuple):
    """What was taken. ``at``: the moment that the copies show, by the order's clock, at the earliest.

    ``watchdog``: who started the one that guarded the freeze, "" without a freeze.
    """

    datasets: tuple[DatasetCopy, ...]
    provider: str
    consistency: str
    frozen_seconds: float | None
    watchdog: str
    at: float


class Copies(NamedTuple):
    """Whole copies, by dataset name, still without the engine's check.

    ``sums``: of those that have their digests in the part already, and of those that are
    stored as blocks already (these have no place).
    """

    places: Dict[str, str]
    sums: Dict[str, Sum]
    provider: str
    consistency: str
    at: float
    freeze: Freeze | None = None


def obstacles(storage: Storage, files: List[DatasetFile]) -> Dict[str, str]:
    """Why each rung cannot be taken, "" if it can; changes nothing."""
    no_freeze = storage.why_no_freeze()
    paths = [one.path for one in files]
    fixed = [path for path in paths if not can_clone(path, os.path.dirname(path))]
    return {
        NATIVE: "" if storage.has_online_copy else f"{storage.engine} has no online backup that writes datasets",
        REFLINK: no_freeze or (f"the file system of {fixed[0]} does not clone" if fixed else ""),
        LVM: no_freeze or lvm.why_not(paths),
        COPY: "" if storage.at_rest() else no_freeze,
    }


def room(storage: Storage, files: List[DatasetFile], provider: str, based: bool) -> int:
    """Bytes that taking the set needs in its directory."""
    return sum(space_needed(provider, one.size, based, storage.checks_whole_files) for one in files)


def require_room_to_freeze(files: List[DatasetFile], provider: str, reserve: int) -> None:
    """Clones, snapshots and the journals of a freeze need some bytes beside the datasets too."""
    if provider != NATIVE:
        for folder in sorted({os.path.dirname(one.path) for one in files}):
            require_space(folder, 0, reserve)


def take(storage: Storage, order: Order, progress: Progress) -> Taken:
    """Fill the part with copies of all datasets, and of routines that lie in files."""
    job = _Job(storage, order, progress)
    with _RUNGS[order.provider](job) as copies:
        failpoint("backup:copied")
        positions = storage.copied_positions({
            one.name: copies.places.get(one.name, job.target(one)) for one in job.files
        })
        datasets = [job.keep(one, copies, positions.get(one.name)) for one in job.files]
    if storage.source_directory:
        datasets.append(job.pack_routines())
    failpoint("backup:hashed")
    freeze = copies.freeze
    return Taken(
        tuple(datasets), copies.provider, copies.consistency, freeze.seconds if freeze else None,
        freeze.watchdog if freeze else "", copies.at,
    )


def read_back(part: str, made: Manifest, progress: Progress) -> None:
    """Everything that the part holds is what its digests say, read from the device."""
    for one in made.datasets:
        Stored.of(part, one, made).verify(progress)
    failpoint("backup:verified")


class _Job:
    def __init__(self, storage: Storage, order: Order, progress: Progress) -> None:
        self.storage = storage
        self.order = order
        self.progress = progress
        self.files = storage.datasets()
        for one in self.files:
            make_dirs(os.path.dirname(self.target(one)), 0o750)

    def target(self, one: DatasetFile) -> str:
        return os.path.join(self.order.part, one.file)

    def digests(self, one: DatasetFile) -> str:
        return self.target(one) + ".digests"

    def layout(self, one: DatasetFile) -> Layout:
        base = self.base(one)
        return base.layout if base else layout_for(one.block_size)

    def base(self, one: DatasetFile) -> Stored | None:
        """The earlier point's copy of this dataset, if there is one to build on."""
        earlier = self.order.base
        if earlier is None:
            return None
        found = [copy for copy in earlier.manifest.of_kind(DATABASE) if copy.name == one.name]
        return Stored.of(earlier.path, found[0], earlier.manifest) if found else None

    def copy(self, one: DatasetFile, source: str, progress: Progress | None = None) -> Sum:
        return copying.copy_file(
            source, self.target(one), self.digests(one), self.layout(one), progress or self.progress
        )

    def keep(self, one: DatasetFile, copies: Copies, position: Position | None) -> DatasetCopy:
        """Check a copy and store it in the form that stays."""
        base, place = self.base(one), copies.places.get(one.name, "")
        if not place:
            return self._copy(one, copies.sums[one.name], position, BLOCKS)
        touched = self._check(one, place)
        if base:
            done = copying.copy_changed(
                place, base, self.target(one), self.digests(one), self.layout(one), self.progress
            )
            if place == self.target(one):
                os.unlink(place)
            return self._copy(one, done, position, BLOCKS)
        if place != self.target(one):
            return self._copy(one, self.copy(one, place), position, PLAIN)
        done_before = None if touched else copies.sums.get(one.name)
        return self._copy(one, done_before or self._hash(one), position, PLAIN)

    def _check(self, one: DatasetFile, place: str) -> bool:
        """The engine's check; whether it changed the copy."""
        if not os.path.isfile(place) or not os.path.getsize(place):
            # T7: a backup task that made no backup
            raise DatasetError(
                f"the backup made no copy of {one.name}", place=place,
                cure="see what the engine said; take the backup set again",
            )
        os.utime(place, ns=(0, 0))
        self.progress.begin(f"check {place}", 0)
        self.storage.check_copy(place)
        return os.stat(place).st_mtime_ns != 0

    def _hash(self, one: DatasetFile) -> Sum:
        sync_file(self.target(one))
        return copying.hash_file(self.target(one), self.digests(one), self.layout(one), self.progress)

    def _copy(self, one: DatasetFile, done: Sum, position: Position | None, stored: str) -> DatasetCopy:
        layout, original = self.layout(one), os.stat(one.path)
        return DatasetCopy(
            one.name, one.file, DATABASE, one.path, done.size, done.root, original.st_mode & 0o7777,
            original.st_uid, original.st_gid, position, layout.block_size, layout.algorithm, stored,
        )

    def pack_routines(self) -> DatasetCopy:
        source = self.storage.source_directory
        target = os.path.join(self.order.part, routines.FILE)
        routines.pack(source, target)
        sync_file(target)
        layout, original = layout_for(ROUTINES_BLOCK), os.stat(source)
        done = copying.hash_file(target, target + ".digests", layout, self.progress)
        return DatasetCopy(
            "routines", routines.FILE, ROUTINES, source, done.size, done.root, original.st_mode & 0o7777,
            original.st_uid, original.st_gid, None, layout.block_size, layout.algorithm, PLAIN,
        )


@contextmanager
def _native(job: _Job) -> Iterator[Copies]:
    places = {one.name: job.target(one) for one in job.files}
    job.progress.begin("the engine's online backup", 0)
    at = job.order.now()
    how = job.storage.online_copy(places)
    yield Copies(places, {}, NATIVE, how, at)


@contextmanager
def _reflink(job: _Job) -> Iterator[Copies]:
    paths = [one.path for one in job.files]
    with clone_folders(paths, job.order.label, job.order.keep_clone) as folders:
        places = {one.name: os.path.join(folders[one.path], os.path.basename(one.path)) for one in job.files}

        def prepare() -> None:
            for one in job.files:
                # What is dirty now need not be written under the freeze; and once rehearsed, cloning a file
                # that lies in many pieces goes faster.
                sync_file(one.path)
                clone(one.path, places[one.name], sync=False)
                os.truncate(places[one.name], 0)

        def copy() -> None:
            for one in job.files:
                clone(one.path, places[one.name], sync=False)

        at, state = _under_a_short_freeze(job, prepare, copy)
        yield Copies(places, {}, REFLINK, _said(state, "cloned"), at, state)
        for place in places.values():
            sync_file(place)


def _under_a_short_freeze(
    job: _Job, prepare: Callable[[], None], copy: Callable[[], None]
) -> tuple[float, Freeze]:
    """``prepare``, then ``copy`` under a freeze; again if that lapsed, as GT.M's does when it has to write.

    The second one makes writers wait. Returns when it began, by the order's clock, and the freeze that lasted.
    """
    hold = False
    while True:
        prepare()
        at = job.order.now()
        with frozen(job.storage, job.order.limit, hold) as state:
            copy()
            failpoint("freeze:copied")
        if hold or not state.lapsed:
            state.require_held(job.order.part)
            return at, state
        hold = True


@contextmanager
def _lvm(job: _Job) -> Iterator[Copies]:
    snapshots = lvm.Snapshots([one.path for one in job.files], job.order.label)
    with ExitStack() as stack:
        stack.callback(snapshots.remove)
        at, state = _under_a_short_freeze(job, snapshots.remove_litter, snapshots.create)
        seen = stack.enter_context(snapshots.mounted())
        places = {one.name: seen[one.path] for one in job.files}
        yield Copies(places, {}, LVM, _said(state, "snapshotted"), at, state)


@contextmanager
def _copy(job: _Job) -> Iterator[Copies]:
    yield _copied_at_rest(job) or _copied_alive(job)


def _copied_at_rest(job: _Job) -> Copies | None:
    """Plain copies, or None if somebody has, or had, the datasets open."""
    if not job.storage.at_rest():
        return None
    at, before = job.order.now(), [_face(one) for one in job.files]
    done = _Passes(job)
    sums = {one.name: done.first(one, job.progress) for one in job.files}
    if not job.storage.at_rest() or [_face(one) for one in job.files] != before:
        return None
    return Copies(done.places, sums, REST, AT_REST, at)


def _copied_alive(job: _Job) -> Copies:
    done = _Passes(job)
    for one in job.files:
        done.first(one, job.progress)
    at = job.order.now()
    with frozen(job.storage, job.order.limit) as state:
        hurried = Hurried(job.progress, state, job.order.part)
        sums = {one.name: done.again(one, hurried) for one in job.files}
        failpoint("freeze:copied")
    state.require_held(job.order.part)
    return Copies(done.places, sums, COPY, _said(state, "copied again"), at, state)


class _Passes:
    """The two passes over a dataset that lives, into a whole copy or, with a base, into blocks.

    ``places``: of whole copies. A check that needs one is made before there are blocks.
    """

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._base = {
            one.name: None if job.storage.checks_whole_files else job.base(one) for one in job.files
        }
        self.places = {one.name: job.target(one) for one in job.files if not self._base[one.name]}

    def first(self, one: DatasetFile, progress: Progress) -> Sum:
        base = self._base[one.name]
        if base is None:
            return self._job.copy(one, one.path, progress)
        return copying.copy_changed(one.path, base, *self._into(one), progress)

    def again(self, one: DatasetFile, progress: Progress) -> Sum:
        base = self._base[one.name]
        if base is None:
            return copying.copy_again(one.path, *self._into(one), progress)
        return copying.copy_changed_again(one.path, base, *self._into(one), progress)

    def _into(self, one: DatasetFile) -> tuple[str, str, Layout]:
        return self._job.target(one), self._job.digests(one), self._job.layout(one)


def _face(one: DatasetFile) -> tuple[int, int, int, int]:
    status = os.stat(one.path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _said(state: Freeze, done: str) -> str:
    return f"{state.how}; {done} under it"


_RUNGS: Dict[str, Callable[[_Job], ContextManager[Copies]]] = {
    NATIVE: _native, REFLINK: _reflink, LVM: _lvm, COPY: _copy,
}
