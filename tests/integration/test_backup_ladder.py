# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider ladder of ``backup_set`` on a real GT.M instance, rung by rung."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gtm_change import Change, TwoRegions, flip, positions, tree
from mounts import btrfs, logical_volume, small, xfs
from plain_storage import PlainStorage
from transfers import open_accounts, require_one_moment, start_transfers

from ansible_collections.relmgmt.release.plugins.module_utils._backup import ladder
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import read_header
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import writes_since
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_storage import GtmStorage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

__all__ = ["btrfs", "small", "xfs"]
PATIENCE = 30.0
MARK = "RELMGMT_TEST_PLACE"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Change]]:
    """An instance in a directory of its own below ``place``; its backups lie on another file system."""
    made: list[TwoRegions] = []

    def build(place: Path = tmp_path) -> Change:
        gtm = TwoRegions(place / f"i{len(list(place.iterdir()))}")
        made.append(gtm)
        gtm.create()
        open_accounts(gtm)
        return Change(tmp_path, gtm)

    os.environ[MARK] = str(tmp_path)
    yield build
    del os.environ[MARK]
    until(lambda: not marked(tmp_path))
    for gtm in made:
        gtm.close()
        shutil.rmtree(gtm.base)


def marked(place: Path) -> list[str]:
    """Processes that a test has started, watchdogs among them, and that still live."""
    mark = f"{MARK}={place}".encode()
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (one / "environ").read_bytes().split(b"\0"):
                found.append(one.name)
    return found


@pytest.fixture
def job(make: Callable[..., Change]) -> Change:
    return make()


def frozen(gtm: TwoRegions) -> list[bool]:
    return [read_header(gtm.engine, str(one)).frozen for one in (gtm.dataset, gtm.second)]


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def until_thawed(gtm: TwoRegions) -> None:
    until(lambda: not any(frozen(gtm)))


def clones(gtm: TwoRegions) -> list[str]:
    return sorted(os.listdir(gtm.base / ".relmgmt-clones"))


def require_sound(gtm: TwoRegions, copy: Path) -> None:
    """A copy is a database of its own: no live memory, not frozen (T42), no live journal, integrity."""
    header = read_header(gtm.engine, str(copy))
    assert (header.memory, header.frozen, header.journal) == (-1, False, "")
    assert "No errors detected" in gtm.engine.mupip("integ", "-file", str(copy)).err


