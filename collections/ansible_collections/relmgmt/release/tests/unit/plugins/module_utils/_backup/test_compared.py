# SPDX-License-Identifier: GPL-3.0-or-later
"""By which way a dataset becomes the set's again; the device is measured only where that decides."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import compared
from ansible_collections.relmgmt.release.plugins.module_utils._backup.compared import Found, choose_ways, signature
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copying import copy_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import compare
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DATABASE, DatasetCopy
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout
from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import CLONE, COPY, DELTA

LAYOUT = Layout(8192, SHA256)
BLOCKS = 200
#: a disk that turns: sequences are fast, scattered blocks are not
SEQUENCE, SCATTERED = 200e6, 150.0


@pytest.fixture(autouse=True)
def grain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small datasets count."""
    monkeypatch.setattr(compared, "SMALL", 0)
    monkeypatch.setattr(compared, "can_clone", lambda source, directory: False)
    monkeypatch.setattr(compared, "scattered_rate", lambda path: SCATTERED)


def found(place: Path, dirty: int, name: str = "A", missing: bool = False) -> Found:
    live = place / f"{name}.live"
    live.write_bytes(os.urandom(BLOCKS * 8192))
    done = copy_file(str(live), str(place / name), str(place / f"{name}.digests"), LAYOUT)
    copy = DatasetCopy(name, name, DATABASE, str(live), done.size, done.root, 0o640, 0, 0, None, 8192, SHA256)
    stored = Stored(str(place), copy)
    with live.open("r+b") as stream:
        for block in range(dirty):
            stream.seek((1 + block * (BLOCKS // dirty)) * 8192)
            stream.write(b"dirty")
    if missing:
        live.unlink()
    changes = compare(str(live), stored)
    assert missing or changes.rate > 0
    changes.rate = SEQUENCE
    kept = str(place / "kept" / name)
    return Found(copy, str(live), stored, changes, False, False, "", signature(str(live)), kept)


def test_few_blocks_are_rewritten_without_a_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> float:
        raise AssertionError("the device was measured")

    monkeypatch.setattr(compared, "scattered_rate", refuse)
    way = choose_ways([found(tmp_path, 2)], 0)["A"]
    assert (way.way, way.reason) == (DELTA, "2 of 200 blocks differ")
    monkeypatch.setattr(compared, "SMALL", 16 << 20)
    assert choose_ways([found(tmp_path, 100, "B")], 0)["B"].way == DELTA


def test_many_scattered_blocks_of_a_turning_disk_are_copied(tmp_path: Path) -> None:
    way = choose_ways([found(tmp_path, 100)], 0)["A"]
    assert way.way == COPY
    assert "100 of 200 blocks differ" in way.reason


def test_without_room_for_a_copy_the_blocks_are_rewritten(tmp_path: Path) -> None:
    assert choose_ways([found(tmp_path, 100)], 1 << 60)["A"].way == DELTA


def test_room_is_promised_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [found(tmp_path, 100), found(tmp_path, 100, "B")]
    free = SimpleNamespace(f_bavail=BLOCKS * 3, f_frsize=4096)
    monkeypatch.setattr(compared.os, "statvfs", lambda directory: free)
    chosen = choose_ways(both, 4096)
    assert [one.way for one in chosen.values()] == [COPY, DELTA]


def test_a_clone_is_taken_from_the_set_else_from_the_clone_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def can(source: str, directory: str) -> bool:
        asked.append(source)
        return source.startswith(str(tmp_path / "kept"))

    monkeypatch.setattr(compared, "can_clone", can)
    one = found(tmp_path, 100)
    assert compared.clone_source(one) == ""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "A").write_bytes(b"")
    assert compared.clone_source(one) == one.kept
    assert asked == [str(tmp_path / "A"), str(tmp_path / "A"), one.kept]
    assert choose_ways([one], 1 << 60)["A"].way == CLONE


@pytest.mark.parametrize("clones, reserve, way", [(True, 0, CLONE), (False, 0, COPY), (False, 1 << 60, DELTA)])
def test_a_missing_dataset_goes_the_way_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clones: bool, reserve: int, way: str
) -> None:
    monkeypatch.setattr(compared, "can_clone", lambda source, directory: clones)
    chosen = choose_ways([found(tmp_path, 2, missing=True)], reserve)["A"]
    assert (chosen.way, chosen.reason) == (way, "there is no dataset")


def test_a_write_makes_a_comparison_stale(tmp_path: Path) -> None:
    one = found(tmp_path, 2)
    assert not one.stale
    with Path(one.path).open("r+b") as stream:
        stream.write(b"x")
    assert one.stale
    os.unlink(one.path)
    assert one.stale
