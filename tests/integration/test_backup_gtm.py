# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_set`` and ``backup_set_info`` on a real GT.M instance (A15, invariants 2 and 8)."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from gtm_change import CHANGE, Change, TwoRegions, flip, positions, tree

from ansible_collections.relmgmt.release.plugins.module_utils._backup.lock import alone
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import Writer, writes_since
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger


@pytest.fixture
def gtm(tmp_path: Path) -> Iterator[TwoRegions]:
    made = TwoRegions(tmp_path / "i")
    made.create()
    yield made
    made.close()


@pytest.fixture
def job(tmp_path: Path, gtm: TwoRegions) -> Change:
    return Change(tmp_path, gtm)


def test_twelve_steps_of_a_backup_set(job: Change) -> None:
    before = tree(job.gtm.base)
    for _ in range(2):
        planned = job.backup(check=True)
        assert planned["changed"], planned
        assert str(job.path()) in planned["diff"]["after"]
    assert tree(job.gtm.base) == before
    assert not job.root.exists()
    assert job.read_ledger().points() == []

    made = job.backup()
    assert made["changed"], made
    assert made["path"] == str(job.path())
    assert [one["name"] for one in made["datasets"]] == ["AUX", "DEFAULT", "routines"]
    kept = tree(job.root)

    again = job.backup()
    assert not again["changed"], again
    assert again["root_digest"] == made["root_digest"]
    assert not job.backup(check=True)["changed"]
    assert tree(job.root) == kept
    assert [one["root_digest"] for one in job.read_ledger().points()] == [made["root_digest"]]

    second = job.backup(point="installed")
    assert second["changed"], second
    looked = job.look(root=str(job.root), verify=True)
    assert [one["verified"] for one in looked["sets"]] == [True, True]
    assert looked["unfinished"] == []
    assert not job.backup(point="installed")["changed"]


