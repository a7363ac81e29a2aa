# SPDX-License-Identifier: GPL-3.0-or-later
"""The second port of an engine: its datasets as files, copied consistently and put back.

``Engine`` (``port.py``) speaks of items and globals; ``Storage`` of files and of the moments
at which they may be read or replaced. Backup and restore know nothing else of an engine.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy, Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput


class DatasetFile(NamedTuple):
    """One dataset: its name in the instance, its file, its size and database block in bytes.

    ``file``: what its copy is called in a set, at most one directory deep.
    """

    name: str
    path: str
    size: int
    block_size: int
    file: str


class Command(NamedTuple):
    """A program that the watchdog can run on its own: no secret in ``argv`` or ``environment``.

    ``done``: exit statuses that mean the instance is thawed.
    """

    argv: Tuple[str, ...]
    environment: Mapping[str, str]
    stdin: bytes = b""
    done: Tuple[int, ...] = (0,)


class Storage(ABC):
    """Datasets of one instance. Every method may raise EngineError or HostStateUnknown."""

    #: what a user says in ``instance.engine``
    engine: str
    #: the instance's name
    name: str
    #: where the sources lie if a restore of the datasets does not bring code back, else ""
    source_directory: str
    #: where their objects lie, "" with ``source_directory``
    object_directory: str
    #: whether the engine has an online backup that writes datasets
    has_online_copy = False
    #: whether ``check_copy`` needs the copy as one whole file, which it may change; if not, it has nothing to check
    checks_whole_files = True

    # -- copying ---------------------------------------------------------------------

    @abstractmethod
    def datasets(self) -> List[DatasetFile]:
        """All datasets, by name; a missing one is a HostStateUnknown that names it."""

    @abstractmethod
    def online_copy(self, targets: Mapping[str, str]) -> "str":
        """The engine's own online backup of every dataset to the path given for its name.

        Returns how consistency was reached, or "" if the engine has no such backup (nothing
        was done then). Journal positions: ``copied_positions``.
        """

    @abstractmethod
    def copied_positions(self, targets: Mapping[str, str]) -> Dict[str, Position]:
        """The journal position of each copy, as the copies or the frozen instance say."""

    def at_rest(self) -> bool:
        """Whether nobody has the datasets open and everything that was written is in the files.

        False where that cannot be told: an engine that runs may hold in memory what nobody has open.
        """
        return False

    def why_no_freeze(self) -> str:
        """Why the datasets cannot be copied as files under a freeze now, "" if they can; changes nothing."""
        return ""

    @abstractmethod
    def freeze(self, limit: int, hold: bool = False) -> str:
        """Stop physical writes; returns how. ``limit``: seconds for the engine's own dead-man switch.

        ``hold``: let writers wait rather than end the freeze where the engine would end it to write.
        Refused: somebody else froze it; nothing was done, and their freeze is not ours to end.
        """

    @abstractmethod
    def thaw(self) -> bool:
        """Let writes go on. False: the freeze had ended before, so what was read under it is void."""

    @abstractmethod
    def thaw_command(self) -> Command:
        """What the watchdog runs if nobody thaws; harmless on an instance that is not frozen."""

    @abstractmethod
    def check_copy(self, path: str) -> None:
        """The engine's integrity check of a copied dataset; DatasetError if it finds anything."""

    # -- who is there ----------------------------------------------------------------

    @abstractmethod
    def attached(self) -> Attached:
        """Who has the datasets open now."""

    @abstractmethod
    def writes_since(
        self, positions: Mapping[str, Position], writers: Sequence[Writer], scratch: str, flush: bool = True
    ) -> Writes:
        """What was written since these positions by others than ``writers`` (invariant 13)."""

    def keep_written(self, positions: Mapping[str, Position], target: str) -> int:
        """Put what was written since these positions into files in the directory ``target``; how many writes."""
        raise InvalidInput(
            f"what was written since a point cannot be kept aside with engine {self.engine}", f"instance {self.name}",
            "export what you want to keep yourself, and leave keep_written out",
        )

    # -- putting back ----------------------------------------------------------------

    def paths(self) -> Dict[str, str]:
        """Where every dataset lies or would lie, by name: missing, damaged and closed ones too."""
        return {one.name: one.path for one in self.datasets()}

    def healthy(self, path: str) -> bool:
        """Whether the first block, which opening alone may change, can be read and is not frozen."""
        return os.path.isfile(path)

    @abstractmethod
    def require_standalone(self) -> None:
        """Refuse while a process other than the engine itself uses the datasets."""

    @abstractmethod
    def close(self, set_path: str, names: Sequence[str], confirmed_by: str) -> None:
        """Make the instance's datasets unopenable, across reboot and autostart (invariant 8)."""

    @abstractmethod
    def settle(self, paths: Sequence[str]) -> None:
        """What the engine still keeps in memory for these files is in the files, or discarded.

        Needs standalone. Touches no file for which nothing is kept, so that a comparison made before holds.
        """

    @abstractmethod
    def prove(self, copy: DatasetCopy, path: str) -> None:
        """A restored dataset opens, is thawed, journals again, takes a write, has integrity (T42)."""

    @abstractmethod
    def open(self) -> None:
        """Make the datasets openable again: the last step of a restore."""

    @abstractmethod
    def unfinished(self) -> Dict[str, object]:
        """``{path, names, confirmed_by}`` of a restore that was cut off; empty if there is none."""
