# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_set`` on Caché and IRIS: frozen, thawed, checked (A15, invariants 2, 4, 8; T7, T17, T18, FACTS 3.1)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from gtm_change import Change, tree
from iris_instance import IrisSandbox, Make, products

from ansible_collections.relmgmt.release.plugins.module_utils._backup.freeze import frozen
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    EngineError,
    HostStateUnknown,
    Refused,
    RelmgmtError,
)


@pytest.fixture(scope="module", params=products("iris2025"))
def shared(make_shared_iris: Make, request: pytest.FixtureRequest) -> IrisSandbox:
    made = make_shared_iris(request.param)
    for number in range(50):
        made.set("^RELMGMTDATA", str(number), value="open")
    return made


@pytest.fixture
def iris(shared: IrisSandbox) -> IrisSandbox:
    if shared.emulated:
        shared.settle()
    return shared


@pytest.fixture
def job(tmp_path: Path, iris: IrisSandbox) -> Change:
    return Change(tmp_path, iris)


def suspended(iris: IrisSandbox) -> bool:
    return iris.engine.info().state == "frozen"


def test_a_set_is_taken_under_a_freeze_and_proven(job: Change, iris: IrisSandbox) -> None:
    planned = job.backup(check=True)
    assert planned["changed"], planned
    assert not job.root.exists()
    made = job.backup()
    assert made["changed"], made
    assert made["provider"] in ("copy", "reflink")
    assert "ExternalFreeze" in made["consistency"]
    assert made["frozen_seconds"] is not None
    assert not suspended(iris)
    manifest = read_manifest(made["path"])
    assert (manifest.engine, manifest.instance) == ("iris", iris.instance["name"])
    for one in manifest.datasets:
        assert one.file == f"{one.name}/{Path(one.path).name}"
        assert one.position is not None
        assert one.position.journal
        Stored.of(made["path"], one, manifest).verify()
    assert not job.backup()["changed"]
    assert not list(Path(made["path"]).rglob("*.lck"))


def test_the_second_point_stores_what_differs(job: Change, iris: IrisSandbox) -> None:
    assert job.backup()["changed"]
    iris.set("^RELMGMTDATA", "7", value="installed")
    second = job.backup(point="installed")
    assert second["changed"], second
    assert {one["stored"] for one in second["datasets"]} == {"blocks"}
    looked = job.look(root=str(job.root), verify=True)
    assert [one["verified"] for one in looked["sets"]] == [True, True]


def test_the_check_leaves_the_copy_as_it_is(job: Change, iris: IrisSandbox, tmp_path: Path) -> None:
    made = job.backup()
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", made["path"], str(copy)], check=True)
    before = tree(copy)
    for one in made["datasets"]:
        iris.storage.check_copy(str(copy / one["file"]))
    assert tree(copy) == before


def test_the_check_finds_what_is_no_database(iris: IrisSandbox, tmp_path: Path) -> None:
    file = tmp_path / "CFISDATA" / iris.emulator.file("CFISDATA").name
    file.parent.mkdir()
    file.write_bytes(b"this is no database" * 8192)
    with pytest.raises(EngineError, match="mounting the copy") as caught:
        iris.storage.check_copy(str(file))
    assert caught.value.place == str(file)
    assert not list(file.parent.glob("*.lck"))


def test_the_check_finds_a_damaged_copy(job: Change, iris: IrisSandbox, tmp_path: Path) -> None:
    made = job.backup()
    one = next(one for one in made["datasets"] if one["name"] == "CFISDATA")
    file = tmp_path / one["file"]
    file.parent.mkdir()
    data = bytearray((Path(made["path"]) / one["file"]).read_bytes())
    at = data.index(b"RELMGMTDATA")
    data[at - 16:at + 64] = b"\xff" * 80
    file.write_bytes(data)
    with pytest.raises(DatasetError, match="integrity check found errors") as caught:
        iris.storage.check_copy(str(file))
    assert caught.value.place == str(file)
    assert not list(file.parent.glob("*.lck"))


# -- the freeze ---------------------------------------------------------------------------


def test_users_go_on_while_it_is_frozen(iris: IrisSandbox) -> None:
    storage = iris.storage
    storage.freeze(60)
    try:
        iris.set("^RELMGMTDATA", "1", value="written under the freeze")
        assert suspended(iris)
    finally:
        assert storage.thaw()
    assert iris.nodes("^RELMGMTDATA")[("1",)] == "written under the freeze"


def test_t18_an_error_under_the_freeze_thaws(iris: IrisSandbox) -> None:
    def fail() -> None:
        with frozen(iris.storage, 60):
            assert suspended(iris)
            raise DatasetError("mine")

    with pytest.raises(DatasetError, match="mine"):
        fail()
    assert not suspended(iris)


