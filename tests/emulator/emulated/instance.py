# SPDX-License-Identifier: GPL-3.0-or-later
"""A running instance: databases, journal, freeze, transactions. One lock guards all of it."""

from __future__ import annotations

import json
import shutil
import threading
import time

from emulated.databases import Database
from emulated.errors import MError
from emulated.journal import Journal, Update, updates
from emulated.layout import Settings, read_cpf
from emulated.values import Key, key, text


class Freeze:
    """Physical writes are suspended; ``pending`` are the updates that the files still lack."""

    def __init__(self, pauses_at: float) -> None:
        self.pauses_at = pauses_at
        self.pending: list[Update] = []
        self.timer: threading.Timer | None = None


class Instance:
    """What all sessions share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.changed = threading.Condition(threading.RLock())
        self.databases: dict[str, Database] = {}
        self.journal = Journal(settings.journals)
        self.freeze: Freeze | None = None

    # -- start and stop --------------------------------------------------------------

    def log(self, message: str, severity: int = 0) -> None:
        """A line of the messages log (1.1)."""
        stamp = time.strftime("%m/%d/%y-%H:%M:%S:000")
        with self.settings.log.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} ({threading.get_native_id()}) {severity} {message}\n")

    def start(self) -> str:
        """Mount what can be mounted and recover from the journal; why the start failed, or ""."""
        shutil.rmtree(self.settings.memory, ignore_errors=True)
        self.configure()
        manager = self.database(f"{self.settings.manager}/")
        why = manager.mount()
        if why:
            self.log(f"Startup failed: {why}", 3)
            return why
        for each in self.databases.values():
            why = each.mount()
            if why:
                self.log(f"Could not mount {each.directory}: {why}", 2)
        self._recover()
        self.log("Enabling logons")
        return ""

    def configure(self) -> None:
        """Know the databases that the CPF names; flags and servers behind a comma are no directory (1.3)."""
        for value in read_cpf(self.settings.cpf).get("Databases", {}).values():
            directory = value.split(",")[0]
            if directory not in self.databases:
                mirrored = directory.rstrip("/").endswith(("cfisdata", "cfiscode"))
                self.databases[directory] = Database(self.settings, directory, mirrored)

    def stop(self) -> None:
        with self.changed:
            if self.freeze:
                self.thaw()
            for each in self.databases.values():
                if each.mounted:
                    each.dismount()
            self.journal.close()
            shutil.rmtree(self.settings.memory, ignore_errors=True)
            self.log("Shutdown complete")

    def database(self, directory: str) -> Database:
        """The database of a directory; <DIRECTORY> if there is none."""
        found = self.databases.get(directory)
        if found is None:
            raise MError("DIRECTORY", f"*{directory}")
        return found

    def known(self, directory: str) -> Database:
        """The database of a directory, also of one that the CPF does not name but that holds a file."""
        if directory not in self.databases:
            found = Database(self.settings, directory)
            if not found.path.exists():
                raise MError("DIRECTORY", f"*{directory}")
            self.databases[directory] = found
        return self.databases[directory]

    # -- globals ---------------------------------------------------------------------

    def update(self, kind: str, directory: str, name: str, subscripts: list[Key], value: str = "") -> Update | None:
        """Make an update, in the journal first; returns what undoes it."""
        with self.changed:
            database = self._writable(directory, name)
            self._wait_while_paused()
            undo = self._undo(database, name, subscripts)
            record = (kind, directory, name, [text(each) for each in subscripts], value)
            self.journal.write(record)
            if self.freeze:
                self.freeze.pending.append(record)
            database.update(kind, name, subscripts, value)
            return undo

    def set_many(self, rows: list[tuple[str, str, list[str], str]]) -> None:
        """Set several nodes; no transaction takes them back, as a compiler's writes are none."""
        with self.changed:
            self._wait_while_paused()
            by_directory: dict[str, list[tuple[str, list[Key], str]]] = {}
            for directory, name, subscripts, value in rows:
                self._writable(directory, name)
                record = ("set", directory, name, subscripts, value)
                self.journal.write(record)
                if self.freeze:
                    self.freeze.pending.append(record)
                by_directory.setdefault(directory, []).append((name, [key(each) for each in subscripts], value))
            for directory, found in by_directory.items():
                self.database(directory).store(found[0][0]).set_many(found)

    def _writable(self, directory: str, name: str) -> Database:
        database = self.database(directory)
        if database.read_only or (database.mirrored and Settings.load(self.settings.base).scenario.mirror_backup):
            raise MError("PROTECT", f"^{name},{directory}")
        return database

    def _undo(self, database: Database, name: str, subscripts: list[Key]) -> Update | None:
        before = database.store(name).get(name, subscripts)
        where = [text(each) for each in subscripts]
        if before is None:
            return "zkill", database.directory, name, where, ""
        return "set", database.directory, name, where, before

    def below(self, directory: str, name: str, subscripts: list[Key]) -> list[tuple[list[str], str]]:
        """Every node with a value from one on down, with all subscripts."""
        with self.changed:
            found = self.database(directory).store(name).nodes(name, subscripts)
            return [([text(each) for each in subs], value) for subs, value in found]

    # -- freeze (3.1) ----------------------------------------------------------------

    def start_freeze(self, switch: bool, timeout: float, limit: float) -> str:
        """Suspend physical writes; why that failed, or "". ``limit``: seconds after which they resume alone."""
        with self.changed:
            if self.freeze:
                return "the write daemon is suspended already"
            if switch:
                self.journal.switch()
            self.journal.mark("ExternalFreeze")
            self._remember(self.journal.path.name, self.journal.offset())
            for each in self.databases.values():
                each.freeze()
            now = time.monotonic()
            self.freeze = Freeze(now + (timeout or Settings.load(self.settings.base).scenario.freeze_timeout))
            if limit:
                self._arm(limit)
            self.log("Backup.General.ExternalFreeze: System suspended")
            return ""

    def _arm(self, limit: float) -> None:
        assert self.freeze is not None
        frozen = self.freeze
        frozen.timer = threading.Timer(limit, self._lapse, (frozen,))
        frozen.timer.daemon = True
        frozen.timer.start()

    def _lapse(self, frozen: Freeze) -> None:
        """WDSuspendLimit has passed: the write daemon resumes by itself (FAULTS, InterSystems)."""
        with self.changed:
            if self.freeze is frozen:
                self.log("Write daemon suspension limit reached, writes resumed", 2)
                self.thaw()

    def thaw(self) -> bool:
        """Let writes go on, those held back first; False if none were suspended."""
        with self.changed:
            frozen, self.freeze = self.freeze, None
            if frozen is None:
                return False
            if frozen.timer:
                frozen.timer.cancel()
            for each in self.databases.values():
                each.thaw()
            self._apply(frozen.pending)
            self._forget()
            self.log("Backup.General.ExternalThaw: System resumed")
            self.changed.notify_all()
            return True

    def paused(self) -> bool:
        """Whether the freeze has lasted so long that users are stopped too, and nobody gets in."""
        return self.freeze is not None and time.monotonic() >= self.freeze.pauses_at

    def _wait_while_paused(self) -> None:
        while self.paused():
            self.changed.wait(1.0)

    def wait_for_logins(self) -> None:
        with self.changed:
            self._wait_while_paused()

    # -- crash recovery --------------------------------------------------------------

    def _remember(self, file: str, offset: int) -> None:
        (self.settings.private / "frozen.json").write_text(json.dumps([file, offset]), encoding="utf-8")

    def _forget(self) -> None:
        (self.settings.private / "frozen.json").unlink(missing_ok=True)

    def _recover(self) -> None:
        """After a crash while frozen the journal holds what the files lack (3.1)."""
        note = self.settings.private / "frozen.json"
        if note.exists():
            file, offset = json.loads(note.read_text(encoding="utf-8"))
            self._apply(list(updates(self.settings.journals, file, offset)))
            self._forget()
            self.log("Journal recovery complete")

    def _apply(self, pending: list[Update]) -> None:
        for kind, directory, name, subscripts, value in pending:
            database = self.databases.get(directory)
            if database is not None and database.mounted:
                database.update(kind, name, [key(each) for each in subscripts], value)
