# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets as a set holds them: nothing wrong is ever handed out (invariant 3)."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import direct, patch
from ansible_collections.relmgmt.release.plugins.module_utils._backup import stored as stored_module
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import verify_set
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import block_digests
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

CHANGED = [0, 1, 200, 255, 256, 514, 515]
DATA = "CFIS/DEFAULT.dat"
#: every region class of the two points of an attempt: file, first and last byte of the region
REGIONS = {
    "the header": ("before/" + DATA, 0, 8191),
    "a plain block that the second point needs": ("before/" + DATA, 100 * 8192, 101 * 8192 - 1),
    "the short last block": ("installed/" + DATA + ".blocks", 6 * 8192, 6 * 8192 + 76),
    "what fills its slot": ("installed/" + DATA + ".blocks", 6 * 8192 + 77, 7 * 8192 - 1),
    "the base's digests": ("before/" + DATA + ".digests", 0, 100),
    "the base's manifest": ("before/manifest.json", 0, 300),
    "a stored block": ("installed/" + DATA + ".blocks", 2 * 8192, 3 * 8192),
    "the index": ("installed/" + DATA + ".index", 0, 7 * 8 - 1),
    "the digests": ("installed/" + DATA + ".digests", 0, 516 * 16 - 1),
    "the manifest": ("installed/manifest.json", 0, 300),
    "the program": ("installed/assemble.py", 0, 3000),
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, new_sets: Callable[..., Any]) -> Iterator[Any]:
    """Both points; tests put back what they damage."""
    with new_sets((4 << 20) + 3 * 8192 + 77) as sets:
        sets.first = sets.content
        before = sets.take_before()
        sets.dirty(CHANGED)
        sets.take_installed(before)
        sets.second = sets.content
        yield sets


def opened(path: str) -> Stored:
    manifest = read_manifest(path)
    return Stored.of(path, manifest.datasets[0], manifest)


@pytest.mark.parametrize("region", REGIONS)
def test_a_flipped_bit_is_found_and_its_file_named(taken: Any, region: str) -> None:
    name, first, last = REGIONS[region]
    file = taken.root / name
    good = file.read_bytes()
    chance = random.Random(region)
    for _round in range(4):
        at, bit = chance.randint(first, min(last, len(good) - 1)), 1 << chance.randrange(8)
        file.write_bytes(good[:at] + bytes([good[at] ^ bit]) + good[at + 1:])
        with pytest.raises(DatasetError) as caught:
            verify_set(taken.installed)
        assert caught.value.place == str(file), (region, at, bit)
        assert caught.value.cure
    file.write_bytes(good)
    verify_set(taken.installed)


@pytest.mark.parametrize("entry", range(len(CHANGED)))
def test_an_index_that_names_another_block_is_named_itself(taken: Any, entry: int) -> None:
    file = taken.root / ("installed/" + DATA + ".index")
    good = file.read_bytes()
    for bit in range(9):
        data = bytearray(good)
        data[entry * 8 + bit // 8] ^= 1 << bit % 8
        file.write_bytes(bytes(data))
        with pytest.raises(DatasetError) as caught:
            verify_set(taken.installed)
        assert caught.value.place == str(file), bit
    file.write_bytes(good)


@pytest.mark.parametrize("region", REGIONS)
def test_with_a_flipped_bit_nothing_wrong_is_written(taken: Any, region: str, tmp_path: Path) -> None:
    name, first, last = REGIONS[region]
    file = taken.root / name
    good = file.read_bytes()
    at = random.Random(region + "2").randint(first, min(last, len(good) - 1))
    file.write_bytes(good[:at] + bytes([good[at] ^ 16]) + good[at + 1:])
    try:
        stored = opened(taken.installed)
        changes = patch.compare(str(tmp_path / "nothing"), stored)
        patch.verify_changes(stored, changes)
        stored.extract(str(tmp_path / "out"))
    except DatasetError:
        assert os.listdir(tmp_path) == []
    else:
        # What the second point does not need, it gives back in spite of the damage.
        assert region in ("the header", "the program", "what fills its slot")
        assert (tmp_path / "out").read_bytes() == taken.second
    finally:
        file.write_bytes(good)


@pytest.mark.parametrize("name", sorted({name for name, _first, _last in REGIONS.values()}))
@pytest.mark.parametrize("damage", ["cut", "grown", "empty", "gone"])
def test_a_file_of_another_length_is_named(taken: Any, name: str, damage: str) -> None:
    file = taken.root / name
    good = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"cut": good[:-8], "grown": good + b"\0" * 8, "empty": b""}[damage])
    try:
        with pytest.raises(DatasetError) as caught:
            verify_set(taken.installed)
        of_index = name.endswith(".index") and caught.value.place.endswith(".blocks")
        assert caught.value.place == str(file) or of_index
    finally:
        file.write_bytes(good)


