# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets of a GT.M instance as files, copied at one moment.

Either by ``mupip backup -online``, or as files while ``mupip freeze -on -online`` holds: all
regions stand at one transaction then, updates go on in memory, and journals are switched at
both ends. A file copied so still names the live instance's semaphores and shared memory, is
marked frozen (T42), and names the live journal. ``mupip integ`` of such a file removes the
live semaphores, and the live dataset cannot be opened any more; ``mupip rundown`` sees that
they are another file's and takes them out of the copy alone. So it comes first.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Position
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import (
    ALONE,
    LONG,
    FileHeader,
    read_header,
    read_headers,
    region_of_its_own,
    require_integrity,
    run_down,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_putback import GtmPutBack
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command, DatasetFile
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    EngineError,
    HostStateUnknown,
    InvalidInput,
    Refused,
)

ONLINE_COPY = "mupip backup -online -newjnlfiles=prevlink: all regions as of the start of the backup"
FREEZE = "mupip freeze -on -online: all regions at one transaction"
HELD_FREEZE = "mupip freeze -on -online -noautorelease: all regions at one transaction, writers wait"
#: of ``mupip freeze -off``: OFRZNOTHELD, the freeze was released for a write that had to be made
RELEASED = 120
#: one region that cannot be opened must not keep the others frozen
THAW = (
    '"$0" freeze -off "*"; case $? in 0|120) exit 0;; esac; s=0; '
    'for r in "$@"; do "$0" freeze -off "$r"; case $? in 0|120) ;; *) s=1;; esac; done; exit $s'
)


