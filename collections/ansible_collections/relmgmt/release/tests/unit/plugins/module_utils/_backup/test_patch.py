# SPDX-License-Identifier: GPL-3.0-or-later
"""A live dataset becomes a stored one again (invariants 3, 7, 8)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._backup import direct, helpers, patch
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import VARIABLE
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Reader
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import BLAKE2B, SHA256, Bitmap
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused

NewSets = Callable[..., AbstractContextManager[Any]]
sizes = st.one_of(st.integers(0, 3 * 65536), st.integers((4 << 20) - 2 * 65536, (4 << 20) + 2 * 65536))
options = st.fixed_dictionaries({
    "block_size": st.sampled_from([4096, 8192, 65536]), "algorithm": st.sampled_from([SHA256, BLAKE2B]),
    "seed": st.integers(0, 99),
})
dirt = st.lists(st.integers(0, 1200), max_size=30)
resized = st.one_of(st.none(), sizes)


@pytest.fixture(params=["threads", "helpers"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Who rewrites; the process numbers of the helpers that were started. A batch is one block."""
    started: list[int] = []
    if request.param == "helpers":
        start = helpers._start

        def noted(*given: Any) -> Any:
            crew = start(*given)
            started.extend(one.pid for one in crew)
            return crew

        monkeypatch.setattr(patch, "WORTH_BYTES", 0)
        monkeypatch.setattr(patch, "BATCH_BYTES", 1)
        monkeypatch.setattr(helpers, "_may_fork", lambda: True)
        monkeypatch.setattr(helpers, "_start", noted)
    yield started
    assert bool(started) == (request.param == "helpers")


SCATTERED = [0, 7, 8, 300, 515, *range(320, 400, 3)]
by_helpers = pytest.mark.parametrize("workers", ["helpers"], indirect=True)


@pytest.mark.parametrize("is_direct", [True, False])
def test_whoever_rewrites_the_point_comes_back(
    sets: Any, workers: list[int], monkeypatch: pytest.MonkeyPatch, is_direct: bool
) -> None:
    if not is_direct:
        monkeypatch.setattr(direct, "_open_direct", lambda _path, _flags: -1)
    contents, points = [sets.content], [sets.take_before()]
    sets.dirty(SCATTERED[1::2])
    contents.append(sets.content)
    points.append(sets.take_installed(points[0]))
    for which in (0, 1, 0):
        sets.dirty(SCATTERED)
        assert sets.restore(points[which]).count == len(SCATTERED)
        assert sets.content == contents[which]
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)


