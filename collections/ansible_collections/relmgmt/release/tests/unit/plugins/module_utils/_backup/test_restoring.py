# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore, whatever the engine (invariants 3, 7, 8; T5, T6, T42): a fake engine on plain files."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import compared, restoring, routines
from ansible_collections.relmgmt.release.plugins.module_utils._backup.compared import Plan
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copying import copy_changed, copy_file, hash_file
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import VARIABLE
from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import is_marked
from ansible_collections.relmgmt.release.plugins.module_utils._backup.restoring import Restore
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    BLOCKS,
    DATABASE,
    PLAIN,
    ROUTINES,
    Base,
    DatasetCopy,
    Manifest,
    Position,
    render,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout
from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import CLONE, COPY, DELTA, Way
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import NONE, Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Attached
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command, DatasetFile, Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, EngineError, Refused

LAYOUT = Layout(4096, SHA256)
BLOCK = LAYOUT.block_size
HEADER = b"FAKEDB01"
NAMES = ("AUX", "CFIS")


class FakeStorage(Storage):
    """Datasets are files that begin with FAKEDB01; the instance is closed while `closed` is there."""

    engine = "fake"
    name = "CFIS"

    def __init__(self, base: Path) -> None:
        self.base = base
        self.source_directory = str(base / "r")
        self.object_directory = str(base / "o")
        self.users: list[int] = []
        self.when_closed: Callable[[], None] = lambda: None

    def paths(self) -> dict[str, str]:
        return {name: str(self.base / f"{name}.dat") for name in NAMES}

    def healthy(self, path: str) -> bool:
        return Path(path).exists() and Path(path).read_bytes()[:len(HEADER)] == HEADER

    def attached(self) -> Attached:
        return Attached(len(self.users), tuple(self.users))

    def require_standalone(self) -> None:
        if self.users:
            raise Refused("in use", place=self.name, pids=self.users)

    def close(self, set_path: str, names: Sequence[str], confirmed_by: str) -> None:
        before = self.base / "closed"
        left = before.read_text().split("\n")[1].split() if before.exists() else []
        before.write_text("\n".join([set_path, " ".join(sorted({*left, *names})), confirmed_by]))
        self.when_closed()

    def settle(self, paths: Sequence[str]) -> None:
        """Nothing is kept in memory."""

    def prove(self, copy: DatasetCopy, path: str) -> None:
        if not self.healthy(path) or not (self.base / "closed").exists():
            raise EngineError("this cannot be opened", place=path)
        with open(path, "r+b") as stream:
            # What an engine does: its header counts, and its proof leaves a block changed.
            stream.seek(100)
            stream.write(os.urandom(8))
            stream.seek(5 * BLOCK + 40)
            stream.write(b"proof")

    def open(self) -> None:
        (self.base / "closed").unlink()

    def unfinished(self) -> dict[str, object]:
        if not (self.base / "closed").exists():
            return {}
        path, names, person = (self.base / "closed").read_text().split("\n")
        return {"path": path, "names": names.split(), "confirmed_by": person}

    def writes_since(
        self, positions: Mapping[str, Position], writers: Sequence[Writer], scratch: str, flush: bool = True
    ) -> Writes:
        return NONE

    def datasets(self) -> list[DatasetFile]:
        raise NotImplementedError

    def online_copy(self, targets: Mapping[str, str]) -> str:
        raise NotImplementedError

    def copied_positions(self, targets: Mapping[str, str]) -> dict[str, Position]:
        raise NotImplementedError

    def freeze(self, limit: int) -> str:
        raise NotImplementedError

    def thaw(self) -> bool:
        raise NotImplementedError

    def thaw_command(self) -> Command:
        raise NotImplementedError

    def check_copy(self, path: str) -> None:
        raise NotImplementedError


