# SPDX-License-Identifier: GPL-3.0-or-later
"""``restore`` on Caché and IRIS: dismounted, rewritten, proven, mounted (A15, invariants 3, 8, 13, 14; FACTS 3.3)."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gtm_change import CHANGE, Change
from iris_instance import IrisSandbox, Make, products

from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import is_marked, mark_unopenable
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    EngineError,
    HostStateUnknown,
    Refused,
)

PERSON = {"lose_writes_confirmed_by": "maria.lopez"}
POINT = {("1",): "open", ("2",): "open"}


class Scene:
    """An instance with a set of point `before`."""

    def __init__(self, base: Path, iris: IrisSandbox) -> None:
        self.iris = iris
        for (one,), value in POINT.items():
            iris.set("^RELMGMTDATA", one, value=value)
        self.job = Change(base, iris)
        self.made = self.job.backup()
        assert self.made["changed"], self.made
        self.path = self.made["path"]
        self.whole = True

    def change(self) -> None:
        self.iris.set("^RELMGMTDATA", "1", value="closed")
        self.iris.set("^RELMGMTDATA", "3", value="new")
        # What is in the instance's memory alone is not seen by who looks at the files, as check mode does.
        self.iris.storage.settle(list(self.iris.storage.paths().values()))

    def restore(self, **options: Any) -> dict[str, Any]:
        return self.job.restore(self.path, **options)

    def require_reached(self) -> None:
        assert self.iris.nodes("^RELMGMTDATA") == POINT
        info = self.iris.engine.info()
        assert [one.mounted for one in info.datasets] == [True] * len(info.datasets)
        assert info.state == "running"
        assert self.iris.storage.unfinished() == {}


class Scenes:
    """One scene for the tests of this file, made again after one that spoils it."""

    def __init__(self, make: Callable[[], Scene]) -> None:
        self._make = make
        self._scene: Scene | None = None

    def take(self) -> Scene:
        scene, self._scene = self._scene, None
        if scene is None:
            return self._make()
        if scene.iris.emulated:
            scene.iris.settle()
        return scene

    def keep(self, scene: Scene) -> None:
        if scene.iris.storage.unfinished() == {} and scene.iris.nodes("^RELMGMTDATA") == POINT:
            self._scene = scene


@pytest.fixture(scope="module", params=products("iris2025"))
def scenes(
    make_shared_iris: Make, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Scenes:
    return Scenes(lambda: Scene(tmp_path_factory.mktemp("scene"), make_shared_iris(request.param)))


@pytest.fixture
def scene(scenes: Scenes) -> Iterator[Scene]:
    made = scenes.take()
    yield made
    if made.whole:
        scenes.keep(made)


def test_a_restore_brings_the_point_back_and_a_second_run_changes_nothing(scene: Scene) -> None:
    scene.change()
    planned = scene.restore(check=True)
    assert planned["changed"], planned
    assert 0 < planned["blocks_differing"] < planned["blocks_total"]
    assert scene.iris.nodes("^RELMGMTDATA") != POINT
    refused = scene.restore()
    assert "the journals of Caché and IRIS are not read" in refused["msg"]
    assert refused["failed"]
    done = scene.restore(**PERSON)
    assert done["changed"], done
    scene.require_reached()
    again = scene.restore(**PERSON)
    assert not again["changed"], again
    scene.require_reached()
    scene.iris.set("^RELMGMTDATA", "1", value="open")


def test_code_comes_back_with_the_datasets(scene: Scene) -> None:
    assert scene.iris.engine.info().code_in_datasets
    source = "RELMGMTNEW ;new\n quit\n"
    scene.iris.engine.load_items([Item("RELMGMTNEW.MAC", tuple(source.splitlines()))], [])
    assert scene.restore(**PERSON)["changed"]
    assert scene.iris.engine.read_items(["RELMGMTNEW.MAC"]) == {}


def test_a_user_of_the_namespace_stops_a_restore(scene: Scene) -> None:
    scene.change()
    with scene.iris.user() as pid:
        assert scene.iris.engine.attached().pids == (pid,)
        refused = scene.restore(**PERSON)
    assert refused["failed"]
    assert f"1 processes are in namespaces of these datasets: {pid}" in refused["msg"]
    assert all(one.mounted for one in scene.iris.engine.info().datasets)


def test_who_cannot_be_seen_is_not_taken_for_nobody(scene: Scene) -> None:
    scene.iris.facts(processes_listed=False)
    with pytest.raises(HostStateUnknown, match="does not list its processes"):
        scene.iris.storage.require_standalone()
    scene.iris.emulator.settings.private.joinpath("refused.log").unlink(missing_ok=True)


@pytest.mark.parametrize("point", ["restore:closed", "restore:verified", "restore:routines", "restore:opened"])
def test_a_restore_that_was_cut_off_is_finished_by_the_next(scene: Scene, point: str) -> None:
    scene.change()
    cut = scene.restore(failpoint=point, **PERSON)
    assert cut["status"] == -signal.SIGKILL, cut
    left = scene.iris.storage.unfinished()
    assert left["path"] == scene.path
    with pytest.raises(DatasetError, match="is not finished"):
        scene.iris.engine.info()
    done = scene.restore()
    assert done["changed"], done
    scene.require_reached()


def test_a_reboot_with_autostart_opens_nothing_that_is_half_restored(scene: Scene) -> None:
    scene.change()
    cut = scene.restore(failpoint="restore:routines", **PERSON)
    assert cut["status"] == -signal.SIGKILL, cut
    file = scene.iris.emulator.file("CFISDATA")
    whole = file.read_bytes()
    # What the first block is until the last moment.
    manifest = read_manifest(scene.path)
    one = next(one for one in manifest.datasets if one.name == "CFISDATA")
    mark_unopenable(str(file), Stored.of(scene.path, one, manifest), scene.path)
    assert whole != file.read_bytes()
    scene.iris.emulator.kill()
    scene.iris.emulator.autostart()
    if scene.iris.emulator.running:
        assert not scene.iris.emulator.session("write $data(^RELMGMTDATA)", namespace="CFIS").out.count("\n10")
    assert is_marked(str(file)) == scene.path
    done = scene.restore(**PERSON)
    assert done["changed"], done
    scene.require_reached()


def test_a_dataset_that_is_gone_comes_back(scene: Scene) -> None:
    scene.iris.emulator.stop()
    scene.iris.emulator.file("CFISDATA").unlink()
    done = scene.restore(**PERSON)
    assert done["changed"], done
    scene.require_reached()


def test_a_crashed_instance_has_to_recover_first(scene: Scene) -> None:
    scene.whole = False
    scene.iris.emulator.kill()
    refused = scene.restore(**PERSON)
    assert refused["failed"]
    assert "not stopped in order" in refused["msg"] or "not running" in refused["msg"]


def test_a_failure_before_the_first_write_opens_the_instance_again(scene: Scene) -> None:
    scene.change()
    before = scene.iris.nodes("^RELMGMTDATA")
    damaged = Path(scene.path) / next(one["file"] for one in scene.made["datasets"] if one["name"] == "CFISDATA")
    data = bytearray(damaged.read_bytes())
    data[data.index(b"open")] ^= 1
    scene.whole = False
    damaged.write_bytes(data)
    refused = scene.restore(**PERSON)
    assert refused["failed"]
    assert scene.iris.nodes("^RELMGMTDATA") == before
    assert scene.iris.storage.unfinished() == {}


def test_a_dismount_that_fails_leaves_everything_open(scene: Scene) -> None:
    scene.iris.facts(dismount_in_use_fails=True)
    with scene.iris.user(), pytest.raises(EngineError, match="dismounting CFISDATA failed") as caught:
        scene.iris.storage.close(scene.path, ["CFISDATA"], "")
    assert "then run again" in caught.value.cure
    scene.require_reached()


def test_a_mirrors_backup_member_is_never_changed(make_iris: Make, tmp_path: Path) -> None:
    iris = make_iris("iris2025")
    iris.scenario(mirror_backup=True)
    with pytest.raises(Refused, match="mirror member of type Failover, status Backup"):
        iris.storage.require_standalone()
    with pytest.raises(Refused, match="mirror member"):
        iris.engine.load_items([], ["RELMGMTCASE.MAC"])
    with pytest.raises(Refused, match="mirror member"):
        iris.engine.write_globals([])


def test_the_ledger_keeps_no_password(scene: Scene) -> None:
    scene.change()
    assert scene.restore(**PERSON)["changed"]
    acts = json.dumps(scene.job.read_ledger().acts(CHANGE))
    assert "password" not in acts
