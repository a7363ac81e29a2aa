# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying datasets, once, again, and what changed (A8)."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._backup import copying
from ansible_collections.relmgmt.release.plugins.module_utils._backup.changed import unpacked
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import Progress
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import BLAKE2B, SHA256, Layout
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

NewSets = Callable[..., AbstractContextManager[Any]]
FEW = settings(max_examples=25, deadline=None)
sizes = st.one_of(st.integers(0, 3 * 65536), st.integers((4 << 20) - 2 * 65536, (4 << 20) + 2 * 65536))
options = st.fixed_dictionaries({
    "block_size": st.sampled_from([4096, 8192, 65536]), "algorithm": st.sampled_from([SHA256, BLAKE2B]),
    "seed": st.integers(0, 99),
})
dirt = st.lists(st.integers(0, 1200), max_size=30)


class Heard(Progress):
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.done = 0

    def begin(self, what: str, total: int) -> None:
        self.told.append((what, total))

    def add(self, count: int) -> None:
        self.done += count


@FEW
@given(size=sizes, chosen=options, first=dirt, resized=st.one_of(st.none(), sizes))
def test_a_copy_brought_up_to_date_is_the_dataset(
    new_sets: NewSets, size: int, chosen: dict[str, Any], first: list[int], resized: int | None
) -> None:
    with new_sets(size, **chosen) as sets:
        target, digests = str(sets.root / "c"), str(sets.root / "c.digests")
        done = copying.copy_file(sets.live, target, digests, sets.layout)
        assert Path(target).read_bytes() == sets.content
        assert done == copying.hash_file(sets.live, digests + "2", sets.layout)
        assert Path(digests).read_bytes() == Path(digests + "2").read_bytes()
        if resized is not None:
            sets.resize(resized)
        sets.dirty(first)
        again = copying.copy_again(sets.live, target, digests, sets.layout)
        assert Path(target).read_bytes() == sets.content
        assert again == copying.hash_file(target, digests + "2", sets.layout)
        assert Path(digests).read_bytes() == Path(digests + "2").read_bytes()


def test_a_second_pass_writes_only_what_changed(sets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    target, digests = str(sets.root / "c"), str(sets.root / "c.digests")
    copying.copy_file(sets.live, target, digests, sets.layout)
    sets.dirty([3, 4, 300, 514])
    written: list[tuple[int, int]] = []
    real = copying.BlockFile.write

    def write(self: Any, data: memoryview, offset: int) -> None:
        if self.path == target:
            written.append((offset, len(data)))
        real(self, data, offset)

    monkeypatch.setattr(copying.BlockFile, "write", write)
    copying.copy_again(sets.live, target, digests, sets.layout)
    assert sorted(written) == [(3 * 8192, 2 * 8192), (300 * 8192, 8192), (514 * 8192, 8192)]
    assert Path(target).read_bytes() == sets.content


@FEW
@given(
    size=sizes, chosen=options, changed=dirt, resized=st.one_of(st.none(), sizes),
    meanwhile=dirt, at_last=st.one_of(st.none(), sizes),
)
def test_base_and_blocks_are_the_same_as_a_whole_copy(
    new_sets: NewSets, size: int, chosen: dict[str, Any], changed: list[int], resized: int | None,
    meanwhile: list[int], at_last: int | None,
) -> None:
    with new_sets(size, **chosen) as sets:
        before = sets.take_before()
        first = sets.content
        if resized is not None:
            sets.resize(resized)
        sets.dirty(changed)

        def work_goes_on() -> None:
            if at_last is not None:
                sets.resize(at_last)
            sets.dirty(meanwhile)

        installed = sets.take_installed(before, work_goes_on)
        installed.verify()
        installed.extract(str(sets.root / "out"))
        assert (sets.root / "out").read_bytes() == sets.content
        whole = copying.copy_file(sets.live, str(sets.root / "c"), str(sets.root / "c.digests"), sets.layout)
        assert (whole.size, whole.root) == (installed.size, installed.root)
        assert Path(installed.digests_path).read_bytes() == (sets.root / "c.digests").read_bytes()
        before.extract(str(sets.root / "first"))
        assert (sets.root / "first").read_bytes() == first


def test_a_second_point_stores_only_what_differs(sets: Any) -> None:
    before = sets.take_before()
    sets.dirty([0, 7, 500])
    installed = sets.take_installed(before, lambda: sets.dirty([7, 9]))
    assert unpacked(Path(installed.index_path).read_bytes()) == (0, 7, 500, 9)
    assert os.path.getsize(installed.blocks_path) == 4 * 8192


def test_zeros_become_a_hole_that_reads_the_same(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    source.write_bytes(b"\x01" + bytes((6 << 20) - 2) + b"\x01")
    copying.copy_file(str(source), str(target), str(tmp_path / "d"), Layout(8192, SHA256))
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_blocks * 512 <= (4 << 20) + 65536
    source.write_bytes(bytes(6 << 20))
    copying.copy_file(str(source), str(target), str(tmp_path / "d"), Layout(8192, SHA256))
    assert target.stat().st_blocks == 0
    assert target.stat().st_size == 6 << 20


def test_progress_is_told_in_bytes(sets: Any) -> None:
    heard = Heard()
    copying.copy_file(sets.live, str(sets.root / "c"), str(sets.root / "d"), sets.layout, heard)
    size = os.path.getsize(sets.live)
    assert heard.told == [(f"copy {sets.live}", size)]
    assert heard.done == size


def test_no_room_no_first_byte(sets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "require_space", _no_space)
    with pytest.raises(DatasetError, match="are needed"):
        copying.copy_file(sets.live, str(sets.root / "c"), str(sets.root / "d"), sets.layout)
    assert not (sets.root / "c").exists()


def _no_space(directory: str, size: int, _reserve: int) -> None:
    raise DatasetError(f"{size} bytes are needed", place=directory)


def test_the_layout_of_the_base_is_asked_for(sets: Any) -> None:
    before = sets.take_before()
    for copy in (copying.copy_changed, copying.copy_changed_again):
        with pytest.raises(DatasetError, match="layout"):
            copy(sets.live, before, str(sets.root / "c"), str(sets.root / "d"), Layout(4096, SHA256))