def test_somebody_elses_freeze_is_left_alone(iris: IrisSandbox) -> None:
    theirs = iris.storage
    theirs.freeze(60)
    with pytest.raises(Refused, match="frozen already"), frozen(iris.storage, 60):
        pass
    assert theirs.thaw()


def test_a_freeze_that_lapsed_is_void(iris: IrisSandbox) -> None:
    with frozen(iris.storage, 60) as state:
        iris.emulator.session(entry="##class(Backup.General).ExternalThaw()", namespace="%SYS")
    assert "no longer frozen" in state.void


@pytest.mark.parametrize("succeeds", [True, False])
@pytest.mark.parametrize("is_frozen", [True, False])
def test_the_watchdogs_command_thaws_and_knows_when_it_is_done(
    iris: IrisSandbox, succeeds: bool, is_frozen: bool
) -> None:
    iris.facts(thaw_of_unfrozen_succeeds=succeeds)
    storage = iris.storage
    if is_frozen:
        storage.freeze(60)
    command = storage.thaw_command()
    done = subprocess.run(command.argv, env=command.environment, input=command.stdin, capture_output=True, check=False)
    assert done.returncode in command.done
    assert not suspended(iris)


def test_t17_a_status_that_nobody_knows_is_no_success(iris: IrisSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(_spec: str, _limit: int) -> tuple[str, bool]:
        return "##class(Backup.General).NoSuchMethod()", False

    monkeypatch.setattr(iris_storage, "freeze_call", other)
    for status in (0, 1):
        iris.facts(entry_error_status=status)
        with pytest.raises(HostStateUnknown, match=f"ExternalFreeze ended with status {status}"):
            iris.storage.freeze(60)
    iris.emulator.settings.private.joinpath("refused.log").unlink(missing_ok=True)


@pytest.mark.parametrize("product", products("cache2008"))
@pytest.mark.parametrize("has", [True, False])
def test_the_instances_own_limit_is_used_where_there_is_one(make_iris: Make, product: str, has: bool) -> None:
    iris = make_iris(product)
    iris.facts(wd_suspend_limit_exists=has)
    with frozen(iris.storage, 45) as state:
        assert suspended(iris)
    assert not state.void
    limited = "resumed by the instance itself after 45 s" in state.how
    assert limited == has


def test_a_password_needs_a_thaw_command(iris: IrisSandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    iris.scenario(credentials=("deploy", "s3cret"))
    options = {"username": "deploy", "password_file": str(secret)}
    by_password = IrisSandbox({**iris.instance, "iris": {**iris.instance["iris"], **options}}, iris.emulated)
    assert "must not carry" in by_password.storage.why_no_freeze()
    with pytest.raises(Refused, match="must not carry"):
        by_password.storage.freeze(60)
    options["thaw_command"] = ["/usr/local/sbin/thaw-cfis", "CFIS"]
    helped = IrisSandbox({**iris.instance, "iris": {**iris.instance["iris"], **options}}, iris.emulated).storage
    assert helped.why_no_freeze() == ""
    assert helped.thaw_command().argv == ("/usr/local/sbin/thaw-cfis", "CFIS")
    assert "s3cret" not in json.dumps([helped.thaw_command().argv, dict(helped.thaw_command().environment)])
    helped.freeze(60)
    assert helped.thaw()


def test_a_start_up_namespace_is_told_before_anything_is_frozen(iris: IrisSandbox) -> None:
    iris.scenario(startup_namespace="USER")
    with pytest.raises(Refused, match="instead of 5 or 3") as caught:
        iris.storage.freeze(60)
    assert "start-up namespace" in caught.value.cure
    assert not suspended(iris)


def test_history_is_never_set(job: Change, iris: IrisSandbox) -> None:
    assert job.backup()["changed"]
    source = Path(iris_storage.__file__).read_text(encoding="utf-8")
    assert "ExternalSetHistory" not in source.replace("ExternalSetHistory is never", "")
    assert iris.emulator.refused() == ""


# -- what cannot be copied ------------------------------------------------------------------


def test_t7_an_instance_that_is_down_gives_no_set(job: Change, iris: IrisSandbox) -> None:
    iris.emulator.stop()
    refused = job.backup()
    assert refused["failed"]
    assert "'down', not running" in refused["msg"]
    assert not list(job.root.rglob("manifest.json"))


def test_a_database_of_several_volumes_is_refused(iris: IrisSandbox) -> None:
    more = iris.emulator.directory("CFISDATA") / "IRIS-0001.VOL"
    more.touch()
    try:
        with pytest.raises(RelmgmtError, match="several volumes"):
            iris.storage.datasets()
    finally:
        more.unlink()


def test_a_running_instance_without_users_is_not_at_rest(iris: IrisSandbox) -> None:
    assert iris.engine.attached().processes == 0
    assert iris.storage.attached().processes == 1
