# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage without an engine: plain files, and a file that is there while they are frozen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy, Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command, DatasetFile, Storage


class PlainStorage(Storage):
    """The files ``*.dat`` of a directory. ``marker`` is there while they are frozen."""

    engine, name, source_directory, object_directory = "plain", "PLAIN", "", ""
    checks_whole_files = False

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.marker = self.directory / "frozen"
        self.users = 1
        self.checked: list[str] = []

    def datasets(self) -> list[DatasetFile]:
        return [
            DatasetFile(one.stem, str(one), one.stat().st_size, 8192, one.name)
            for one in sorted(self.directory.glob("*.dat"))
        ]

    def online_copy(self, targets: Mapping[str, str]) -> str:
        return ""

    def copied_positions(self, targets: Mapping[str, str]) -> dict[str, Position]:
        return {}

    def at_rest(self) -> bool:
        return not self.users

    def freeze(self, limit: int, hold: bool = False) -> str:
        self.marker.write_text(str(os.getpid()))
        return "plain freeze"

    def thaw(self) -> bool:
        held = self.marker.exists()
        self.marker.unlink(missing_ok=True)
        return held

    def thaw_command(self) -> Command:
        return Command(("/bin/rm", "-f", str(self.marker)), {})

    def check_copy(self, path: str) -> None:
        self.checked.append(path)

    def attached(self) -> Attached:
        return Attached(self.users, ())

    def writes_since(
        self, positions: Mapping[str, Position], writers: Sequence[Writer], scratch: str, flush: bool = True
    ) -> Writes:
        return Writes("no journal", 0, (), {}, {})

    def require_standalone(self) -> None:
        pass

    def close(self, set_path: str, names: Sequence[str], confirmed_by: str) -> None:
        pass

    def settle(self, paths: Sequence[str]) -> None:
        pass

    def prove(self, copy: DatasetCopy, path: str) -> None:
        pass

    def open(self) -> None:
        pass

    def unfinished(self) -> dict[str, object]:
        return {}
