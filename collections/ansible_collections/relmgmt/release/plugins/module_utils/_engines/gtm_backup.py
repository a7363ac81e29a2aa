# SPDX-License-Identifier: GPL-3.0-or-later
"""A consistent copy of a GT.M instance: ``mupip backup -online``, and its routines.

The copy is an image as of the start of the backup. The journals are switched at that
moment and linked to the ones before, so a region's journal position is its transaction
number, and what was written since is what the journals show from it on. The copies have
journaling disabled: opening one never touches a journal of the live dataset.
"""

from __future__ import annotations

import os
import re

from ansible_collections.relmgmt.release.plugins.module_utils._backup import routines
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.manifest import Copied
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    DATABASE,
    ROUTINES,
    Position,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import (
    LONG,
    FileHeader,
    read_header,
    regions,
    require_integrity,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    EngineError,
    HostStateUnknown,
    InvalidInput,
)

CONSISTENCY = "mupip backup -online -newjnlfiles=prevlink: all regions as of the start of the backup"


class GtmSource:
    """What a backup set of a GT.M instance is made from."""

    def __init__(self, instance: GtmInstance) -> None:
        self.instance = instance
        self.engine = instance.engine
        self.consistency = CONSISTENCY
        self.regions = regions(instance)
        missing = sorted(path for path in self.regions.values() if not os.path.isfile(path))
        if not os.path.isdir(instance.source_directory):
            missing.append(instance.source_directory)
        if missing:
            raise HostStateUnknown(
                f"datasets or sources are missing: {', '.join(missing)}", place=f"instance {instance.name}",
                cure="restore them from a backup set before anything else",
            )

    def size(self) -> int:
        """Bytes of all datasets and routines."""
        sources = [entry.path for entry in os.scandir(self.instance.source_directory) if entry.is_file()]
        return sum(os.path.getsize(path) for path in [*self.regions.values(), *sources])

    def copy_into(self, part: str) -> list[Copied]:
        """Copy everything into ``part``, checked by integ."""
        live = {region: read_header(self.instance, path) for region, path in self.regions.items()}
        answer = self._backup(part)
        failpoint("backup:copied")
        copied = [self._copied(part, region, live[region], answer) for region in sorted(self.regions)]
        return [*copied, self._routines(part)]

    def _backup(self, part: str) -> Answer:
        names = sorted(self.regions)
        targets = [os.path.join(part, name + ".dat") for name in names]
        if any("," in target for target in targets):
            raise InvalidInput(
                "mupip backup cannot write to a path with a comma", place=part, cure="choose another root"
            )
        answer = self.instance.mupip(
            "backup", "-online", "-newjnlfiles=prevlink", "-bkupdbjnl=disable",
            ",".join(names), ",".join(targets), deadline=LONG,
        )
        self.instance.require(answer, "mupip backup")
        if not answer.has("BACKUPSUCCESS"):
            raise EngineError("mupip backup does not say that it succeeded", place=part)
        return answer

    def _copied(self, part: str, region: str, live: FileHeader, answer: Answer) -> Copied:
        file = os.path.join(part, region + ".dat")
        require_integrity(self.instance, file)
        transaction = read_header(self.instance, file).transaction
        if transaction != _transaction_said(answer, file):
            raise EngineError("mupip backup and the copy name different transactions", place=file)
        position = Position(transaction, live.journal, live.before_images)
        return Copied(region, region + ".dat", DATABASE, self.regions[region], position)

    def _routines(self, part: str) -> Copied:
        routines.pack(self.instance.source_directory, os.path.join(part, routines.FILE))
        return Copied("routines", routines.FILE, ROUTINES, self.instance.source_directory)


def _transaction_said(answer: Answer, file: str) -> int:
    # BACKUPTN follows the BACKUPDBFILE of its file: "Transactions from 0x.. to 0x.. are backed up".
    said = answer.err + answer.out
    hit = re.search(re.escape(f"backed up in file {file}") + r"\s.*?BACKUPTN,.* to (0x[0-9A-F]+) ", said, re.S)
    return int(hit.group(1), 16) if hit else -1
