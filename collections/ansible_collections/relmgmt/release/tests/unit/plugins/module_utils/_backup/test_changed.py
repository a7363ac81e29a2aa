# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of a second point's blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._backup.changed import (
    ENTRY,
    Index,
    SlotWriter,
    packed,
    unpacked,
)
from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import aligned_buffer
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

TOTAL = 20_000
LAYOUT = Layout(4096, SHA256)


def write(path: Path, *runs: list[int]) -> str:
    path.write_bytes(b"".join(packed(run) for run in runs))
    return str(path)


@given(
    first=st.sets(st.integers(0, TOTAL - 1), max_size=60), second=st.sets(st.integers(0, TOTAL - 1), max_size=20),
    start=st.integers(0, TOTAL), length=st.integers(0, TOTAL),
)
def test_every_slot_is_found_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, first: set[int], second: set[int], start: int, length: int
) -> None:
    numbers = sorted(first) + sorted(second - first)
    path = write(tmp_path_factory.getbasetemp() / "index", numbers)
    with Index(path, TOTAL) as index:
        assert index.count == len(numbers)
        expected = {one: slot for slot, one in enumerate(numbers) if start <= one < start + length}
        assert index.slots(start, start + length) == expected


def test_an_index_longer_than_one_read_is_searched(tmp_path: Path) -> None:
    numbers = list(range(0, TOTAL, 2))
    with Index(write(tmp_path / "index", numbers, [1, 3]), TOTAL) as index:
        assert index.slots(9_000, 9_003) == {9_000: 4_500, 9_002: 4_501}
        assert index.slots(0, 4) == {0: 0, 2: 1, 1: len(numbers), 3: len(numbers) + 1}


@pytest.mark.parametrize("data, message", [
    (packed([1, 2])[:-1], "15 bytes"), (packed([1, TOTAL]), f"names block {TOTAL} of {TOTAL}"),
    (packed([2 ** 63]), "names block"), (packed([5, 4, 3, 2, 1] * 9), "not in order"),
])
def test_a_damaged_index_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "index").write_bytes(data)
    with pytest.raises(DatasetError, match=message) as caught:
        Index(str(tmp_path / "index"), TOTAL)
    assert caught.value.place == str(tmp_path / "index")


def test_a_missing_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        Index(str(tmp_path / "index"), TOTAL)


def test_a_second_pass_reuses_slots_and_appends_the_rest(tmp_path: Path) -> None:
    target, step = str(tmp_path / "d"), LAYOUT.block_size
    buffer = aligned_buffer(4 * step)

    def fill(text: bytes) -> memoryview:
        buffer[:] = b"".join(text[at:at + 1] * step for at in range(4))
        return buffer

    with SlotWriter(target, LAYOUT, 12) as slots:
        slots.write(0, [1, 3], fill(b"abcd"), 4 * step)
        slots.write(8, [2], fill(b"efgh"), 3 * step - 10)
        slots.finish()
    blocks = Path(target + ".blocks")
    assert unpacked(Path(target + ".index").read_bytes()) == (1, 3, 10)
    assert blocks.read_bytes() == b"b" * step + b"d" * step + b"g" * (step - 10) + bytes(10)
    with SlotWriter(target, LAYOUT, 12, again=True) as slots:
        slots.write(0, [0, 3], fill(b"ABCD"), 4 * step)
        slots.finish()
    assert unpacked(Path(target + ".index").read_bytes()) == (1, 3, 10, 0)
    assert [blocks.read_bytes()[at * step:at * step + 1] for at in range(4)] == [b"b", b"D", b"g", b"A"]
    assert blocks.stat().st_size == Path(target + ".index").stat().st_size // ENTRY * step
