# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of ``Storage`` of Caché and IRIS for putting datasets back: who is there, the marker, the proof.

Dismounted databases are closed as long as the instance lives; after a reboot it would mount
them again. That is harmless until the first is written, and then its first block is none that
could be mounted. The marker beside the CPF says what is unfinished.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Dict, List, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_databases, iris_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import IrisTerminal
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_view import Place
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, HostStateUnknown, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, write_durably


class IrisPutBack(Storage):
    """The datasets of one instance, as a restore uses them."""

    engine = "iris"
    source_directory = ""
    object_directory = ""

    def __init__(self, terminal: IrisTerminal) -> None:
        self.terminal = terminal
        self.name = terminal.name

    def paths(self) -> Dict[str, str]:
        return {one.name: one.path for one in iris_databases.places(self.terminal)}

    # -- who is there ----------------------------------------------------------------

    def attached(self) -> Attached:
        if self.terminal.status().down:
            return Attached(0, ())
        try:
            users = iris_view.attached(self.terminal)
        except HostStateUnknown:
            users = Attached(0, ())
        # A running instance writes to its files whenever it likes, whether it has users or not.
        return users._replace(processes=users.processes + 1)

    def require_standalone(self) -> None:
        status = self.terminal.status(fresh=True)
        if status.down:
            self._require_recovered()
            return
        iris_view.require_primary(self.terminal, self.terminal.require_ready())
        users = iris_view.attached(self.terminal)
        if users.processes:
            raise Refused(
                f"{users.processes} processes are in namespaces of these datasets: "
                + ", ".join(str(pid) for pid in users.pids),
                place=self.terminal.place, pids=list(users.pids),
                cure="quiesce the application (module application, state quiesced), then run again",
            )

    def _require_recovered(self) -> None:
        """After a crash blocks wait in the write image journal for the next start: they would go over ours."""
        lock_file = self.terminal.status().lock_file
        locks = [one.directory + lock_file for one in self._places if os.path.exists(one.directory + lock_file)]
        if locks and not self.unfinished():
            raise HostStateUnknown(
                f"the instance is down and was not stopped in order: there is {locks[0]}", place=self.terminal.place,
                cure="start it, so that it recovers; then run again",
            )

    # -- putting back ----------------------------------------------------------------

    def settle(self, paths: Sequence[str]) -> None:
        # A dismount alone writes down what is in memory. Mounted again, so that nothing has changed for
        # anybody if the comparison finds nothing to be done.
        if self.terminal.status().ready:
            iris_databases.mount(self.terminal, iris_databases.dismount(self.terminal, self._at(paths)))

    def close(self, set_path: str, names: Sequence[str], confirmed_by: str) -> None:
        begun = self.unfinished()
        left = begun.get("names")
        pending = sorted({*names, *(left if isinstance(left, list) else [])})
        text = json.dumps({"path": set_path, "names": pending, "confirmed_by": confirmed_by}, sort_keys=True)
        write_durably(self._base + fence.MARKER, text.encode())
        failpoint("restore:marked")
        try:
            if self.terminal.status().ready:
                iris_databases.dismount(self.terminal, self._places)
        except EngineError:
            if not begun:
                self.open()
            raise
        failpoint("restore:fenced")

    def open(self) -> None:
        if self.terminal.status().ready:
            iris_databases.mount(self.terminal, self._places)
        failpoint("restore:opened")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._base + fence.MARKER)
            fsync_dir(os.path.dirname(self._base))

    def unfinished(self) -> Dict[str, object]:
        return fence.read_marker(self._base) or {}

    def prove(self, copy: DatasetCopy, path: str) -> None:
        """Mount, check, write, and dismount again: until all are proven nobody shall come in."""
        if self.terminal.status(fresh=True).down:
            self.terminal.start()
        if iris_view.is_frozen(self.terminal):
            raise Refused(
                "the instance is frozen", place=self.terminal.place,
                cure="wait for the backup that froze it; if there is none, run ExternalThaw of Backup.General",
            )
        for one in self._at([path]):
            iris_databases.prove(self.terminal, one)

    @property
    def _places(self) -> List[Place]:
        return iris_databases.places(self.terminal)

    @property
    def _base(self) -> str:
        return iris_view.configuration_file(self.terminal.status())

    def _at(self, paths: Sequence[str]) -> List[Place]:
        return [one for one in self._places if one.path in paths]
