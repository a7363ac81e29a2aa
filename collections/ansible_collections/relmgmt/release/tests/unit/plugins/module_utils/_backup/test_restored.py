# SPDX-License-Identifier: GPL-3.0-or-later
"""The note of a finished restore, and what memory says about a file (invariant 7)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import restored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copying import copy_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import Changes, compare
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.touched import forget, touched
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DATABASE, DatasetCopy
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout

LAYOUT = Layout(8192, SHA256)
BLOCK = LAYOUT.block_size
SIZE = 3000 * BLOCK + 1000


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "live.dat"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def stored(tmp_path: Path, live: Path) -> Stored:
    done = copy_file(str(live), str(tmp_path / "A.dat"), str(tmp_path / "A.dat.digests"), LAYOUT)
    copy = DatasetCopy("A", "A.dat", DATABASE, str(live), done.size, done.root, 0o640, 0, 0, None, BLOCK, SHA256)
    return Stored(str(tmp_path), copy)


def write(path: Path, *blocks: int) -> None:
    with path.open("r+b", buffering=0) as stream:
        for block in blocks:
            stream.seek(block * BLOCK + 10)
            stream.write(b"engine")


def test_what_was_read_or_written_since_is_in_memory_and_little_else(live: Path) -> None:
    forget(str(live))
    with live.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        os.pread(stream.fileno(), 100, 700 * BLOCK)
    write(live, 0, 1500, 3000)
    found = list(touched(str(live), BLOCK))
    assert {0, 700, 1500, 3000} <= set(found)
    assert found == sorted(set(found))
    assert len(found) < 600


def test_small_blocks_of_one_page_are_each_told(live: Path) -> None:
    forget(str(live))
    write(live, 9)
    assert {36, 37} <= set(touched(str(live), 2048))


@pytest.mark.parametrize("size", [SIZE, SIZE + 40 * BLOCK, SIZE - BLOCK, SIZE + 5])
def test_the_note_is_that_of_a_whole_read_without_one(
    live: Path, stored: Stored, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(str(live))
    write(live, 0, 5, 2000)
    os.truncate(live, size)
    whole = compare(str(live), stored)
    # The whole read has left all in memory: what was dropped before the proof is dropped again.
    forget(str(live))
    write(live, 5, 2000)
    with live.open("rb") as stream:
        os.pread(stream.fileno(), 10, SIZE - 2000)
    with monkeypatch.context() as patched:
        patched.setattr(restored, "compare", _refuse)
        restored.write_note(str(live), stored)
    assert restored.is_noted(str(live), stored.copy, whole)


def _refuse(*_arguments: object) -> Changes:
    raise AssertionError("the file is read a third time")


def test_an_engine_that_leaves_no_trace_in_memory_costs_a_read(
    live: Path, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(live, 0, 5, 2000)
    for blind in (lambda path, size: iter([0, 1, 17]), _cannot_tell):
        monkeypatch.setattr(restored, "touched", blind)
        restored.write_note(str(live), stored)
        assert restored.is_noted(str(live), stored.copy, compare(str(live), stored))


def _cannot_tell(_path: str, _size: int) -> object:
    raise OSError("no mincore")


def test_t43_the_header_alone_makes_no_difference_and_any_other_block_does(live: Path, stored: Stored) -> None:
    write(live, 5)
    restored.write_note(str(live), stored)
    write(live, 0)
    assert restored.is_noted(str(live), stored.copy, compare(str(live), stored))
    write(live, 6)
    assert not restored.is_noted(str(live), stored.copy, compare(str(live), stored))


def test_a_note_of_another_point_or_a_broken_one_counts_for_nothing(live: Path, stored: Stored) -> None:
    changes = compare(str(live), stored)
    assert not restored.is_noted(str(live), stored.copy, changes)
    restored.write_note(str(live), stored)
    assert restored.is_noted(str(live), stored.copy, changes)
    assert not restored.is_noted(str(live), stored.copy._replace(root="0" * 64), changes)
    (live.parent / ".live.dat.relmgmt-restored").write_text("{")
    assert not restored.is_noted(str(live), stored.copy, changes)