def test_digests_and_index_are_read_back_from_the_device_too(taken: Any, monkeypatch: Any) -> None:
    real, dropped = direct.BlockFile.drop, []

    def drop(self: Any, offset: int = 0, length: int = 0) -> None:
        dropped.append(self.path)
        real(self, offset, length)

    monkeypatch.setattr(direct.BlockFile, "drop", drop)
    stored = opened(taken.installed)
    stored.verify()
    assert {stored.digests_path, stored.index_path} <= set(dropped)


def test_what_is_stored_where_is_known(taken: Any) -> None:
    before, installed = opened(taken.before), opened(taken.installed)
    assert before.plain_path == os.path.join(taken.before, DATA)
    assert installed.plain_path is None
    assert before.total == installed.total == 516


def test_a_missing_base_is_named(taken: Any) -> None:
    shutil.move(taken.before, taken.before + "-moved")
    try:
        with pytest.raises(DatasetError, match="no backup set") as caught:
            opened(taken.installed)
        assert caught.value.place == os.path.join(taken.before, "manifest.json")
    finally:
        shutil.move(taken.before + "-moved", taken.before)


def test_another_set_in_the_bases_place_is_refused(new_sets: Callable[..., Any]) -> None:
    with new_sets(100_000) as sets:
        sets.take_installed(sets.take_before())
        shutil.rmtree(sets.before)
        sets.dirty([3])
        sets.take_before()
        with pytest.raises(DatasetError, match=r"not the set that .* builds on"):
            opened(sets.installed)


def test_digests_that_fit_the_file_but_not_the_manifest_are_refused(new_sets: Callable[..., Any]) -> None:
    with new_sets(100_000) as sets:
        stored = sets.take_before()
        data = bytearray(Path(stored.path).read_bytes())
        data[9] ^= 1
        Path(stored.path).write_bytes(bytes(data))
        digests = block_digests(bytes(data), sets.layout)
        Path(stored.digests_path).write_bytes(digests)
        with pytest.raises(DatasetError, match="not those of the manifest") as caught:
            verify_set(sets.before)
        assert caught.value.place == stored.digests_path


def test_an_extract_that_reads_back_otherwise_is_no_file(taken: Any, tmp_path: Path, monkeypatch: Any) -> None:
    real = stored_module.BlockFile.read

    def read(self: Any, buffer: memoryview, offset: int, length: int) -> memoryview:
        found = real(self, buffer, offset, length)
        if self.path == str(tmp_path / "out") and offset:
            found[0] ^= 1
        return found

    monkeypatch.setattr(stored_module.BlockFile, "read", read)
    with pytest.raises(DatasetError, match="read back otherwise"):
        opened(taken.before).extract(str(tmp_path / "out"))
    assert os.listdir(tmp_path) == []


def test_without_direct_io_an_extract_is_the_same(taken: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(direct, "_open_direct", lambda _path, _flags: -1)
    opened(taken.installed).extract(str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == taken.second


@pytest.mark.parametrize("near", [1, 2, 300, 16384])
def test_scattered_blocks_are_loaded_wherever_they_lie(taken: Any, monkeypatch: Any, near: int) -> None:
    monkeypatch.setattr(stored_module, "NEAR", near)
    numbers = [0, 2, 3, 199, 200, 201, 255, 256, 514, 515]
    buffer = direct.aligned_buffer(len(numbers) * 8192)
    with opened(taken.installed).reader() as reader:
        found = bytes(reader.load(numbers, buffer))
    assert found == b"".join(taken.second[one * 8192:(one + 1) * 8192] for one in numbers)


def test_the_manifest_holds_no_digest_of_a_block(taken: Any) -> None:
    values = json.loads(Path(taken.before, "manifest.json").read_text())
    assert len(json.dumps(values)) < 2000