@by_helpers
def test_what_a_lost_helper_leaves_is_rewritten_here(
    sets: Any, workers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, stored = sets.content, sets.take_before()
    sets.dirty(SCATTERED)
    changes = patch.compare(sets.live, stored)
    patch.verify_changes(stored, changes)
    monkeypatch.setattr(patch, "failpoint", lambda name: [os.kill(one, signal.SIGKILL) for one in workers[-6:-1]]
                        if name == "restore:rewriting" else None)
    patch.rewrite(sets.live, stored, changes)
    patch.rewrite_header(sets.live, stored)
    assert sets.content == first


@by_helpers
def test_the_lock_of_a_killed_restore_lasts_until_its_last_helper_has_ended(
    sets: Any, workers: list[int], tmp_path: Path
) -> None:
    stored = sets.take_before()
    sets.dirty(SCATTERED)
    changes = patch.compare(sets.live, stored)
    go, report = tmp_path / "go", tmp_path / "pids"
    real = direct.BlockFile.write
    child = os.fork()
    if not child:
        with pytest.MonkeyPatch.context() as slow:
            def write(self: direct.BlockFile, data: memoryview, offset: int) -> None:
                with report.open("a") as stream:
                    stream.write(f"{os.getpid()}\n")
                while not go.exists():
                    time.sleep(0.01)
                real(self, data, offset)

            slow.setattr(direct.BlockFile, "write", write)
            with alone(str(tmp_path), "restores datasets"):
                patch.rewrite(sets.live, stored, changes)
        os._exit(0)
    workers.append(child)
    deadline = time.monotonic() + 20
    while not report.exists() or len(report.read_text().split()) < patch.CREW.helpers:
        assert time.monotonic() < deadline, "the helpers never wrote"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with pytest.raises(Refused, match="another process restores datasets here"), alone(
        str(tmp_path), "restores datasets"
    ):
        pass
    go.touch()
    with alone(str(tmp_path), "restores datasets", patience=20.0):
        before = sets.content
    time.sleep(0.1)
    assert sets.content == before


@settings(max_examples=30, deadline=None)
@given(size=sizes, chosen=options, first=dirt, then=resized, later=dirt, at_last=resized, gone=st.booleans())
def test_both_points_come_back_bit_for_bit(
    new_sets: NewSets, size: int, chosen: dict[str, Any], first: list[int], then: int | None, later: list[int],
    at_last: int | None, gone: bool,
) -> None:
    with new_sets(size, **chosen) as sets:
        contents = [sets.content]
        points = [sets.take_before()]
        _mess(sets, then, first)
        contents.append(sets.content)
        points.append(sets.take_installed(points[0]))
        _mess(sets, at_last, later)
        for which in (1, 0, 1):
            if gone:
                os.unlink(sets.live)
            now = b"" if gone else sets.content
            changes = sets.restore(points[which])
            assert sets.content == contents[which]
            assert patch.is_marked(sets.live) == ""
            assert changes.total == points[which].total
            assert list(changes.blocks()) == _differing(now, contents[which], sets.layout.block_size)
            assert changes.count == len(list(changes.blocks()))
            assert changes.missing == gone


def _mess(sets: Any, size: int | None, blocks: list[int]) -> None:
    if size is not None:
        sets.resize(size)
    sets.dirty(blocks)


def _differing(now: bytes, then: bytes, step: int) -> list[int]:
    return [at // step for at in range(0, len(then), step) if now[at:at + step] != then[at:at + step]]


def test_t43_the_header_is_no_part_of_the_body(sets: Any) -> None:
    stored = sets.take_before()
    same = patch.compare(sets.live, stored)
    assert (same.count, same.total, same.body_same) == (0, 516, True)
    sets.dirty([0])
    header = patch.compare(sets.live, stored)
    assert (header.count, header.body_same, header.body) == (1, True, same.body)
    sets.dirty([300])
    body = patch.compare(sets.live, stored)
    assert (body.count, body.body_same) == (2, False)
    assert body.body != same.body


@pytest.mark.parametrize("size", [0, 8192, 300 * 8192, 600 * 8192 + 5])
def test_a_live_file_of_another_size_is_not_the_same(sets: Any, size: int) -> None:
    stored = sets.take_before()
    sets.resize(size)
    changes = patch.compare(sets.live, stored)
    assert not changes.body_same
    assert 0 < changes.count <= changes.total
    assert changes.size_now == size


def test_only_what_differs_is_written(sets: Any) -> None:
    sets.resize(32 << 20)
    stored = sets.take_before()
    dirty = sorted(sets.random.sample(range(1, 4096), 205))
    sets.dirty(dirty)
    changes = patch.compare(sets.live, stored)
    patch.verify_changes(stored, changes)
    before = _bytes_written()
    patch.rewrite(sets.live, stored, changes)
    written = _bytes_written() - before
    assert list(changes.blocks()) == dirty
    if before:
        assert written <= 1.05 * len(dirty) * 8192


def _bytes_written() -> int:
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


@pytest.mark.parametrize("damaged", [0, 7, 300, 515])
def test_a_wrong_block_of_the_set_stops_it_before_anything_is_written(sets: Any, damaged: int) -> None:
    stored = sets.take_before()
    sets.dirty([7, 300, 515])
    now = sets.content
    with open(stored.path, "r+b") as stream:
        stream.seek(damaged * 8192 + 5)
        stream.write(b"?")
    with pytest.raises(DatasetError, match=f"block {damaged} ") as caught:
        sets.restore(stored)
    assert caught.value.place == stored.path
    assert sets.content == now


def test_a_block_that_becomes_wrong_later_is_not_written(sets: Any, workers: list[int]) -> None:
    stored = sets.take_before()
    sets.dirty([7, 300])
    changes = patch.compare(sets.live, stored)
    patch.verify_changes(stored, changes)
    patch.mark_unopenable(sets.live, stored, sets.before)
    with open(stored.path, "r+b") as stream:
        stream.seek(300 * 8192)
        stream.write(b"?????")
    with pytest.raises(DatasetError, match="block 300 "):
        patch.rewrite(sets.live, stored, changes)
    assert patch.is_marked(sets.live) == sets.before


@pytest.mark.parametrize("direct_io", [True, False])
def test_a_device_that_does_not_keep_what_is_written_is_found(
    sets: Any, monkeypatch: pytest.MonkeyPatch, direct_io: bool, workers: list[int]
) -> None:
    stored = sets.take_before()
    sets.dirty([7, 300])
    if not direct_io:
        monkeypatch.setattr(direct, "_open_direct", lambda _path, _flags: -1)
    changes = patch.compare(sets.live, stored)
    patch.mark_unopenable(sets.live, stored, sets.before)
    monkeypatch.setattr(direct.BlockFile, "write", lambda _self, _data, _offset: None)
    with pytest.raises(DatasetError, match="read back otherwise than written"):
        patch.rewrite(sets.live, stored, changes)
    assert patch.is_marked(sets.live)
    with pytest.raises(DatasetError, match="read back otherwise than written"):
        patch.rewrite_header(sets.live, stored)


def test_a_dataset_that_is_gone_comes_back_with_its_mode(sets: Any) -> None:
    stored = sets.take_before()
    os.unlink(sets.live)
    sets.restore(stored)
    assert os.stat(sets.live).st_mode & 0o7777 == stored.copy.mode


def test_the_mark_names_the_set(sets: Any) -> None:
    stored = sets.take_before()
    assert patch.is_marked(sets.live) == ""
    assert patch.is_marked(sets.live + "-no") == ""
    patch.mark_unopenable(sets.live, stored, "/backup/CFIS/before")
    assert patch.is_marked(sets.live) == "/backup/CFIS/before"
    assert sets.content.startswith(b"RELMGMT RESTORING /backup/CFIS/before\n\0")


def test_a_device_that_has_to_seek_is_not_asked_ahead(sets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    loaded: list[int] = []
    clock = iter(range(10_000))
    pace = {"step": 1.0, "now": 0.0}

    def monotonic() -> float:
        next(clock)
        pace["now"] += pace["step"]
        return pace["now"]

    class Reader:
        stored = sets.take_before()

        def prefetch(self, numbers: list[int]) -> None:
            asked.extend(numbers)

        def load(self, numbers: list[int], buffer: memoryview) -> None:
            loaded.extend(numbers)

    monkeypatch.setattr(patch.time, "monotonic", monotonic)
    monkeypatch.setattr(patch, "WATCHED", 16)
    verified = Bitmap(1000)
    ahead = patch._Ahead(Reader(), verified)  # type: ignore[arg-type]
    for number in range(40):
        ahead.ask([number], 0.05)
    # What was asked for some stripes ago is in memory by now.
    assert loaded == asked[:-patch.AHEAD_STRIPES]
    assert asked == list(range(patch.WATCHED - 1, 40))
    pace["step"] = 10.0
    for number in range(100, 140):
        ahead.ask([number], 0.05)
    pace["step"] = 1.0
    slow = len(asked)
    assert slow < 40
    for number in range(200, 240):
        ahead.ask([number], 0.05)
    assert len(asked) == slow
    ahead.end()
    assert list(verified) == loaded == asked


def test_where_most_differs_nothing_is_asked_ahead(sets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "WATCHED", 16)

    class Reader:
        stored = sets.take_before()

        def prefetch(self, numbers: list[int]) -> None:
            raise AssertionError(numbers)

    ahead = patch._Ahead(Reader(), Bitmap(1000))  # type: ignore[arg-type]
    for number in range(40):
        ahead.ask([number], 0.9)


def test_a_wrong_block_that_was_met_ahead_is_judged_before_anything_is_written(
    sets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patch, "WATCHED", 0)
    stored = sets.take_before()
    step = stored.layout.block_size
    sets.dirty([1, 2])
    with open(stored.path, "r+b") as file:
        file.seek(2 * step)
        file.write(b"rotten")
    changes = patch.compare(sets.live, stored)
    assert 1 not in changes.verified
    with pytest.raises(DatasetError, match="block 2 "):
        patch.verify_changes(stored, changes)


def test_what_was_verified_ahead_is_not_read_again(sets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "WATCHED", 0)
    stored = sets.take_before()
    sets.dirty([1])
    changes = patch.compare(sets.live, stored)
    assert list(changes.verified) == [1]
    loaded: list[int] = []
    monkeypatch.setattr(Reader, "load", lambda self, numbers, buffer: loaded.extend(numbers))
    patch.verify_changes(stored, changes)
    assert loaded == [0]


RESTORE = """
import sys
from ansible_collections.relmgmt.release.plugins.module_utils._backup import patch
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
live, path = sys.argv[1:]
manifest = read_manifest(path)
stored = Stored.of(path, manifest.datasets[0], manifest)
changes = patch.compare(live, stored)
patch.verify_changes(stored, changes)
patch.mark_unopenable(live, stored, path)
patch.rewrite(live, stored, changes)
patch.rewrite_header(live, stored)
"""


@pytest.mark.parametrize("where", ["restore:marked-block", "restore:rewriting", "restore:rewritten", "restore:header"])
def test_killed_anywhere_it_cannot_be_opened_and_a_second_run_finishes(sets: Any, where: str) -> None:
    first = sets.content
    stored = sets.take_before()
    sets.dirty([0, 7, 300, 515])
    sets.resize(600 * 8192)
    killed = subprocess.run(
        [sys.executable, "-c", RESTORE, sets.live, sets.before], check=False,
        env={**os.environ, VARIABLE: where, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert killed.returncode == -signal.SIGKILL
    if where == "restore:header":
        assert sets.content == first
    else:
        assert patch.is_marked(sets.live) == sets.before
    sets.restore(stored)
    assert sets.content == first