class GtmStorage(GtmPutBack):
    """The datasets of one GT.M instance."""

    has_online_copy = True

    def __init__(self, instance: GtmInstance) -> None:
        super().__init__(instance)
        self._files: Dict[str, str] = {}
        self._frozen_here = False
        self._directory = b""

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> GtmStorage:
        """From ``relmgmt_instance``."""
        return cls(GtmInstance.of(instance))

    def datasets(self) -> List[DatasetFile]:
        self._files = paths = self.paths()
        self._frozen_here = False
        missing = sorted(path for path in paths.values() if not os.path.isfile(path))
        if not os.path.isdir(self.source_directory):
            missing.append(self.source_directory)
        if missing or not paths:
            raise HostStateUnknown(
                f"datasets or sources are missing: {', '.join(missing) or 'the global directory names none'}",
                place=f"instance {self.name}", cure="restore them from a backup set before anything else",
            )
        headers = self._headers()
        return [self._dataset(name, path, headers.get(name)) for name, path in sorted(paths.items())]

    def _dataset(self, name: str, path: str, header: Optional[FileHeader]) -> DatasetFile:
        header = header or read_header(self.instance, path)
        return DatasetFile(name, path, os.path.getsize(path), header.block_size, name + ".dat")

    # -- the engine's own online backup ----------------------------------------------

    def online_copy(self, targets: Mapping[str, str]) -> str:
        names = sorted(targets)
        files = [targets[name] for name in names]
        if any("," in file for file in files):
            raise InvalidInput(
                "mupip backup cannot write to a path with a comma", place=files[0], cure="choose another root"
            )
        self._frozen_here = False
        answer = self.reachable.mupip(
            "backup", "-online", "-newjnlfiles=prevlink", "-bkupdbjnl=disable",
            ",".join(names), ",".join(files), deadline=LONG,
        )
        self.instance.require(answer, "mupip backup")
        if not answer.has("BACKUPSUCCESS"):
            raise EngineError("mupip backup does not say that it succeeded", place=f"instance {self.name}")
        for file in files:
            self._require_transaction(answer, file)
        return ONLINE_COPY

    def _require_transaction(self, answer: Answer, file: str) -> None:
        if not os.path.isfile(file):
            # T7: a backup task that made no backup
            raise DatasetError("mupip backup made no copy", place=file, cure="see what mupip said; run again")
        if read_header(self.instance, file).transaction != _transaction_said(answer, file):
            raise EngineError("mupip backup and the copy name different transactions", place=file)

    def copied_positions(self, targets: Mapping[str, str]) -> Dict[str, Position]:
        return {name: self._position(name, file) for name, file in sorted(targets.items())}

    def _position(self, name: str, file: str) -> Position:
        live, copied = read_header(self.instance, self._known[name]), read_header(self.instance, file)
        if self._frozen_here and not copied.frozen:
            raise DatasetError(f"the copy of {name} was not made under the freeze", place=file)
        if copied.journal and not live.journal:
            raise EngineError(
                f"{name} journals no more: with the freeze its journal had to be switched, and no new file "
                "could be made", place=copied.journal,
                cure="free space there, then mupip set -journal=enable,on,before -region",
            )
        return Position(copied.transaction, live.journal, live.before_images)

    # -- as files under a freeze -----------------------------------------------------

    def at_rest(self) -> bool:
        # Shared memory that killed processes left holds what they had not yet written.
        left = [name for name, header in self._headers().items() if header.memory != -1]
        return not left and not self.attached().processes

    def why_no_freeze(self) -> str:
        mapped = [name for name, header in self._headers().items() if header.mapped]
        if mapped:
            return f"mupip freeze -online leaves out regions of access method MM ({', '.join(mapped)})"
        return ""

    def freeze(self, limit: int, hold: bool = False) -> str:
        frozen = self._frozen()
        if frozen:
            raise Refused(
                f"{', '.join(frozen)} of {self.name} is frozen already", place=f"instance {self.name}",
                cure="find out who froze it (operator log, DBFREEZEON); mupip freeze -off ends it",
            )
        self._frozen_here = True
        options = ["-online", "-noautorelease"] if hold else ["-online"]
        answer = self.reachable.mupip("freeze", "-on", *options, "*", deadline=float(limit))
        self.instance.require(answer, f"mupip freeze -on {' '.join(options)}")
        return HELD_FREEZE if hold else FREEZE

    def thaw(self) -> bool:
        held = self._frozen() == sorted(self._known)
        answer = self.reachable.mupip("freeze", "-off", "*")
        if answer.rc not in (0, RELEASED):
            for name in self._known:
                self.reachable.mupip("freeze", "-off", name)
        still = self._frozen()
        if still:
            self.instance.require(answer, f"thawing {', '.join(still)}")
            raise EngineError(f"{', '.join(still)} stays frozen", place=f"instance {self.name}")
        return held and answer.rc != RELEASED

    def thaw_command(self) -> Command:
        mupip = os.path.join(self.instance.dist, "mupip")
        return Command(("/bin/sh", "-c", THAW, mupip, *sorted(self._known)), self.reachable.environment())

    @property
    def _known(self) -> Dict[str, str]:
        # Asked once: every answer costs a process, and the datasets stand still meanwhile.
        self._files = self._files or self.paths()
        return self._files

    def _frozen(self) -> List[str]:
        return [name for name, header in self._headers().items() if header.frozen]

    def _headers(self) -> Dict[str, FileHeader]:
        found = read_headers(self.reachable)
        for name in sorted(set(self._known) - set(found)):
            with contextlib.suppress(DatasetError):
                found[name] = read_header(self.instance, self._known[name])
        return dict(sorted(found.items()))

    # -- the copies ------------------------------------------------------------------

    def check_copy(self, path: str) -> None:
        header = read_header(self.instance, path)
        if header.memory != -1 or header.frozen or header.journal:
            self._make_sound(path)
        require_integrity(self.instance, path)

    def _make_sound(self, path: str) -> None:
        """Take out what ``mupip backup`` leaves out of its copies: live memory, freeze, live journal."""
        instance = self.instance
        run_down(instance, path)
        if read_header(instance, path).memory != -1:
            raise EngineError("the copy still names the live dataset's memory", place=path)
        instance.require(instance.mupip("set", "-journal=disable", "-file", path), f"closing the journal of {path}")
        if read_header(instance, path).frozen:
            self._thaw_copy(path)
        header = read_header(instance, path)
        if header.frozen or header.journal:
            raise EngineError("the copy could not be made a dataset of its own", place=path)

    def _thaw_copy(self, path: str) -> None:
        with tempfile.TemporaryDirectory(prefix="relmgmt-") as scratch:
            if self._directory:
                # The next copy changes it, which is a hundred times as fast as creating one.
                with open(os.path.join(scratch, ALONE), "wb") as stream:
                    stream.write(self._directory)
            alone = region_of_its_own(self.instance, path, scratch)
            with open(alone.global_directory, "rb") as stream:
                self._directory = stream.read()
            alone.require(alone.mupip("freeze", "-off", "DEFAULT"), f"thawing {path}")


def _transaction_said(answer: Answer, file: str) -> int:
    # BACKUPTN follows the BACKUPDBFILE of its file: "Transactions from 0x.. to 0x.. are backed up".
    said = answer.err + answer.out
    hit = re.search(re.escape(f"backed up in file {file}") + r"\s.*?BACKUPTN,[^\n]* to (0x[0-9A-F]+) ", said, re.S)
    return int(hit.group(1), 16) if hit else -1
