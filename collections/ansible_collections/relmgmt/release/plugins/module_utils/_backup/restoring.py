# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets and routines of an instance become those of a backup set again.

Whatever the engine, the order is the promise (invariants 3 and 8): compare; close the
instance; verify every block that will be written; make every dataset that will be written
unopenable; write all of them, all first blocks last; prove each; open the instance. A crash
leaves the instance closed and each dataset the old one, the point's, or one that no engine
opens; the next run finds what still differs and finishes it.

A run with another set than the one that was cut off completes that other set wholly: every
dataset is compared again, so nothing of the first is left. Nobody can tell any more what was
written to a dataset that is half restored, so such a run needs a named person's word.
"""

from __future__ import annotations

import contextlib
import os
from contextlib import ExitStack, contextmanager
from typing import Callable, Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._backup import restored, routines
from ansible_collections.relmgmt.release.plugins.module_utils._backup.clone import clone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.compared import (
    Found,
    Plan,
    choose_ways,
    clone_source,
    look,
)
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import disk_errors, require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import (
    compare,
    mark_unopenable,
    rewrite,
    rewrite_header,
    verify_changes,
)
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.touched import forget
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    DATABASE,
    ROUTINES,
    DatasetCopy,
    Manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import CLONE, COPY, DELTA, Way
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

ASIDE = ".relmgmt-restore"
CHANGES, ALL = "changes", "all"
Consent = Callable[[Plan], None]


class Restore:
    """One restore of one backup set.

    ``scratch``: a directory for temporary files. ``reserve``: bytes that stay free beside a dataset
    that is copied or grows. ``verify``: "changes", every block that will be written, or "all".
    """

    def __init__(
        self, storage: Storage, path: str, scratch: str, reserve: int = 0, verify: str = CHANGES,
        progress: Progress = SILENT,
    ) -> None:
        self.storage = storage
        self.path = os.path.normpath(path)
        self.scratch = scratch
        self.reserve = reserve
        self._all = verify == ALL
        self._progress = progress
        self.manifest: Manifest = read_manifest(self.path)
        self._require_this_instance()
        self.begun = storage.unfinished()
        self.paths = storage.paths()
        self._require_these_datasets()
        self._archive = ""

    @property
    def goes_on(self) -> bool:
        """Whether a restore of this very set was cut off."""
        return self.begun.get("path") == self.path

    @property
    def confirmed_by(self) -> str:
        """Who accepted the loss of writes when the restore of this set was begun."""
        return str(self.begun["confirmed_by"]) if self.goes_on else ""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No second restore of these datasets while this lasts."""
        with ExitStack() as held:
            for directory in sorted({os.path.dirname(path) for path in self.paths.values()}):
                if not os.path.isdir(directory):
                    raise DatasetError(
                        "the directory of a dataset is missing", place=directory,
                        cure="mount its file system, or make the directory again with its owner and mode",
                    )
                held.enter_context(alone(directory, "restores datasets"))
            yield

    def settle(self) -> None:
        """Nobody uses the datasets, and what the engine kept in memory is in the files."""
        self.storage.require_standalone()
        self.storage.settle(self._files)

    def plan(self) -> Plan:
        """Compare what is there with the set; changes nothing."""
        found = tuple(self._look(copy) for copy in self.manifest.of_kind(DATABASE))
        return self._planned(found)

    def verify(self, plan: Plan) -> None:
        """Every block that will be written in place, before anything is (invariant 3); on request the whole set.

        Whole copies and clones are verified when they are staged, also before anything is written.
        """
        for one in plan.datasets if self._all else ():
            one.stored.verify(self._progress)
            if one.stored.base:
                one.stored.base.verify(self._progress)
        for one in [] if self._all else plan.by_way(DELTA):
            verify_changes(one.stored, one.changes, self._progress)

    def carry_out(self, plan: Plan, consent: Consent, confirmed_by: str = "") -> Plan:
        """Do what the plan says; after a crash a new plan's run finishes it.

        ``consent`` raises if the writes that a plan loses may not be lost; asked again if somebody
        wrote between the comparison and the closing. Returns the plan that was carried out.
        """
        self._require_space(plan)
        self._close(plan, confirmed_by)
        try:
            with disk_errors(self._place, "the datasets are as before"):
                failpoint("restore:closed")
                plan = self._current(plan, consent, confirmed_by)
                self.verify(plan)
                self._stage(plan)
        except BaseException:
            self._remove_asides()
            if not plan.closed:
                self.storage.open()
            raise
        failpoint("restore:verified")
        with _stays_closed(), disk_errors(self._place, "the datasets are half restored"):
            self._replace(plan)
            self._put_back_routines(plan)
            self._prove(plan)
            self.storage.open()
        return plan

    # -- observing -------------------------------------------------------------------

    @property
    def _files(self) -> list[str]:
        return [self.paths[one.name] for one in self.manifest.of_kind(DATABASE)]

    @property
    def _place(self) -> str:
        return f"instance {self.storage.name}"

    def _require_this_instance(self) -> None:
        if (self.manifest.engine, self.manifest.instance) != (self.storage.engine, self.storage.name):
            raise Refused(
                f"the set is of {self.manifest.engine} instance {self.manifest.instance}", place=self.path,
                cure=f"give a backup set of instance {self.storage.name}",
            )

    def _require_these_datasets(self) -> None:
        copies = self.manifest.of_kind(DATABASE)
        missing = sorted(one.name for one in copies if one.name not in self.paths)
        left = sorted(set(self._left) - {one.name for one in copies})
        moved = [
            f"{one.path} (now {self.paths[one.name]})" for one in copies
            if self.paths.get(one.name, one.path) != one.path
        ]
        if missing or left or moved:
            raise Refused(
                f"datasets {', '.join(missing)} of the set are not in the instance" if missing
                else f"datasets have moved since the set was taken: {', '.join(moved)}" if moved
                else f"an unfinished restore left {', '.join(left)}, which this set does not hold",
                place=self._place, cure="restore a set that holds these datasets of the instance",
            )

    @property
    def _left(self) -> tuple[str, ...]:
        names = self.begun.get("names")
        return tuple(names) if isinstance(names, list) else ()

    def _look(self, copy: DatasetCopy) -> Found:
        stored = Stored.of(self.path, copy, self.manifest)
        return look(self.storage, self.paths[copy.name], stored, self.manifest.label, self._progress)

    def _planned(self, found: tuple[Found, ...]) -> Plan:
        known = {one.copy.name for one in found}
        return Plan(
            found, self._compare_routines(), bool(self.begun), self._left,
            tuple(sorted(set(self.paths) - known)),
            choose_ways((one for one in found if not one.same), self.reserve),
        )

    def _compare_routines(self) -> routines.Difference:
        if not self.manifest.of_kind(ROUTINES):
            return routines.Difference((), (), 0)
        return routines.compare(self._routines(), self.storage.source_directory)

    def _routines(self) -> str:
        """The archive, verified whole, as a plain file."""
        if not self._archive:
            copy = self.manifest.of_kind(ROUTINES)[0]
            stored = Stored.of(self.path, copy, self.manifest)
            stored.verify(self._progress)
            self._archive = stored.plain_path or self._extracted(stored)
        return self._archive

    def _extracted(self, stored: Stored) -> str:
        target = os.path.join(self.scratch, f"relmgmt-{os.getpid()}-{os.path.basename(stored.path)}")
        stored.extract(target, self._progress)
        return target

    def _current(self, plan: Plan, consent: Consent, confirmed_by: str) -> Plan:
        """The plan, now that nobody new can come; what was written meanwhile is compared again."""
        self.settle()
        if not any(one.stale for one in plan.datasets):
            return plan
        found = tuple(self._look(one.copy) if one.stale else one for one in plan.datasets)
        plan = self._planned(found)
        consent(plan)
        self._require_space(plan)
        self._close(plan, confirmed_by)
        return plan

    # -- changing --------------------------------------------------------------------

    def _close(self, plan: Plan, confirmed_by: str) -> None:
        self.storage.close(self.path, [one.copy.name for one in plan.prove], confirmed_by)

    def _require_space(self, plan: Plan) -> None:
        """Blocks rewritten in place need room only where the file has none for them yet."""
        for one in plan.by_way(DELTA):
            held = os.stat(one.path).st_blocks * 512 if os.path.exists(one.path) else 0
            step = one.stored.layout.block_size
            wanted = min(one.stored.size - held, one.changes.count * step)
            if wanted > 0:
                require_space(os.path.dirname(one.path), wanted, self.reserve)

    def _stage(self, plan: Plan) -> None:
        """Whole copies lie beside the datasets, verified, before anything is written to these."""
        self._remove_asides()
        for one in plan.by_way(COPY):
            one.stored.extract(_aside(one.path), self._progress)
        for one in plan.by_way(CLONE):
            if not self._cloned(one):
                plan.ways[one.copy.name] = Way(DELTA, f"{one.kept} is not the set's any more", 0.0)
                self._require_space(plan)
                verify_changes(one.stored, one.changes, self._progress)
        for one in [*plan.by_way(COPY), *plan.by_way(CLONE)]:
            _own(_aside(one.path), one)
            failpoint("restore:staged-" + one.copy.name)

    def _cloned(self, one: Found) -> bool:
        """A clone lies beside the dataset. All its blocks will be the dataset's, so all are verified."""
        source = clone_source(one)
        if source == one.stored.plain_path:
            one.stored.verify(self._progress)
        elif not source or compare(source, one.stored, self._progress).count:
            return False
        clone(source, _aside(one.path))
        return True

    def _replace(self, plan: Plan) -> None:
        # All are unopenable before the first is written, and all are written before the first can be
        # opened: whoever comes by another way than the closed one never sees points mixed.
        for one in plan.replace:
            self._mark(one)
        for one in plan.by_way(DELTA):
            rewrite(one.path, one.stored, one.changes, self._progress)
        for one in [*plan.by_way(COPY), *plan.by_way(CLONE)]:
            os.rename(_aside(one.path), one.path)
            fsync_dir(os.path.dirname(one.path))
            failpoint("restore:replaced-" + one.copy.name)
        for one in plan.replace:
            rewrite_header(one.path, one.stored)

    def _mark(self, one: Found) -> None:
        aside = _aside(one.path)
        staged = os.path.exists(aside)
        if staged:
            mark_unopenable(aside, one.stored, self.path)
        if not staged or os.path.exists(one.path):
            mark_unopenable(one.path, one.stored, self.path)

    def _put_back_routines(self, plan: Plan) -> None:
        if plan.routines.write or plan.routines.remove:
            routines.put_back(self._routines(), self.storage.source_directory, self.storage.object_directory)
        failpoint("restore:routines")

    def _prove(self, plan: Plan) -> None:
        for one in plan.prove:
            forget(one.path)
            self.storage.prove(one.copy, one.path)
            restored.write_note(one.path, one.stored)
            failpoint("restore:finished-" + one.copy.name)

    def _remove_asides(self) -> None:
        for path in self._files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_aside(path))


@contextmanager
def _stays_closed() -> Iterator[None]:
    """An error says in what state it leaves the instance."""
    try:
        yield
    except RelmgmtError as error:
        error.message += "; the instance stays closed until a second run has finished"
        error.cure = "mend the cause, then run the restore again; with a named person's word another set does too"
        raise


def _own(aside: str, one: Found) -> None:
    """The owner and mode of the dataset, or those that it had when the set was taken."""
    model = os.stat(one.path) if os.path.exists(one.path) else None
    os.chmod(aside, model.st_mode & 0o7777 if model else one.copy.mode)
    if os.geteuid() == 0:
        os.chown(aside, model.st_uid if model else one.copy.uid, model.st_gid if model else one.copy.gid)


def _aside(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}{ASIDE}")