class World:
    """An instance with two datasets and two routines, and its backup sets."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = root / "i"
        self.storage = FakeStorage(self.base)
        for folder in ("i", "i/r", "i/o", "s"):
            (root / folder).mkdir(exist_ok=True)
        for number, name in enumerate(NAMES):
            self.file(name).write_bytes(HEADER + bytes(BLOCK - len(HEADER)) + os.urandom((40 + number) * BLOCK + 512))
        for name in ("A.m", "B.m"):
            (self.base / "r" / name).write_text(f"{name} before\n")
        self.set = self.take("before")
        self.point = self.state()

    def file(self, name: str) -> Path:
        return self.base / f"{name}.dat"

    def take(self, point: str, base: str = "") -> str:
        """A set of what is there now; with ``base`` only what differs from that set."""
        path = self.root / "s" / point
        path.mkdir()
        below = self.manifest(base) if base else None
        copies = [self._copy(path, name, below, base) for name in NAMES]
        routines.pack(str(self.base / "r"), str(path / "routines.tar"))
        done = hash_file(str(path / "routines.tar"), str(path / "routines.tar.digests"), LAYOUT)
        copies.append(DatasetCopy(
            "routines", "routines.tar", ROUTINES, str(self.base / "r"), done.size, done.root, 0o640, 0, 0,
            None, BLOCK, SHA256, PLAIN,
        ))
        made = Manifest(
            "fake", "CFIS", "CFIS002", "CHG0000002", 1, point, "2026-11-22T01:00:00+00:00", "said", "copy", None,
            Base("../before", below.root_digest) if below else None, tuple(copies),
        )
        (path / "manifest.json").write_bytes(render(made))
        return str(path)

    def _copy(self, path: Path, name: str, below: Manifest | None, base: str) -> DatasetCopy:
        source, target = str(self.file(name)), str(path / f"{name}.dat")
        if below is None:
            done = copy_file(source, target, target + ".digests", LAYOUT)
        else:
            stored = Stored.of(base, next(one for one in below.datasets if one.name == name), below)
            done = copy_changed(source, stored, target, target + ".digests", LAYOUT)
        return DatasetCopy(
            name, f"{name}.dat", DATABASE, source, done.size, done.root, 0o640, os.getuid(), os.getgid(),
            Position(1, "", False), BLOCK, SHA256, BLOCKS if below else PLAIN,
        )

    def manifest(self, path: str) -> Manifest:
        return Restore(self.storage, path, str(self.root)).manifest

    def change(self) -> None:
        """Blocks written in both datasets, a routine changed, one gone, one new."""
        for number, name in enumerate(NAMES):
            with self.file(name).open("r+b") as stream:
                for block in (0, 3, 7, 8, 20 + number):
                    stream.seek(block * BLOCK + 200)
                    stream.write(b"release" * 20)
        (self.base / "r/A.m").write_text("A.m after\n")
        (self.base / "r/B.m").unlink()
        (self.base / "r/C.m").write_text("C.m new\n")

    def state(self) -> dict[str, bytes]:
        """Datasets and routines as they are."""
        files = [*(self.file(name) for name in NAMES), *sorted((self.base / "r").iterdir())]
        return {one.name: one.read_bytes() for one in files if one.exists()}

    def restore(
        self, path: str = "", consent: Callable[[Plan], None] = lambda _plan: None, person: str = "", **options: Any
    ) -> Plan:
        job = Restore(self.storage, path or self.set, str(self.root), **options)
        with job.alone():
            job.settle()
            plan = job.plan()
            return job.carry_out(plan, consent, person) if plan.needed else plan

    def killed_at(self, step: str, person: str = "") -> None:
        """The restore in a process of its own that dies at ``step``."""
        child = os.fork()
        if not child:
            os.environ[VARIABLE] = step
            try:
                self.restore(person=person)
            except BaseException:
                traceback.print_exc(file=sys.stderr)
            os._exit(7)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"{step} was never reached"
        assert os.WTERMSIG(status) == signal.SIGKILL

    def require_reached(self, point: dict[str, bytes] | None = None) -> None:
        """Everything is the point's but what the proof changed, and the instance is open."""
        now = self.state()
        wanted = point or self.point
        assert set(now) == set(wanted)
        for name, data in wanted.items():
            if not name.endswith(".dat"):
                assert now[name] == data
                continue
            assert len(now[name]) == len(data)
            differ = {at // BLOCK for at in range(len(data)) if now[name][at] != data[at]}
            assert differ <= {0, 5}
        assert self.storage.unfinished() == {}
        assert [one.name for one in self.base.iterdir() if one.name.endswith(".relmgmt-restore")] == []

    def opens(self, name: str) -> bool:
        """Whether the engine would open this dataset's file, by whatever way it comes."""
        return self.storage.healthy(str(self.file(name)))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def force(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Let every dataset go this way."""
    monkeypatch.setattr(compared, "_way", lambda one, room: Way(way, "forced", 0.0))


@pytest.fixture(params=[DELTA, COPY])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    force(monkeypatch, request.param)
    return str(request.param)


def test_only_what_differs_is_written_and_a_second_run_changes_nothing(world: World) -> None:
    assert not world.restore().needed
    before = world.file("AUX").read_bytes()
    world.change()
    done = world.restore()
    assert [(one.copy.name, one.changes.count) for one in done.datasets] == [("AUX", 5), ("CFIS", 5)]
    assert done.bytes_written == 10 * BLOCK
    assert {way.way for way in done.ways.values()} == {DELTA}
    world.require_reached()
    assert world.file("AUX").read_bytes() != before, "the proof leaves a trace, or this test proves nothing"
    again = world.restore()
    assert not again.needed
    assert [one.noted for one in again.datasets] == [True, True]


def test_every_way_leads_to_the_point(world: World, way: str) -> None:
    world.change()
    done = world.restore()
    assert {one.way for one in done.ways.values()} == {way}
    assert done.bytes_written == (10 * BLOCK if way == DELTA else 83 * BLOCK + 1024)
    world.require_reached()
    assert not world.restore().needed


def test_a_user_who_writes_after_the_restore_is_seen(world: World) -> None:
    world.change()
    world.restore()
    with world.file("CFIS").open("r+b") as stream:
        stream.seek(30 * BLOCK)
        stream.write(b"mine")
    assert [one.copy.name for one in world.restore().replace] == ["CFIS"]
    world.require_reached()


def test_blocks_on_top_of_an_earlier_point_are_restored_alone(world: World, way: str) -> None:
    world.change()
    second, point = world.take("installed", world.set), world.state()
    assert (Path(second) / "CFIS.dat.blocks").stat().st_size == 5 * BLOCK
    world.restore()
    world.restore(second)
    world.require_reached(point)
    assert not world.restore(second).needed


@pytest.mark.parametrize("size", [7 * BLOCK, 90 * BLOCK + 17])
def test_a_dataset_that_grew_or_shrank_has_its_size_again(world: World, way: str, size: int) -> None:
    world.change()
    os.truncate(world.file("CFIS"), size)
    world.restore()
    world.require_reached()
    assert not world.restore().needed


def test_t6_a_vanished_dataset_comes_back_with_owner_and_mode(world: World) -> None:
    world.file("AUX").unlink()
    assert world.restore().ways["AUX"].reason == "there is no dataset"
    assert world.file("AUX").stat().st_mode & 0o7777 == 0o640
    world.require_reached()


# -- nothing is written before everything is verified ----------------------------------

REGIONS = ["manifest.json", "AUX.dat", "AUX.dat.digests", "CFIS.dat", "routines.tar", "routines.tar.digests"]


@pytest.mark.parametrize("region", REGIONS)
def test_invariant_3_a_flipped_bit_leaves_the_live_datasets_alone(world: World, way: str, region: str) -> None:
    world.change()
    victim, untouched = Path(world.set) / region, world.state()
    offset = 8 * BLOCK + 5 if region in ("AUX.dat", "CFIS.dat") else 5
    _flip(victim, offset)
    with pytest.raises(DatasetError):
        world.restore()
    assert world.state() == untouched
    assert world.storage.unfinished() == {}
    _flip(victim, offset)
    world.restore()
    world.require_reached()


@pytest.mark.parametrize("region", ["AUX.dat.blocks", "AUX.dat.index", "AUX.dat.digests", "../before/AUX.dat"])
def test_invariant_3_a_flipped_bit_in_blocks_on_top_of_another_set(world: World, region: str) -> None:
    world.change()
    second = world.take("installed", world.set)
    os.truncate(world.file("AUX"), 2 * BLOCK)
    untouched = world.state()
    _flip(Path(second) / region, 10 * BLOCK + 5 if region.endswith("dat") else 5)
    with pytest.raises(DatasetError):
        world.restore(second)
    assert world.state() == untouched
    assert world.storage.unfinished() == {}


def _flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(bytes(data))


def test_a_bad_block_that_is_not_to_be_written_stops_nothing_unless_all_is_asked_for(world: World) -> None:
    world.change()
    _flip(Path(world.set) / "AUX.dat", 30 * BLOCK)
    untouched = world.state()
    with pytest.raises(DatasetError, match="block 30"):
        world.restore(verify="all")
    assert world.state() == untouched
    world.restore()
    world.require_reached()


def test_all_looks_at_the_base_too(world: World) -> None:
    world.change()
    second = world.take("installed", world.set)
    _flip(Path(world.set) / "CFIS.dat", 30 * BLOCK)
    with world.file("CFIS").open("r+b") as stream:
        stream.seek(7 * BLOCK)
        stream.write(b"later")
    with pytest.raises(DatasetError, match="block 30"):
        world.restore(second, verify="all")


def _require_refused_while_wrong(world: World, block: int) -> None:
    """A restore of a set whose block is wrong touches nothing; the block is right again afterwards."""
    _flip(Path(world.set) / "AUX.dat", block * BLOCK)
    untouched = world.state()
    with pytest.raises(DatasetError, match=f"block {block}"):
        world.restore()
    assert world.state() == untouched
    _flip(Path(world.set) / "AUX.dat", block * BLOCK)


def test_invariant_3_a_bad_block_that_a_clone_would_bring_along(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, CLONE)
    monkeypatch.setattr(restoring, "clone_source", lambda one: one.stored.plain_path)
    monkeypatch.setattr(restoring, "clone", shutil.copyfile)
    world.change()
    _require_refused_while_wrong(world, 30)
    assert world.restore().bytes_written == 83 * BLOCK + 1024
    world.require_reached()


def test_a_clone_that_is_not_the_sets_any_more_is_not_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, CLONE)
    kept = world.root / "kept.dat"
    kept.write_bytes(world.file("AUX").read_bytes()[:-1] + b"?")
    monkeypatch.setattr(restoring, "clone_source", lambda _one: str(kept))
    world.change()
    _require_refused_while_wrong(world, 8)
    assert {one.way for one in world.restore().ways.values()} == {DELTA}
    world.require_reached()


def test_t43_a_header_that_was_opened_is_the_points_and_one_that_is_damaged_is_not(world: World) -> None:
    with world.file("AUX").open("r+b") as stream:
        stream.seek(300)
        stream.write(b"opened")
    assert not world.restore().needed
    with world.file("AUX").open("r+b") as stream:
        stream.write(b"rot")
    assert [one.copy.name for one in world.restore().replace] == ["AUX"]
    world.require_reached()


# -- who is there ----------------------------------------------------------------------


def test_a_user_is_refused_before_and_after_the_closing(world: World) -> None:
    world.change()
    untouched = world.state()
    world.storage.users = [4711]
    with pytest.raises(Refused, match="in use"):
        world.restore()
    world.storage.users = []
    world.storage.when_closed = lambda: world.storage.users.append(4711)
    with pytest.raises(Refused, match="in use"):
        world.restore()
    assert world.state() == untouched
    assert world.storage.unfinished() == {}


def test_a_write_between_the_comparison_and_the_closing_is_compared_again(world: World) -> None:
    world.change()
    asked: list[int] = []

    def write() -> None:
        world.storage.when_closed = lambda: None
        with world.file("AUX").open("r+b") as stream:
            stream.seek(33 * BLOCK)
            stream.write(b"a user was faster")

    world.storage.when_closed = write
    done = world.restore(consent=lambda plan: asked.append(plan.datasets[0].changes.count))
    assert asked == [6]
    assert done.datasets[0].changes.count == 6
    world.require_reached()


def test_what_a_user_wrote_meanwhile_is_not_lost_without_a_word(world: World) -> None:
    world.change()

    def write() -> None:
        with world.file("AUX").open("r+b") as stream:
            stream.seek(33 * BLOCK)
            stream.write(b"a user was faster")

    def refuse(_plan: Plan) -> None:
        raise Refused("somebody wrote")

    world.storage.when_closed = write
    with pytest.raises(Refused, match="somebody wrote"):
        world.restore(consent=refuse)
    assert b"a user was faster" in world.file("AUX").read_bytes()
    assert world.storage.unfinished() == {}


def test_two_at_once_one_is_refused(world: World) -> None:
    world.change()
    with alone(str(world.base), "restores datasets"), pytest.raises(Refused, match="another process restores"):
        world.restore()
    world.restore()
    world.require_reached()


def test_a_set_of_another_instance_or_of_moved_datasets_is_refused(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(FakeStorage, "name", "OTHER")
    with pytest.raises(Refused, match="set is of fake instance CFIS"):
        world.restore()
    monkeypatch.undo()
    elsewhere = {**world.storage.paths(), "AUX": "/elsewhere/AUX.dat"}
    monkeypatch.setattr(world.storage, "paths", lambda: elsewhere)
    with pytest.raises(Refused, match="moved"):
        world.restore()
    monkeypatch.setattr(world.storage, "paths", lambda: {"CFIS": str(world.file("CFIS"))})
    with pytest.raises(Refused, match="AUX of the set"):
        world.restore()


# -- a crash anywhere --------------------------------------------------------------------

#: where a restore dies, and whether AUX and CFIS can then be opened
STEPS = {
    "restore:closed": [True, True], "restore:verified": [True, True], "restore:marked-block": [False, True],
    "restore:rewriting": [False, False], "restore:rewritten": [False, False], "restore:header": [True, False],
    "restore:routines": [True, True], "restore:finished-AUX": [True, True], "restore:finished-CFIS": [True, True],
}
BEFORE_WRITING = ["restore:closed", "restore:verified"]
WRITING = ["restore:marked-block", "restore:rewriting", "restore:rewritten", "restore:header"]


@pytest.mark.parametrize("step", STEPS)
def test_invariant_8_a_crash_never_leaves_points_mixed_and_a_second_run_completes(world: World, step: str) -> None:
    world.change()
    old = world.state()
    world.killed_at(step)
    assert world.storage.unfinished()["path"] == world.set
    _require_not_mixed(world, old)
    assert [world.opens(name) for name in NAMES] == STEPS[step]
    if step in BEFORE_WRITING:
        assert world.state() == old
    assert world.restore().needed
    world.require_reached()
    assert not world.restore().needed


def _require_not_mixed(world: World, old: dict[str, bytes]) -> None:
    """Datasets that can be opened are all the old ones, or all the point's."""
    opens = [name for name in NAMES if world.opens(name)]
    now = world.state()
    kinds = {
        "old" if now[f"{name}.dat"][BLOCK * 3:BLOCK * 4] == old[f"{name}.dat"][BLOCK * 3:BLOCK * 4] else "point"
        for name in opens
    }
    assert len(kinds) <= 1
    for name in NAMES:
        assert bool(is_marked(str(world.file(name)))) != (name in opens)


CAN_BE_OPENED = {
    "restore:staged-AUX": [True, True], "restore:marked-block": [True, True], "restore:replaced-AUX": [False, False],
}


@pytest.mark.parametrize("step", CAN_BE_OPENED)
def test_a_crash_while_whole_copies_change_places(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    force(monkeypatch, COPY)
    world.change()
    old = world.state()
    world.killed_at(step)
    _require_not_mixed(world, old)
    assert [world.opens(name) for name in NAMES] == CAN_BE_OPENED[step]
    for _run in range(2):
        world.restore()
        world.require_reached()


def test_a_crash_of_the_second_run_is_completed_by_the_third(world: World) -> None:
    world.change()
    world.killed_at("restore:marked-block")
    world.killed_at("restore:rewriting")
    world.killed_at("restore:header")
    world.killed_at("restore:finished-AUX")
    world.restore()
    world.require_reached()


@pytest.mark.parametrize("step", ["restore:closed", *WRITING, "restore:finished-AUX"])
def test_another_set_completes_wholly_what_the_first_began(world: World, step: str) -> None:
    world.change()
    second, point = world.take("installed", world.set), world.state()
    for name in NAMES:
        with world.file(name).open("r+b") as stream:
            stream.seek(25 * BLOCK)
            stream.write(b"later")
    world.killed_at(step, person="maria.lopez")
    assert Restore(world.storage, world.set, str(world.root)).confirmed_by == "maria.lopez"
    job = Restore(world.storage, second, str(world.root))
    assert not job.goes_on
    assert job.confirmed_by == ""
    world.restore(second)
    world.require_reached(point)


def test_a_set_without_a_dataset_that_was_left_half_restored_is_refused(world: World) -> None:
    world.change()
    world.killed_at("restore:rewriting")
    made = world.manifest(world.set)
    fewer = made._replace(datasets=tuple(one for one in made.datasets if one.name != "AUX"))
    (Path(world.set) / "manifest.json").write_bytes(render(fewer))
    with pytest.raises(Refused, match="unfinished restore left AUX"):
        world.restore()


@pytest.mark.parametrize("step", ["restore:rewriting:error", "restore:routines:error"])
def test_a_failure_while_writing_says_that_the_instance_stays_closed(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    world.change()
    monkeypatch.setenv(VARIABLE, step)
    with pytest.raises(DatasetError, match="stays closed until a second run"):
        world.restore()
    monkeypatch.delenv(VARIABLE)
    assert world.storage.unfinished()["path"] == world.set
    world.restore()
    world.require_reached()


def test_a_bad_block_found_by_the_second_run_keeps_the_instance_closed(world: World) -> None:
    world.change()
    world.killed_at("restore:marked-block")
    half = world.state()
    _flip(Path(world.set) / "CFIS.dat", 7 * BLOCK)
    with pytest.raises(DatasetError, match="block 7"):
        world.restore()
    assert world.state() == half
    assert world.storage.unfinished()["path"] == world.set


# -- space ---------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() or os.system(f"mount -t tmpfs -o size=1m tmpfs {place} 2>/dev/null"):
        pytest.skip("untested: this user cannot mount a file system")
    yield place
    os.system(f"umount {place}")


def test_a_disk_that_fills_while_copies_are_made_changes_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    force(monkeypatch, COPY)
    world = World(small_disk)
    world.change()
    untouched = world.state()
    status = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(status.f_bavail * status.f_frsize - 60 * BLOCK))
    with pytest.raises(DatasetError, match="space"):
        world.restore()
    assert world.state() == untouched
    assert world.storage.unfinished() == {}
    assert list(world.base.glob(".*")) == []


def test_a_full_disk_does_not_hinder_a_delta(small_disk: Path) -> None:
    world = World(small_disk)
    world.change()
    status = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(status.f_bavail * status.f_frsize - 3 * BLOCK))
    world.restore(reserve=1 << 40)
    world.require_reached()


def test_room_for_what_has_to_grow_is_asked_for_before_anything_is_closed(world: World) -> None:
    os.truncate(world.file("CFIS"), 5 * BLOCK)
    closed: list[int] = []
    world.storage.when_closed = lambda: closed.append(1)
    with pytest.raises(DatasetError, match="are free"):
        world.restore(reserve=1 << 50)
    assert closed == []
