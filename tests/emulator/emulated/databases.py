# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a running instance: mounted or not, and where reads and writes go while writes are frozen."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from emulated.errors import MError
from emulated.layout import Settings
from emulated.store import Store, is_database
from emulated.values import Key


class Database:
    """One directory with a database file.

    While the instance is frozen the file is closed and stays as it is; ``memory`` is a copy
    in which users go on working, as in the buffers of a real instance (FACTS 3.1).
    """

    def __init__(self, settings: Settings, directory: str, mirrored: bool = False) -> None:
        self.settings = settings
        self.directory = directory
        self.path = Path(directory) / settings.product.database_file
        self.lock = Path(directory) / settings.product.lock_file
        self.mounted = False
        self.read_only = False
        self.mirrored = mirrored
        self.frozen = False
        self.memory: Path | None = None
        self._store: Store | None = None
        self._opened = False

    # -- mounting (3.3) --------------------------------------------------------------

    def mount(self, read_only: bool = False) -> str:
        """Make the database usable; returns why that cannot be, "" if it is."""
        if self.mounted:
            return ""
        if not self.path.exists():
            return f"{self.path} does not exist"
        if not is_database(str(self.path)):
            return f"{self.path} is not a database: its first block has no database label"
        owner = self._lock_owner()
        if owner and owner != self._own_lock():
            return f"{self.path} is mounted by {owner}"
        self.lock.write_text(self._own_lock(), encoding="utf-8")
        self.mounted, self.read_only = True, read_only
        return ""

    def _own_lock(self) -> str:
        return f"{self.settings.name} {self.settings.install}"

    def _lock_owner(self) -> str:
        return self.lock.read_text(encoding="utf-8") if self.lock.exists() else ""

    def dismount(self) -> None:
        self.close()
        self._opened = False
        self._forget_memory()
        self.mounted = False
        self.lock.unlink(missing_ok=True)

    # -- the file --------------------------------------------------------------------

    def store(self, name: str = "") -> Store:
        """The open file, or the memory while frozen; <DISMOUNTED> if it may not be used."""
        if not self.mounted:
            raise MError("DISMOUNTED", f"^{name},{self.directory}" if name else self.directory)
        if self._store is None:
            self._store = self._open()
        return self._store

    def _open(self) -> Store:
        path = self.path
        if self.frozen or self.read_only:
            # GT.M marks a file that it opens, even for reading: a read-only mount must leave it as it is.
            if self.memory is None:
                self.memory = self._copy()
            path = self.memory
        if not self._opened:
            # The file may come from elsewhere, or from before a crash, and name shared memory that is gone.
            run_down(self.settings, path)
            self._opened = True
        return Store(str(path), self.settings.environment(), f"{self.settings.gtm_dist}/mumps")

    def _copy(self) -> Path:
        """A private copy, in memory where the host has such a place."""
        self.settings.memory.mkdir(exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=self.settings.memory))
        return Path(shutil.copyfile(self.path, directory / self.path.name))

    def close(self) -> None:
        """Close the file: it is complete on disk then, and nothing touches it until the next use."""
        if self._store is not None:
            self._store.close()
            self._store = None

    # -- freezing --------------------------------------------------------------------

    def freeze(self) -> None:
        self.close()
        self.frozen = True

    def thaw(self) -> None:
        """Forget the memory; the caller makes the updates to the file that were made to it."""
        self.close()
        self.frozen = False
        if not self.read_only:
            self._forget_memory()

    def _forget_memory(self) -> None:
        if self.memory is not None:
            shutil.rmtree(self.memory.parent)
            self.memory = None

    def update(self, kind: str, name: str, subscripts: list[Key], value: str) -> None:
        store = self.store(name)
        if kind == "set":
            store.set(name, subscripts, value)
        else:
            store.kill(name, subscripts, kind == "kill")


def run_down(settings: Settings, path: Path) -> None:
    """GT.M's after-care of a file: what a killed process left in shared memory goes to it."""
    subprocess.run(
        [f"{settings.gtm_dist}/mupip", "rundown", "-file", str(path)], check=False, capture_output=True,
        env={**settings.environment(), "emulated_dat": str(path)}, stdin=subprocess.DEVNULL)
