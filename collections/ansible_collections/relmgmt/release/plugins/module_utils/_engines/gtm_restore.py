# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets and routines of a GT.M instance become those of a backup set again.

Every crash point leaves each dataset whole under its final name, and the instance either
as it was or unopenable until a second run has finished (``_backup/fence.py``).
"""

from __future__ import annotations

import contextlib
import os
from contextlib import contextmanager
from typing import Iterator, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence, routines
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import (
    copy_out,
    disk_errors,
    require_space,
)
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Comparison, compare_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.restored import is_the_point, write_note
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import read_manifest, verify_set
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    DATABASE,
    ROUTINES,
    DatasetCopy,
    Manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.journal_rows import PROOF_GLOBAL
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import (
    FileHeader,
    read_header,
    region_of_its_own,
    regions,
    require_integrity,
    run_down,
    with_directory,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import FLUSH
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, EngineError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

ASIDE = ".relmgmt-restore"
PROOF_DEADLINE = 30.0
PROOF = (
    'SET {name}("proof")=$JOB ZHALT:$GET({name}("proof"))\'=$JOB 9 KILL {name} '
    'ZHALT:$DATA({name}) 9 WRITE "proven",!'
)


class Found(NamedTuple):
    """A dataset as it is now, against its copy. ``same``: it is that point's already."""

    copy: DatasetCopy
    path: str
    compared: Comparison
    same: bool


class Plan(NamedTuple):
    """What a restore has to do. ``unfinished``: datasets an earlier run left unproven."""

    datasets: tuple[Found, ...]
    routines: routines.Difference
    unfinished: tuple[str, ...]
    not_in_set: tuple[str, ...]
    marked: bool

    @property
    def replace(self) -> list[Found]:
        """Datasets whose blocks are not the point's."""
        return [one for one in self.datasets if not one.same]

    @property
    def finish(self) -> list[Found]:
        """Datasets to be proven: those to be replaced and those an earlier run left."""
        return [one for one in self.datasets if not one.same or one.copy.name in self.unfinished]

    @property
    def needed(self) -> bool:
        """Whether anything differs from the point."""
        return bool(self.replace or self.routines.write or self.routines.remove or self.marked)


