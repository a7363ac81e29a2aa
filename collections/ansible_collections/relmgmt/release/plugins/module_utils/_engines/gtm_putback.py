# SPDX-License-Identifier: GPL-3.0-or-later
"""GT.M's half of ``Storage`` for putting datasets back: who is there, the fence, the proof."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from typing import Dict, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy, Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.journal_rows import PROOF_GLOBAL
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_journal, gtm_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import (
    FileHeader,
    read_header,
    regions,
    require_integrity,
    run_down,
    with_directory,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, EngineError, Refused

PROOF_DEADLINE = 30.0
UNFINISHED_JOURNAL = "_%YGTM"
PROOF = (
    'SET {name}("proof")=$JOB ZHALT:$GET({name}("proof"))\'=$JOB 9 KILL {name} '
    'ZHALT:$DATA({name}) 9 WRITE "proven",!'
)


class GtmPutBack(Storage):
    """The datasets of one GT.M instance, as a restore uses them."""

    def __init__(self, instance: GtmInstance) -> None:
        self.instance = instance
        self.engine = instance.engine
        self.name = instance.name
        self.source_directory = instance.source_directory
        self.object_directory = instance.object_directory
        self._paths: Dict[str, str] = {}

    @property
    def reachable(self) -> GtmInstance:
        """The instance through its global directory, wherever that is now."""
        return with_directory(self.instance, fence.usable_directory(self.instance.global_directory))

    def paths(self) -> Dict[str, str]:
        # Read once: the fence moves the global directory and changes nothing in it.
        self._paths = self._paths or regions(self.reachable)
        return dict(self._paths)

    # -- who is there ----------------------------------------------------------------

    def attached(self) -> Attached:
        present = sorted(path for path in self.paths().values() if os.path.isfile(path))
        # A damaged header names no shared memory: for that file only /proc can tell.
        headers = [self._header(path) for path in present]
        return gtm_view.attached_to(present, [header.memory for header in headers if header])

    def writes_since(
        self, positions: Mapping[str, Position], writers: Sequence[Writer], scratch: str, flush: bool = True
    ) -> Writes:
        return gtm_journal.writes_since(self.reachable, positions, writers, scratch, flush)

    def keep_written(self, positions: Mapping[str, Position], target: str) -> int:
        return gtm_journal.keep_written(self.reachable, positions, target)

    # -- putting back ----------------------------------------------------------------

    def require_standalone(self) -> None:
        users = self.attached()
        if users.processes:
            raise Refused(
                f"{users.processes} processes have datasets of {self.name} open"
                + (f": {', '.join(str(pid) for pid in users.pids)}" if users.pids else ""),
                place=f"instance {self.name}", pids=list(users.pids),
                cure="quiesce the application (module application, state quiesced), then run again",
            )

    def healthy(self, path: str) -> bool:
        header = self._header(path)
        return header is not None and not header.frozen

    def settle(self, paths: Sequence[str]) -> None:
        # Without shared memory nothing is left of anybody. A rundown would touch the file all the
        # same, and writes into one that is no database (a marked one).
        left = [path for path in paths if os.path.isfile(path) and self._has_memory(path)]
        if not left:
            return
        if all(self.healthy(path) for path in paths):
            # An M process that opens and leaves the datasets flushes what killed ones left.
            self.reachable.mumps("-run", "%XCMD", gtm_journal.FLUSH)
        for path in left:
            self._discard_memory(path)

    def close(self, set_path: str, names: Sequence[str], confirmed_by: str) -> None:
        fence.raise_fence(self.instance.global_directory, set_path, list(names), confirmed_by)

    def open(self) -> None:
        fence.lower_fence(self.instance.global_directory)

    def unfinished(self) -> Dict[str, object]:
        return fence.read_marker(self.instance.global_directory) or {}

    def prove(self, copy: DatasetCopy, path: str) -> None:
        """Clear the freeze, run down, start journals, prove a write (T42), check integrity."""
        instance, region = self.reachable, copy.name
        instance.require(instance.mupip("freeze", "-off", region), f"thawing {region}")
        run_down(instance, path)
        self._start_journal(copy, path)
        failpoint("restore:journaled-" + region)
        self._prove_write(region, path)
        run_down(instance, path)
        # Fast looks at the index blocks alone. Every block was just proven equal to a copy that has
        # passed the full check; what is left to find is what the proof's own write could have broken.
        require_integrity(instance, path, fast=True)

    def _has_memory(self, path: str) -> bool:
        header = self._header(path)
        return header is not None and header.memory != -1

    def _header(self, path: str) -> Optional[FileHeader]:
        try:
            return read_header(self.instance, path)
        except DatasetError:
            return None

    def _discard_memory(self, path: str) -> None:
        try:
            run_down(self.instance, path)
        except EngineError:
            # A damaged file is a reason to restore, not an obstacle; an open one is.
            self.require_standalone()

    def _start_journal(self, copy: DatasetCopy, path: str) -> None:
        position = copy.position
        if position is None or not position.journal:
            return
        # A crash or power cut while a journal was begun leaves it under this name, and mupip refuses ever after.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(position.journal + UNFINISHED_JOURNAL)
        kind = "before" if position.before_images else "nobefore"
        # mupip keeps the old journal under a name of its own and links the new one to nothing.
        answer = self.instance.mupip("set", f"-journal=enable,on,{kind},file={position.journal}", "-file", path)
        self.instance.require(answer, f"starting the journal of {copy.name}")
        if not read_header(self.instance, path).journal:
            raise EngineError(f"{copy.name} has no new journal", place=position.journal)

    def _prove_write(self, region: str, path: str) -> None:
        with tempfile.TemporaryDirectory(prefix="relmgmt-") as scratch:
            mapped = self._mapped_to(region, scratch)
            answer = mapped.mumps("-run", "%XCMD", PROOF.format(name=PROOF_GLOBAL), deadline=PROOF_DEADLINE)
            mapped.require(answer, f"proving a write to {path}")

    def _mapped_to(self, region: str, scratch: str) -> GtmInstance:
        """The instance through a global directory of its own that keeps the proof in this region."""
        directory = os.path.join(scratch, "proof.gld")
        # GDE waits half a second before it makes one that is not there.
        shutil.copyfile(self.reachable.global_directory, directory)
        mapped = with_directory(self.instance, directory)
        orders = f"add -name {PROOF_GLOBAL[1:]} -region={region}\nexit\n"
        answer = mapped.mumps("-run", "GDE", stdin=orders.encode())
        if not answer.has("GDUPDATE"):
            raise EngineError(
                f"the proof cannot be mapped to {region}: {answer.out.strip()[-300:]}", place=directory,
                cure="see whether this user may write the global directory's copy",
            )
        return mapped