def test_the_manifest_says_how_it_came_about(job: Change) -> None:
    made = job.backup()
    manifest = json.loads((job.path() / "manifest.json").read_text())
    assert manifest["engine"] == "gtm"
    assert manifest["instance"] == "CFIS"
    assert "mupip backup -online" in manifest["consistency"]
    positions = {one["name"]: one["position"] for one in manifest["datasets"]}
    assert positions["DEFAULT"] == {
        "transaction": 201, "journal": str(job.gtm.base / "cfis.mjl"), "before_images": True,
    }
    assert positions["routines"] is None
    sizes = {one["name"]: one["size"] for one in made["datasets"]}
    assert (job.path() / "AUX.dat.digests").stat().st_size == -(-sizes["AUX"] // 4096) * 16


def test_all_regions_are_of_one_moment_while_a_writer_lives(job: Change) -> None:
    job.gtm.start(
        'WRITE "go",! FOR i=1:1 TSTART ():SERIAL  SET ^CASE("n")=i,^AUXLOG("n")=i TCOMMIT  HANG 0.001'
    )
    try:
        made = job.backup()
    finally:
        job.gtm.close()
    assert made["changed"], made
    first = job.gtm.read_copy(job.path() / "DEFAULT.dat", '^CASE("n")')
    assert first
    assert first == job.gtm.read_copy(job.path() / "AUX.dat", '^AUXLOG("n")')


@pytest.mark.parametrize("point", ["backup:copied", "backup:hashed", "backup:verified", "backup:manifest"])
def test_t5_a_part_that_a_crash_left_is_no_set_and_blocks_nobody(job: Change, point: str) -> None:
    killed = job.backup(failpoint=point)
    assert killed["status"] == -signal.SIGKILL
    assert not job.path().exists()
    looked = job.look(root=str(job.root))
    assert (looked["sets"], looked["unfinished"]) == ([], [str(job.path()) + ".part"])
    asked = job.look(path=str(job.path()) + ".part")
    assert "unfinished backup" in asked["msg"]
    assert job.read_ledger().points() == []
    assert job.backup()["changed"]
    assert job.look(root=str(job.root), verify=True)["unfinished"] == []


@pytest.mark.parametrize("point", ["backup:published", "backup:unrecorded"])
def test_a_set_that_a_crash_left_unrecorded_is_recorded_by_the_next_run(job: Change, point: str) -> None:
    assert job.backup(failpoint=point)["status"] == -signal.SIGKILL
    assert job.read_ledger().points() == []
    again = job.backup()
    assert not again["changed"]
    assert [one["root_digest"] for one in job.read_ledger().points()] == [again["root_digest"]]


def test_a_failure_leaves_nothing_behind(job: Change) -> None:
    failed = job.backup(failpoint="backup:hashed:error")
    assert "the disk failed" in failed["msg"]
    assert "there is no backup set" in failed["msg"]
    assert list(job.root.rglob("*.part")) == []
    assert job.backup()["changed"]


def test_t7_success_without_a_copy_is_an_error(job: Change, tmp_path: Path) -> None:
    fake = tmp_path / "dist"
    fake.mkdir()
    real = Path(job.gtm.dist)
    for one in real.iterdir():
        if one.name != "mupip":
            (fake / one.name).symlink_to(one)
    said = "%GTM-I-BACKUPSUCCESS, Backup completed successfully"
    script = f'[ "$1" = backup ] && {{ echo "{said}"; exit 0; }}\nexec {real}/mupip "$@"\n'
    (fake / "mupip").write_text("#!/bin/sh\n" + script)
    (fake / "mupip").chmod(0o755)
    options = json.loads(json.dumps(job.gtm.instance))
    options["gtm"]["dist"] = str(fake)
    result = job.backup(instance=options)
    assert result["failed"]
    assert not job.path().exists()
    assert job.read_ledger().points() == []


def test_a_damaged_live_database_gives_no_set(job: Change) -> None:
    data = bytearray(job.gtm.dataset.read_bytes())
    data[4194304 + 4096 * 3 + 20:4194304 + 4096 * 3 + 60] = b"\xff" * 40
    job.gtm.dataset.write_bytes(bytes(data))
    result = job.backup()
    assert result["failed"]
    assert "damaged" in result["msg"]
    assert not job.path().exists()


def test_a_vanished_dataset_is_named(job: Change) -> None:
    job.gtm.second.unlink()
    result = job.backup()
    assert result["failed"]
    assert str(job.gtm.second) in result["msg"]


def test_a_full_disk_is_refused_before_the_first_byte(job: Change) -> None:
    result = job.backup(reserve=1 << 50)
    assert "are free" in result["msg"]
    assert list(job.root.rglob("*.dat")) == []


def test_a_damaged_set_is_never_replaced(job: Change) -> None:
    made = job.backup()
    victim = Path(made["path"]) / "DEFAULT.dat"
    flip(victim, 5000000 % victim.stat().st_size)
    kept = tree(job.root)
    result = job.backup()
    assert result["failed"]
    assert str(victim) in result["msg"]
    assert tree(job.root) == kept


def test_before_is_refused_after_the_release_has_changed_the_host(job: Change) -> None:
    ledger = Ledger(str(job.ledger))
    act = ledger.begin_act(
        change=CHANGE, attempt=1, release="CFIS002", phase="install", module="cache_package",
        target="CFIS:CFIS002.xml", intent={}, undo={"kind": "items"},
    )
    ledger.finish_act(act, "done", {})
    ledger.close()
    assert "already changed this host" in job.backup()["msg"]
    assert job.backup(point="installed")["changed"]


def test_without_a_receipt_nothing_is_taken(job: Change) -> None:
    result = job.backup(change="CHG0000009")
    assert result["error"]["kind"] == "ReceiptMissing"
    assert not job.root.exists()


def test_two_at_once_one_is_refused(job: Change) -> None:
    parent = job.path().parent
    parent.mkdir(parents=True)
    with alone(str(parent), "takes a backup set"):
        assert "another process takes a backup set" in job.backup()["msg"]
    assert job.backup()["changed"]


# -- who wrote what since ------------------------------------------------------------


def test_invariant_13_a_users_write_after_the_point_is_found(job: Change, tmp_path: Path) -> None:
    made = job.backup()
    engine = job.gtm.engine
    nothing = writes_since(engine, positions(made), (), str(tmp_path))
    assert (nothing.unknown, nothing.total) == ("", 0)
    ours = engine.mumps("-run", "%XCMD", 'SET ^CASE("release")=1')
    user = engine.mumps("-run", "%XCMD", 'SET ^AUXLOG("a=""b",7)="x=y" KILL ^CASE(3) ZKILL ^CASE(4)')
    assert user.rc == 0
    found = writes_since(engine, positions(made), [Writer(ours.pid)], str(tmp_path))
    assert not found.unknown
    assert [(one.op, one.reference) for one in found.rows] == [
        ("set", '^AUXLOG("a=""b",7)'), ("kill", "^CASE(3)"), ("zkill", "^CASE(4)"),
    ]
    assert {one.pid for one in found.rows} == {user.pid}
    assert all(one.user for one in found.rows)
    assert found.globals == {"^AUXLOG": 1, "^CASE": 2}


def test_a_process_number_used_again_by_a_user_does_not_hide_the_user(job: Change, tmp_path: Path) -> None:
    made = job.backup()
    user = job.gtm.engine.mumps("-run", "%XCMD", "SET ^CASE(1)=2")
    writer = Writer(user.pid, since=0.0, until=1000.0)
    assert writes_since(job.gtm.engine, positions(made), [writer], str(tmp_path)).total == 1


def test_writes_of_a_living_process_are_found(job: Change, tmp_path: Path) -> None:
    made = job.backup()
    job.gtm.start('SET ^CASE("live")=1 WRITE "done",! HANG 60')
    found = writes_since(job.gtm.engine, positions(made), (), str(tmp_path))
    assert [one.reference for one in found.rows] == ['^CASE("live")']


def test_switched_journals_are_followed(job: Change, tmp_path: Path) -> None:
    made = job.backup()
    for number in range(3):
        job.gtm.m(f'SET ^CASE("s",{number})=1')
        job.gtm.engine.require(
            job.gtm.engine.mupip("set", "-journal=enable,on,before", "-region", "DEFAULT"), "switch"
        )
    found = writes_since(job.gtm.engine, positions(made), (), str(tmp_path))
    assert not found.unknown
    assert [one.reference for one in found.rows] == [f'^CASE("s",{number})' for number in range(3)]


@pytest.mark.parametrize("what", ["missing", "off", "gap"])
def test_unknown_is_said_as_unknown(job: Change, tmp_path: Path, what: str) -> None:
    made = job.backup()
    engine = job.gtm.engine
    job.gtm.m("SET ^CASE(1)=2")
    job.gtm.settle()
    if what == "missing":
        (job.gtm.base / "cfis.mjl").unlink()
    else:
        engine.require(engine.mupip("set", "-journal=off", "-region", "DEFAULT"), "off")
    if what == "gap":
        job.gtm.m("SET ^CASE(1)=3")
        engine.require(engine.mupip("set", "-journal=on,before", "-region", "DEFAULT"), "on")
        job.gtm.m("SET ^CASE(1)=4")
    found = writes_since(engine, positions(made), (), str(tmp_path))
    assert found.unknown
    assert found.others is None