class GtmRestore:
    """One restore of one backup set. ``scratch``: a directory for temporary files."""

    def __init__(self, instance: GtmInstance, path: str, scratch: str, reserve: int = 0) -> None:
        self.instance = instance
        self.path = path
        self.scratch = scratch
        self.reserve = reserve
        self.manifest: Manifest = read_manifest(path)
        if self.manifest.engine != instance.engine or self.manifest.instance != instance.name:
            raise Refused(
                f"the set is of {self.manifest.engine} instance {self.manifest.instance}", place=path,
                cure=f"give a backup set of instance {instance.name}",
            )
        self.files = self._files()

    @property
    def unfinished(self) -> bool:
        """Whether a restore of this instance was cut off."""
        return fence.read_marker(self.instance.global_directory) is not None

    @property
    def confirmed_by(self) -> str:
        """Who accepted the loss of writes when the restore that is to be finished was begun."""
        marker = fence.read_marker(self.instance.global_directory)
        return str(marker["confirmed_by"]) if marker else ""

    @property
    def reachable(self) -> GtmInstance:
        """The instance through its global directory, wherever that is now."""
        return with_directory(self.instance, fence.usable_directory(self.instance.global_directory))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No second restore of this instance while this lasts."""
        with alone(os.path.dirname(self.instance.global_directory), "restores an instance"):
            yield

    def attached(self) -> Attached:
        """Who has a dataset open."""
        present = sorted(path for path in self.files.values() if os.path.isfile(path))
        sound = [path for path in present if self._header(path)]
        # A damaged header names no shared memory: for that file only /proc can tell.
        pids = gtm_view._pids_with_open({os.path.realpath(path) for path in present})
        count = gtm_view.attached_to(self.instance, sound).processes if sound else 0
        return Attached(max(count, len(pids)), tuple(sorted(pids)))

    def require_standalone(self) -> None:
        """Refuse while a process has a dataset open."""
        users = self.attached()
        if users.processes:
            raise Refused(
                f"{users.processes} processes have datasets of {self.instance.name} open"
                + (f": {', '.join(str(pid) for pid in users.pids)}" if users.pids else ""),
                place=f"instance {self.instance.name}", pids=list(users.pids),
                cure="quiesce the application (module application, state quiesced), then run again",
            )

    def settle(self) -> None:
        """Bring what crashed processes left in shared memory into the files; needs standalone."""
        if all(self._healthy(path) for path in self.files.values()):
            # An M process that opens and leaves the datasets flushes what killed ones left.
            self.reachable.mumps("-run", "%XCMD", FLUSH)
        for path in self.files.values():
            if os.path.isfile(path):
                self._discard_memory(path)

    def plan(self) -> Plan:
        """Compare what is there with the set; changes nothing."""
        found = tuple(self._found(copy) for copy in self.manifest.of_kind(DATABASE))
        known = {one.copy.name for one in found}
        return Plan(
            found, self._compare_routines(), self._marker_names(),
            tuple(sorted(set(self.files) - known)), self.unfinished,
        )

    def verify(self) -> None:
        """Every block of the set, before anything is written (invariant 3)."""
        verify_set(self.path)

    def carry_out(self, plan: Plan, confirmed_by: str = "") -> None:
        """Do what the plan says; after a crash a new plan's run finishes it."""
        directory = self.instance.global_directory
        fence.raise_fence(directory, self.path, [one.copy.name for one in plan.finish], confirmed_by)
        try:
            # Once more, now that nobody new can come.
            self.require_standalone()
            with disk_errors(directory, "the datasets are as before"):
                self._stage(plan.replace)
        except BaseException:
            if not plan.marked:
                fence.lower_fence(directory)
            raise
        failpoint("restore:staged")
        with disk_errors(directory, "the instance stays closed until a second run has finished"):
            self._replace_and_prove(plan)
            fence.lower_fence(directory)

    def _replace_and_prove(self, plan: Plan) -> None:
        for one in plan.replace:
            self._cut_over(one)
        self._put_back_routines()
        for one in plan.finish:
            self._finish(one)
            failpoint("restore:finished-" + one.copy.name)

    # -- observing -------------------------------------------------------------------

    def _files(self) -> dict[str, str]:
        files = regions(self.reachable)
        missing = sorted(one.name for one in self.manifest.of_kind(DATABASE) if one.name not in files)
        left = sorted(set(self._marker_names()) - {one.name for one in self.manifest.datasets})
        moved = [
            f"{one.path} (now {files[one.name]})" for one in self.manifest.of_kind(DATABASE)
            if one.name in files and files[one.name] != one.path
        ]
        if missing or left or moved:
            raise Refused(
                f"regions {', '.join(missing)} of the set are not in the global directory" if missing
                else f"datasets have moved since the set was taken: {', '.join(moved)}" if moved
                else f"an unfinished restore left {', '.join(left)}, which this set does not hold",
                place=self.instance.global_directory,
                cure="restore a set that was taken with this global directory",
            )
        return files

    def _marker_names(self) -> tuple[str, ...]:
        marker = fence.read_marker(self.instance.global_directory)
        return tuple(marker["names"]) if marker else ()

    def _found(self, copy: DatasetCopy) -> Found:
        path = self.files[copy.name]
        compared = compare_file(path, os.path.join(self.path, copy.digests), copy.size)
        same = is_the_point(path, copy, compared) and self._healthy(path)
        return Found(copy, path, compared, same)

    def _healthy(self, path: str) -> bool:
        """Whether the header, which the comparison leaves out, can be read and is not frozen."""
        header = self._header(path)
        return header is not None and not header.frozen

    def _header(self, path: str) -> FileHeader | None:
        try:
            return read_header(self.instance, path)
        except DatasetError:
            return None

    def _archive(self) -> str:
        packed = self.manifest.of_kind(ROUTINES)
        return os.path.join(self.path, packed[0].file) if packed else ""

    def _compare_routines(self) -> routines.Difference:
        archive = self._archive()
        if not archive:
            return routines.Difference((), (), 0)
        return routines.compare(archive, self.instance.source_directory)

    # -- writing ---------------------------------------------------------------------

    def _stage(self, replace: list[Found]) -> None:
        needed: dict[str, int] = {}
        for one in replace:
            folder = os.path.dirname(one.path)
            needed[folder] = needed.get(folder, 0) + one.copy.size
        for one in replace:
            _remove(_aside(one.path))
        for folder, size in needed.items():
            require_space(folder, size, self.reserve)
        try:
            for one in replace:
                self._stage_one(one)
        except BaseException:
            for one in replace:
                _remove(_aside(one.path))
            raise

    def _stage_one(self, one: Found) -> None:
        aside = _aside(one.path)
        set_file = os.path.join(self.path, one.copy.file)
        copy_out(set_file, os.path.join(self.path, one.copy.digests), aside, one.copy.size, one.copy.root)
        model = os.stat(one.path) if os.path.exists(one.path) else None
        os.chmod(aside, model.st_mode & 0o7777 if model else one.copy.mode)
        if os.geteuid() == 0:
            os.chown(aside, model.st_uid if model else one.copy.uid, model.st_gid if model else one.copy.gid)
        failpoint("restore:staged-" + one.copy.name)

    def _cut_over(self, one: Found) -> None:
        if os.path.isfile(one.path):
            self._discard_memory(one.path)
        os.rename(_aside(one.path), one.path)
        fsync_dir(os.path.dirname(one.path))
        failpoint("restore:replaced-" + one.copy.name)

    def _discard_memory(self, path: str) -> None:
        try:
            run_down(self.instance, path)
        except EngineError:
            # A damaged file is a reason to restore, not an obstacle; an open one is.
            self.require_standalone()

    def _put_back_routines(self) -> None:
        archive = self._archive()
        if archive:
            routines.put_back(archive, self.instance.source_directory, self.instance.object_directory)
        failpoint("restore:routines")

    def _finish(self, one: Found) -> None:
        """Clear the freeze, run down, start journals, prove a write (T42), check integrity."""
        instance, region = self.reachable, one.copy.name
        instance.require(instance.mupip("freeze", "-off", region), f"thawing {region}")
        run_down(instance, one.path)
        self._start_journal(one)
        failpoint("restore:journaled-" + region)
        self._prove_write(one)
        run_down(instance, one.path)
        require_integrity(instance, one.path)
        write_note(one.path, one.copy, os.path.join(self.path, one.copy.digests))

    def _start_journal(self, one: Found) -> None:
        position = one.copy.position
        if position is None or not position.journal:
            return
        kind = "before" if position.before_images else "nobefore"
        # mupip keeps the old journal under a name of its own and links the new one to nothing.
        answer = self.instance.mupip(
            "set", f"-journal=enable,on,{kind},file={position.journal}", "-file", one.path
        )
        self.instance.require(answer, f"starting the journal of {one.copy.name}")
        if not read_header(self.instance, one.path).journal:
            raise EngineError(f"{one.copy.name} has no new journal", place=position.journal)

    def _prove_write(self, one: Found) -> None:
        alone = region_of_its_own(self.instance, one.path, self.scratch)
        program = PROOF.format(name=PROOF_GLOBAL)
        try:
            answer = alone.mumps("-run", "%XCMD", program, deadline=PROOF_DEADLINE)
            alone.require(answer, f"proving a write to {one.copy.name}")
        finally:
            _remove(alone.global_directory)


def _aside(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}{ASIDE}")


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
