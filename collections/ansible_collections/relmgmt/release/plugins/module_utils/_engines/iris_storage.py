# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets of a Caché or IRIS instance as files: copied under a freeze, dismounted to be replaced.

A freeze stops physical writes alone: users go on in memory, so nothing stands still for them
unless it lasts (FACTS 3.1). Its calls answer with exit statuses, 5 for success and 3 for
failure; any other is not known (T17). ExternalSetHistory is never called: it would let the
instance purge journals for a copy that may be thrown away.
"""

from __future__ import annotations

import glob
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_freeze import freeze_call
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import NONE, Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_databases, iris_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_options import IrisOptions
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_putback import IrisPutBack
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import (
    SHORT,
    SYSTEM,
    Ended,
    IrisTerminal,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_view import DONE, FROZEN_CALL, NOT_DONE
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command, DatasetFile
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    EngineError,
    HostStateUnknown,
    InvalidInput,
    Refused,
    RelmgmtError,
)

#: the block of nearly every database; only what a digest stands for depends on it
BLOCK_SIZE = 8192
FREEZE = "Backup.General.ExternalFreeze: physical writes suspended, journal switched"
THAW_CALL = "##class(Backup.General).ExternalThaw()"
METHOD = "Backup.General||ExternalFreeze"
#: what the watchdog runs: the thaw may answer "failure" on an instance that is not frozen
THAW = f'"$@" "{THAW_CALL}"; test $? -eq {DONE} && exit 0; "$@" "{FROZEN_CALL}"; test $? -eq {NOT_DONE}'
NEEDS_LOGIN = (
    "sessions log in with a password, which the watchdog that thaws must not carry; give iris.thaw_command, "
    "or enable operating system authentication"
)


class IrisStorage(IrisPutBack):
    """The datasets of one instance."""

    def __init__(self, terminal: IrisTerminal) -> None:
        super().__init__(terminal)
        self._journal = ""

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> "IrisStorage":
        """From ``relmgmt_instance``."""
        return cls(IrisTerminal(IrisOptions.of(instance)))

    def datasets(self) -> List[DatasetFile]:
        # A copy is only good if the instance itself has checked it: nothing can be taken while it is down.
        status = self.terminal.require_ready()
        held = iris_databases.places(self.terminal)
        missing = sorted(one.path for one in held if not os.path.isfile(one.path))
        if missing:
            raise HostStateUnknown(
                f"datasets are missing: {', '.join(missing)}", place=self.terminal.place,
                cure="restore them from a backup set before anything else",
            )
        more = [path for one in held for path in glob.glob(glob.escape(one.directory) + "*.VOL")]
        if more:
            raise InvalidInput(
                f"a database of several volumes cannot be copied yet: {', '.join(sorted(more))}",
                place=self.terminal.place, cure="leave it out of iris.databases and back it up by other means",
            )
        return [
            DatasetFile(one.name, one.path, os.path.getsize(one.path), BLOCK_SIZE, f"{one.name}/{status.dataset_file}")
            for one in held
        ]

    def online_copy(self, targets: Mapping[str, str]) -> str:
        # Its online backup writes a stream, not datasets, and unencrypted (FACTS 3.2).
        return ""

    def copied_positions(self, targets: Mapping[str, str]) -> Dict[str, Position]:
        return {name: Position(0, self._journal, False) for name in targets}

    def writes_since(
        self, positions: Mapping[str, Position], writers: Sequence[Writer], scratch: str, flush: bool = True
    ) -> Writes:
        return NONE._replace(unknown="the journals of Caché and IRIS are not read")

    def check_copy(self, path: str) -> None:
        self.terminal.require_ready()
        iris_databases.check_copy(self.terminal, path)

    # -- under a freeze ----------------------------------------------------------------

    def why_no_freeze(self) -> str:
        options = self.terminal.options
        return NEEDS_LOGIN if options.by_password and not options.thaw_command else ""

    def freeze(self, limit: int, hold: bool = False) -> str:
        del hold  # it never ends by itself
        if self.why_no_freeze():
            raise Refused(self.why_no_freeze(), place=self.terminal.place, cure="see iris.thaw_command")
        if self._frozen_before():
            raise Refused(
                "the instance is frozen already", place=self.terminal.place,
                cure="find out who froze it (cconsole.log, messages.log); ExternalThaw of Backup.General ends it",
            )
        call, own_limit = freeze_call(self._formal_spec(), limit)
        self._require_done(self.terminal.status_of(call, max(SHORT, float(limit))), "ExternalFreeze")
        self._journal = self._current_journal()
        return FREEZE + (f", resumed by the instance itself after {limit} s" if own_limit else "")

    def thaw(self) -> bool:
        held = self._still_frozen()
        ended = self.terminal.status_of(THAW_CALL)
        if iris_view.is_frozen(self.terminal):
            self._require_done(ended, "ExternalThaw")
            raise EngineError("the instance stays frozen", place=self.terminal.place, cure="run ExternalThaw by hand")
        return bool(held)

    def thaw_command(self) -> Command:
        environment = self.terminal.environment()
        options = self.terminal.options
        if options.thaw_command:
            return Command(options.thaw_command, environment, done=(0, DONE))
        return Command(("/bin/sh", "-c", THAW, "thaw", *self.terminal.words(SYSTEM)), environment)

    def _frozen_before(self) -> bool:
        """Refused unless sessions that do one call tell its status: the watchdog's thaw rests on that."""
        ended = self.terminal.status_of(FROZEN_CALL)
        if ended.rc not in (DONE, NOT_DONE):
            raise Refused(
                f"a session in %SYS ends with status {ended.rc} instead of {DONE} or {NOT_DONE}; it printed: "
                f"{self.terminal.tail(ended.text) or 'nothing'}", place=self.terminal.place,
                cure="take the start-up namespace from the session's user, for it makes -U %SYS of no effect",
            )
        return ended.rc == DONE

    def _still_frozen(self) -> Optional[bool]:
        try:
            return iris_view.is_frozen(self.terminal)
        except RelmgmtError:
            # Thawing comes first; a freeze that nobody saw at its end does not count.
            return None

    def _formal_spec(self) -> str:
        script = self.terminal.script().text("rmF", METHOD)
        script.do("set rmO=##class(%Dictionary.CompiledMethod).%OpenId(rmF)", 'set rmB=""')
        script.do("set:$isobject(rmO) rmB=rmO.FormalSpec").say("FS", "rmB")
        return self.terminal.talk(script, SYSTEM).first("FS")[0]

    def _current_journal(self) -> str:
        script = self.terminal.script().say("JN", "##class(%SYS.Journal.System).GetCurrentFileName()")
        return self.terminal.talk(script, SYSTEM).first("JN")[0]

    def _require_done(self, ended: Ended, what: str) -> None:
        if ended.rc == DONE:
            return
        said = self.terminal.tail(ended.text) or "nothing"
        if ended.rc == NOT_DONE:
            raise EngineError(
                f"{what} failed; it printed: {said}", place=self.terminal.place,
                cure="see cconsole.log or messages.log of the instance",
            )
        raise HostStateUnknown(
            f"{what} ended with status {ended.rc}, neither {DONE} (done) nor {NOT_DONE} (failed); it printed: {said}",
            place=self.terminal.place, cure="see whether the instance is frozen (IsWDSuspendedExt)",
        )