def with_mupip(job: Change, after: str) -> dict[str, Any]:
    """The instance's options with a mupip that does more after ``freeze -on``."""
    fake = job.gtm.base / "dist"
    fake.mkdir()
    real = Path(job.gtm.dist)
    for one in real.iterdir():
        if one.name != "mupip":
            (fake / one.name).symlink_to(one)
    mupip = fake / "mupip"
    mupip.write_text(
        f'#!/bin/sh\nexport gtm_dist={real}\n[ "$1 $2" = "freeze -on" ] || exec {real}/mupip "$@"\n'
        f'{real}/mupip "$@"; s=$?\n{after} >/dev/null 2>&1\nexit $s\n'
    )
    mupip.chmod(0o755)
    options: dict[str, Any] = json.loads(json.dumps(job.gtm.instance))
    options["gtm"]["dist"] = str(fake)
    return options


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_datasets_are_cloned_under_a_short_freeze_and_copied_out(
    make: Callable[..., Change], request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    job = make(request.getfixturevalue(kind))
    start_transfers(job.gtm)
    made = job.backup()
    assert made["provider"] == "reflink", made
    assert "mupip freeze -on -online" in made["consistency"]
    assert made["frozen_seconds"] > 0
    assert made["watchdog"] in ("own session", "systemd-run")
    assert made["bytes"] > made["size"] > 0
    assert not any(frozen(job.gtm))
    for name in ("DEFAULT.dat", "AUX.dat"):
        require_sound(job.gtm, job.path() / name)
    seen = require_one_moment(job.gtm, job.path())
    job.gtm.m('SET ^CASE("later")=1')
    later = job.gtm.m('WRITE ^CASE("n")')
    assert int(later) > seen
    assert clones(job.gtm) == []
    found = writes_since(job.gtm.engine, positions(made), (), str(tmp_path))
    assert not found.unknown
    assert found.rows[0].reference.startswith(("^CASE", "^AUXLOG"))


def test_a_copied_file_is_checked_without_harm_to_the_live_dataset(job: Change) -> None:
    """``mupip integ`` of a raw copy removes the live semaphores; what killed processes left would be lost."""
    storage = GtmStorage.of(job.gtm.instance)
    user = job.gtm.start('WRITE "go",! SET ^CASE("early")=1 HANG 60')
    raw = job.gtm.base / "raw.dat"
    storage.freeze(60)
    shutil.copyfile(job.gtm.dataset, raw)
    assert storage.thaw()
    user.kill()
    user.wait()
    storage.check_copy(str(raw))
    require_sound(job.gtm, raw)
    assert job.gtm.m('WRITE ^CASE("early")') == "1"


def test_what_killed_processes_left_in_memory_is_no_rest(job: Change) -> None:
    user = job.gtm.start('SET ^CASE("unflushed")="precious" WRITE "go",! HANG 60')
    user.kill()
    user.wait()
    made = job.backup(provider="copy")
    assert made["provider"] == "copy", made
    assert job.gtm.read_copy(job.path() / "DEFAULT.dat", '^CASE("unflushed")').strip() == "precious"


def test_copied_while_it_lives_then_what_changed_under_a_freeze(job: Change) -> None:
    start_transfers(job.gtm)
    made = job.backup(provider="copy")
    assert (made["provider"], made["frozen_seconds"] > 0) == ("copy", True), made
    require_one_moment(job.gtm, job.path())
    require_sound(job.gtm, job.path() / "DEFAULT.dat")
    job.gtm.m('SET ^CASE("later")=1')


def test_at_rest_nothing_is_frozen(job: Change, tmp_path: Path) -> None:
    before = tree(job.gtm.base)
    made = job.backup(provider="copy")
    assert (made["provider"], made["frozen_seconds"], made["watchdog"]) == ("rest", None, ""), made
    assert tree(job.gtm.base) == before
    require_one_moment(job.gtm, job.path())
    require_sound(job.gtm, job.path() / "AUX.dat")
    job.gtm.m('SET ^CASE("later")=1')
    found = writes_since(job.gtm.engine, positions(made), (), str(tmp_path))
    assert [one.reference for one in found.rows] == ['^CASE("later")']


def test_who_comes_in_the_middle_of_a_copy_at_rest_makes_it_a_copy_under_a_freeze(tmp_path: Path) -> None:
    """The datasets are the same size and nobody is there any more: their times tell."""
    storage = PlainStorage(tmp_path / "d")
    storage.directory.mkdir()
    (storage.directory / "A.dat").write_bytes(b"a" * 20000)
    storage.users = 0

    class Visitor(ladder.Progress):
        def add(self, count: int) -> None:
            (storage.directory / "A.dat").write_bytes(b"b" * 20000)

    taken = ladder.take(storage, order(tmp_path / "part"), Visitor())
    assert (taken.provider, taken.consistency) == ("copy", "plain freeze; copied again under it")
    assert (tmp_path / "part" / "A.dat").read_bytes() == b"b" * 20000
    storage.directory.joinpath("A.dat").write_bytes(b"c" * 20000)
    assert ladder.take(storage, order(tmp_path / "again"), SILENT).provider == "rest"


def order(part: Path, **changes: Any) -> ladder.Order:
    part.mkdir()
    plain = ladder.Order(str(part), "label", "copy", 60, False, None, time.time)
    return plain._replace(**changes)


# -- the second point ----------------------------------------------------------------


@pytest.mark.parametrize("provider", ["native", "copy", "reflink"])
def test_the_second_point_holds_what_differs(
    make: Callable[..., Change], request: pytest.FixtureRequest, provider: str, tmp_path: Path
) -> None:
    job = make(request.getfixturevalue("xfs") if provider == "reflink" else tmp_path)
    whole = job.backup(provider=provider)
    assert {one["stored"] for one in whole["datasets"]} == {"plain"}
    assert whole["base"] == ""
    job.gtm.m('SET ^CASE("second")="point"')
    start_transfers(job.gtm)
    made = job.backup(point="installed", provider=provider)
    assert made["changed"], made
    assert made["base"] == whole["path"]
    assert {one["name"]: one["stored"] for one in made["datasets"]} == {
        "AUX": "blocks", "DEFAULT": "blocks", "routines": "plain",
    }
    assert made["bytes"] * 10 < whole["bytes"]
    assert not (job.path("installed") / "DEFAULT.dat").exists()
    assert [one["verified"] for one in job.look(root=str(job.root), verify=True)["sets"]] == [True, True]
    kept = read_manifest(made["path"])
    for one in kept.of_kind("database"):
        Stored.of(made["path"], one, kept).extract(str(tmp_path / one.file))
        require_sound(job.gtm, tmp_path / one.file)
    require_one_moment(job.gtm, tmp_path)
    assert job.gtm.read_copy(tmp_path / "DEFAULT.dat", '^CASE("second")').strip() == "point"


def test_the_second_point_can_be_whole(job: Change) -> None:
    job.backup()
    made = job.backup(point="installed", incremental="never")
    assert (made["base"], {one["stored"] for one in made["datasets"]}) == ("", {"plain"})


def test_a_damaged_first_point_is_not_built_on(job: Change) -> None:
    first = job.backup()
    flip(Path(first["path"]) / "DEFAULT.dat.digests", 100)
    made = job.backup(point="installed")
    assert (made["base"], {one["stored"] for one in made["datasets"]}) == ("", {"plain"})
    assert "the point before cannot be built on" in made["msg"]


def test_blocks_are_copied_twice_where_no_check_needs_a_whole_file(tmp_path: Path) -> None:
    """The last block changes between the passes."""
    storage = PlainStorage(tmp_path / "d")
    storage.directory.mkdir()
    live = storage.directory / "A.dat"
    live.write_bytes(bytes(range(256)) * 32 * 40)
    before = ladder.take(storage, order(tmp_path / "before"), SILENT)
    earlier = ladder.Earlier(str(tmp_path / "before"), manifest_of(before))
    flip(live, 5)
    storage.checked.clear()

    def change(limit: int, hold: bool) -> str:
        flip(live, 39 * 8192 + 7)
        return "frozen"

    storage.freeze = change  # type: ignore[method-assign]
    storage.thaw = lambda: True  # type: ignore[method-assign]
    taken = ladder.take(storage, order(tmp_path / "installed", base=earlier), SILENT)
    assert [one.stored for one in taken.datasets] == ["blocks"]
    stored = Stored(str(tmp_path / "installed"), taken.datasets[0],
                    Stored(str(tmp_path / "before"), before.datasets[0]))
    stored.extract(str(tmp_path / "A"))
    assert (tmp_path / "A").read_bytes() == live.read_bytes()
    assert (tmp_path / "installed" / "A.dat.blocks").stat().st_size == 2 * 8192
    assert storage.checked == []


def manifest_of(taken: ladder.Taken) -> ladder.Manifest:
    return ladder.Manifest(
        "plain", "PLAIN", "R", "C", 1, "before", "", "", taken.provider, None, None, taken.datasets
    )


# -- clones --------------------------------------------------------------------------


def test_kept_clones_are_a_rollback_point_and_litter_is_removed(make: Callable[..., Change], xfs: Path) -> None:
    job = make(xfs)
    killed = job.backup(failpoint="freeze:copied")
    assert killed["status"] == -signal.SIGKILL
    until_thawed(job.gtm)
    label = "CHG0000002-1-CFIS-before"
    assert clones(job.gtm) == [label]
    litter = job.gtm.base / ".relmgmt-clones" / "another"
    litter.mkdir()
    made = job.backup(keep_clone=True)
    assert made["changed"], made
    assert clones(job.gtm) == [label]
    kept = job.gtm.base / ".relmgmt-clones" / label
    assert (kept / "cfis.dat").read_bytes() == (job.path() / "DEFAULT.dat").read_bytes()
    assert job.backup(point="installed")["provider"] == "reflink"
    assert clones(job.gtm) == [label]


def test_two_that_clone_the_same_datasets_do_not_meet(make: Callable[..., Change], xfs: Path) -> None:
    job = make(xfs)
    folder = job.gtm.base / ".relmgmt-clones"
    folder.mkdir()
    with ladder.clone_folders([str(job.gtm.dataset)], "other", False):
        assert "another process clones datasets" in job.backup()["msg"]
    assert job.backup()["changed"]


# -- what is impossible, and what goes wrong -----------------------------------------


@pytest.mark.parametrize("provider,why", [("reflink", "does not clone"), ("lvm", "logical volume")])
def test_a_provider_that_is_impossible_is_refused_before_anything_is_touched(
    job: Change, provider: str, why: str
) -> None:
    before = tree(job.gtm.base)
    for check in (True, False):
        result = job.backup(provider=provider, check=check)
        assert result["error"]["kind"] == "Refused"
        assert f"provider {provider} is impossible" in result["msg"]
        assert why in result["msg"]
    assert tree(job.gtm.base) == before
    assert not job.root.exists()


def test_regions_that_an_online_freeze_leaves_out_are_backed_up_by_the_engine(
    make: Callable[..., Change], xfs: Path
) -> None:
    job = make(xfs)
    engine = job.gtm.engine
    engine.require(engine.mupip("set", "-journal=disable", "-region", "*"), "journal")
    engine.require(engine.mupip("set", "-access_method=MM", "-region", "AUX"), "MM")
    refused = job.backup(provider="reflink")
    assert "leaves out regions of access method MM (AUX)" in refused["msg"], refused
    assert job.backup(check=True)["provider"] == "native"


def test_check_mode_says_which_rung_and_how_much_room(job: Change) -> None:
    native = job.backup(check=True)
    assert native["provider"] == "native"
    assert native["needed"] == native["size"] > 0
    assert native["free"] > native["needed"]
    job.backup()
    second = job.backup(check=True, point="installed", provider="copy")
    assert (second["provider"], second["base"]) == ("copy", str(job.path()))
    assert second["size"] < second["needed"] < 1.3 * second["size"]


@pytest.mark.parametrize("limit", [0, 301])
def test_a_freeze_limit_outside_its_bounds_is_refused(job: Change, limit: int) -> None:
    result = job.backup(freeze_limit=limit)
    assert "between 1 and 300" in result["msg"]
    assert not job.root.exists()


@pytest.mark.parametrize("provider,what", [("copy", "autorelease"), ("reflink", "somebody")])
def test_a_freeze_that_lapsed_gives_no_set(
    make: Callable[..., Change], xfs: Path, tmp_path: Path, provider: str, what: str
) -> None:
    job = make(xfs if provider == "reflink" else tmp_path)
    job.gtm.hold_open()
    after = {
        "autorelease": f"{job.gtm.dist}/mumps -run %XCMD 'for i=1:1:20000 set ^CASE(\"x\",i)=$justify(i,200)'",
        "somebody": f"{job.gtm.dist}/mupip freeze -off '*'",
    }[what]
    result = job.backup(instance=with_mupip(job, after), provider=provider)
    assert result["error"]["kind"] == "DatasetError", result
    assert "no longer frozen when it was to be thawed; the copy is void and was thrown away" in result["msg"]
    assert "Cure:" in result["msg"]
    assert not any(frozen(job.gtm))
    assert list(job.root.rglob("*.dat")) == []
    assert job.read_ledger().points() == []
    job.gtm.m('SET ^CASE("alive")=1')
    again = job.backup()
    assert again["changed"], again


def test_a_short_freeze_that_lapsed_is_taken_again(make: Callable[..., Change], xfs: Path, tmp_path: Path) -> None:
    job, lapses = make(xfs), tmp_path / "lapses"
    job.gtm.hold_open()
    write = f"{job.gtm.dist}/mumps -run %XCMD 'set ^CASE(\"late\")=1'"
    once = f"[ -e {lapses} ] || {{ touch {lapses}; {job.gtm.dist}/mupip freeze -off '*'; {write}; }}"
    made = job.backup(instance=with_mupip(job, once), provider="reflink")
    assert made["changed"], made
    assert lapses.exists()
    assert not any(frozen(job.gtm))
    assert b"late" in (job.path() / "DEFAULT.dat").read_bytes(), "the clones are those of the freeze that lasted"


def test_where_the_engine_would_end_the_freeze_the_second_one_makes_writers_wait(
    make: Callable[..., Change], xfs: Path
) -> None:
    job = make(xfs)
    job.gtm.hold_open()
    many = f"{job.gtm.dist}/mumps -run %XCMD 'for i=1:1:20000 set ^CASE(\"x\",i)=$justify(i,200)'"
    made = job.backup(instance=with_mupip(job, f"({many}) > /dev/null 2>&1 & sleep 2"), provider="reflink")
    assert made["changed"], made
    assert "-noautorelease" in made["consistency"]
    assert not any(frozen(job.gtm))
    until(lambda: job.gtm.m('WRITE $DATA(^CASE("x",20000))').strip() == "1")


def test_an_operators_freeze_stays(job: Change) -> None:
    job.gtm.hold_open()
    job.gtm.engine.mupip("freeze", "-on", "AUX")
    result = job.backup(provider="copy")
    assert result["error"]["kind"] == "Refused", result
    assert "AUX of CFIS is frozen already" in result["msg"]
    assert frozen(job.gtm) == [False, True]
    job.gtm.engine.mupip("freeze", "-off", "AUX")
    assert job.backup(provider="copy")["changed"]


@pytest.mark.parametrize("point", ["freeze:armed", "freeze:frozen", "freeze:copied", "freeze:thawed"])
def test_invariant_4_a_killed_backup_leaves_nothing_frozen(job: Change, point: str) -> None:
    job.gtm.hold_open()
    assert job.backup(provider="copy", failpoint=point)["status"] == -signal.SIGKILL
    until_thawed(job.gtm)
    job.gtm.m('SET ^CASE("alive")=1')
    assert job.read_ledger().points() == []
    if point == "freeze:copied":
        assert job.backup(provider="copy")["provider"] == "copy"


def test_a_failure_under_the_freeze_thaws_and_leaves_no_part(job: Change) -> None:
    job.gtm.hold_open()
    result = job.backup(provider="copy", failpoint="freeze:copied:error")
    assert "the disk failed" in result["msg"]
    assert not any(frozen(job.gtm))
    assert list(job.root.rglob("*.part")) == []


def test_invariant_4_holds_on_a_full_disk(small: Path, make: Callable[..., Change]) -> None:
    job = make(small)
    job.gtm.hold_open()
    hog = small / "hog"
    options = with_mupip(job, f"dd if=/dev/zero of={hog} bs=64k; dd if=/dev/zero of={hog}.2 bs=1")
    killed = job.backup(instance=options, provider="copy", reserve=0, failpoint="freeze:frozen")
    assert killed["status"] == -signal.SIGKILL
    assert shutil.disk_usage(small).free == 0
    until_thawed(job.gtm)
    hog.unlink()
    job.gtm.m('SET ^CASE("alive")=1')


def test_a_journal_that_the_freeze_switched_off_is_said(small: Path, make: Callable[..., Change]) -> None:
    """GT.M switches journals when an online freeze ends; without room it journals no more."""
    job = make(small)
    job.gtm.hold_open()
    hog = small / "hog"
    options = with_mupip(job, f"dd if=/dev/zero of={hog} bs=64k; dd if=/dev/zero of={hog}.2 bs=1")
    result = job.backup(instance=options, provider="copy", reserve=0)
    assert "journals no more" in result["msg"], result
    assert "mupip set -journal" in result["msg"]
    assert not any(frozen(job.gtm))


def test_no_room_beside_the_datasets_is_refused_before_the_freeze(small: Path, make: Callable[..., Change]) -> None:
    job = make(small)
    before = tree(small)
    result = job.backup(provider="copy", reserve=30 << 20)
    assert "are free" in result["msg"]
    assert str(job.gtm.base) in result["error"]["place"]
    assert tree(small) == before


def test_a_dataset_that_vanishes_under_the_copy_is_named(job: Change) -> None:
    job.gtm.hold_open()
    result = job.backup(instance=with_mupip(job, f"rm {job.gtm.second}"), provider="copy")
    assert str(job.gtm.second) in result["msg"], result
    assert list(job.root.rglob("*.part")) == []
    assert not read_header(job.gtm.engine, str(job.gtm.dataset)).frozen


def test_a_read_error_is_named_by_its_bytes(tmp_path: Path) -> None:
    storage = PlainStorage(tmp_path / "d")
    storage.directory.mkdir()
    (storage.directory / "A.dat").write_bytes(b"a" * 20000)

    class Shrinking(ladder.Progress):
        def begin(self, what: str, total: int) -> None:
            os.truncate(storage.directory / "A.dat", 8192)

    with pytest.raises(DatasetError, match="the file ends at byte 8192"):
        ladder.take(storage, order(tmp_path / "part"), Shrinking())


def test_logical_volumes_are_snapshotted(make: Callable[..., Change], tmp_path: Path) -> None:
    targets = subprocess.run(["dmsetup", "targets"], capture_output=True, text=True, check=False).stdout
    if "snapshot" not in targets or not shutil.which("lvcreate"):
        pytest.skip("untested: no device-mapper snapshots (dmsetup targets), or no lvm2")
    group = f"relmgmt{os.getpid()}"
    with logical_volume(tmp_path, group) as mount:
        job = make(mount)
        start_transfers(job.gtm)
        made = job.backup(provider="lvm")
        assert made["provider"] == "lvm", made
        require_one_moment(job.gtm, job.path())
        require_sound(job.gtm, job.path() / "DEFAULT.dat")
        names = subprocess.run(["lvs", "--noheadings", "-o", "lv_name", group], capture_output=True, text=True,
                               check=True).stdout.split()
        assert names == ["data"]
        job.gtm.close()
