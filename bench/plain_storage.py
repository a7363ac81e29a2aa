# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance that is one plain file: what the product's backup and restore do, and no engine.

It is at rest: nobody has the file open, there is no journal, and nothing to freeze or check.
What an engine's proof of a restored dataset does to the file, this one does too: it leaves a
block behind the header changed. The benchmark puts that block back before it compares.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy, Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command, DatasetFile, Storage

from .errors import BenchError

NAME, FILE = "DATASET", "dataset.dat"
BLOCK_SIZE = 8192
PROOF = b"proven".ljust(BLOCK_SIZE, b"\0")


class PlainStorage(Storage):
    """A file as the only dataset of an instance. ``closed``: says, durably, that it is being restored."""

    engine = "gtm"
    name = "BENCH"
    source_directory = ""
    object_directory = ""
    checks_whole_files = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._closed = path.with_name(path.name + ".closed")

    # -- copying ---------------------------------------------------------------------

    def datasets(self) -> list[DatasetFile]:
        return [DatasetFile(NAME, str(self.path), self.path.stat().st_size, BLOCK_SIZE, FILE)]

    def online_copy(self, targets: Mapping[str, str]) -> str:
        return ""

    def copied_positions(self, targets: Mapping[str, str]) -> dict[str, Position]:
        return dict.fromkeys(targets, Position(0, "", False))

    def at_rest(self) -> bool:
        return True

    def freeze(self, limit: int, hold: bool = False) -> str:
        return "nothing writes"

    def thaw(self) -> bool:
        return True

    def thaw_command(self) -> Command:
        return Command(("true",), {})

    def check_copy(self, path: str) -> None:
        return

    # -- who is there ----------------------------------------------------------------

    def attached(self) -> Attached:
        return Attached(0, ())

    def writes_since(
        self, positions: Mapping[str, Position], writers: Sequence[Writer], scratch: str, flush: bool = True
    ) -> Writes:
        return Writes("", 0, (), {}, {})

    # -- putting back ----------------------------------------------------------------

    def require_standalone(self) -> None:
        return

    def close(self, set_path: str, names: Sequence[str], confirmed_by: str) -> None:
        note = {"path": set_path, "names": list(names), "confirmed_by": confirmed_by}
        with self._closed.open("w", encoding="utf-8") as stream:
            json.dump(note, stream)
            stream.flush()
            os.fsync(stream.fileno())

    def settle(self, paths: Sequence[str]) -> None:
        return

    def prove(self, copy: DatasetCopy, path: str) -> None:
        with open(path, "r+b") as stream:
            stream.seek(-BLOCK_SIZE, os.SEEK_END)
            stream.write(PROOF)
            stream.flush()
            os.fsync(stream.fileno())

    def open(self) -> None:
        self._closed.unlink()

    def unfinished(self) -> dict[str, object]:
        return dict(json.loads(self._closed.read_text(encoding="utf-8"))) if self._closed.exists() else {}


def take_proof_back(path: Path) -> None:
    """Undo what ``prove`` wrote: the dataset's last block is zeros. BenchError if it was not proven."""
    with path.open("r+b") as stream:
        stream.seek(-BLOCK_SIZE, os.SEEK_END)
        if stream.read() != PROOF:
            raise BenchError(f"{path} was restored and not proven")
        stream.seek(-BLOCK_SIZE, os.SEEK_END)
        stream.write(bytes(BLOCK_SIZE))
        stream.flush()
        os.fsync(stream.fileno())
