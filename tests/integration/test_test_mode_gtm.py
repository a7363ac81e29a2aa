# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules test_mode and test_mode_info on a real GT.M, with a real fence in a network namespace."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from gtm_change import CHANGE, TwoRegions, tree
from namespaces import Network, network
from test_mode_host import MEDS, MEDS_TEST, OUTSIDE, PRODUCTION, TEST, TestModeHost

__all__ = ["network"]

IN_PRODUCTION, IN_TEST = [PRODUCTION, PRODUCTION, MEDS], [TEST, TEST, MEDS_TEST]


@pytest.fixture
def host(tmp_path: Path, network: Network) -> TestModeHost:
    gtm = TwoRegions(tmp_path / "i")
    gtm.create()
    return TestModeHost(tmp_path, network, gtm)


def test_there_and_back(host: TestModeHost) -> None:
    host.prepare()
    entered = host.enter()
    assert entered["failed"] is False, entered["msg"]
    assert entered["changed"] is True
    assert host.ports() == IN_TEST
    again = host.enter()
    assert (again["failed"], again["changed"]) == (False, False), again
    info = host.info()
    assert (info["verdict"], info["ok"], info["problems"]) == ("test", True, []), info
    host.gtm.m('SET ^CASE("tester")=1')
    host.gtm.settle()
    refused = host.leave()
    assert refused["failed"]
    assert "no restore was made since" in refused["msg"]
    assert host.restore()["changed"] is True
    left = host.leave()
    assert left["failed"] is False, left["msg"]
    assert host.ports() == IN_PRODUCTION
    assert host.info()["verdict"] == "production"
    assert host.leave()["changed"] is False
    assert host.fence("absent")["failed"] is False
    assert not host.fence_stands()
    assert host.info()["ok"] is True


def test_it_is_entered_only_with_proof(host: TestModeHost) -> None:
    """Each obstacle by itself is named with its cure, and nothing is touched."""
    assert "no verified backup point before" in host.enter()["msg"]
    host.backup()
    refused = host.enter()
    assert "no fence was put up" in refused["msg"]
    assert refused["error"]["cure"].startswith("put it up")
    assert host.fence()["failed"] is False
    host.network.host.run("nft", "flush", "chain", "inet", "relmgmt_fence", "output")
    assert "the fence does not stand" in host.enter()["msg"]
    assert host.fence()["changed"] is True
    (host.base / "queue").write_text('{"value": "3"}')
    assert "the queue of CATS holds 3" in host.enter()["msg"]
    (host.base / "queue").unlink()
    peer = host.network.host.peer()
    peer.listen("stranger", "0.0.0.0", int(MEDS_TEST))
    assert f"the test port {MEDS_TEST} of MEDS is in use by" in host.enter()["msg"]
    assert f"(process {peer.pid})" in host.enter()["msg"]
    peer.stop()
    host.network.host.peers.remove(peer)
    host.properties.write_text("cats.port=5999\n")
    assert "holds '5999', neither its production nor its test value" in host.enter()["msg"]
    host.properties.write_text(f"cats.port={TEST}\n")
    assert "means test although this host is not in test mode" in host.enter()["msg"]
    host.properties.write_text(f"cats.port={PRODUCTION}\n")
    assert "older than 0 s" in host.enter(point_max_age=0)["msg"]
    assert host.document() is None
    assert host.ports() == IN_PRODUCTION
    assert host.enter()["failed"] is False


def test_a_process_that_holds_on_to_production_is_named(host: TestModeHost) -> None:
    outside, ours = host.network.outside.peer(), host.network.host.peer()
    outside.listen("production", OUTSIDE, int(PRODUCTION))
    assert ours.connect("old", OUTSIDE, int(PRODUCTION)) == ""
    host.prepare()
    refused = host.enter()
    told = f"(process {ours.pid}) is connected to the production endpoint {OUTSIDE}:{PRODUCTION} of CATS"
    assert told in refused["msg"]
    assert host.document() is None


def test_check_mode_tells_what_would_be(host: TestModeHost) -> None:
    before = host.enter(check=True)
    assert before["failed"] is False
    assert before["changed"] is True
    assert {one["message"].split(" ")[0] for one in before["obstacles"]} == {"there", "no"}
    assert host.document() is None
    host.prepare()
    planned = host.enter(check=True)
    assert planned["obstacles"] == []
    assert host.ports() == IN_PRODUCTION
    assert not (host.state / "bin").exists()
    done = host.enter()
    assert planned["diff"] == done["diff"]
    assert [one["means"] for one in planned["interfaces"]] == ["test"] * 3
    assert host.enter(check=True)["changed"] is False
    assert host.leave(check=True)["failed"]
    host.restore()
    planned = host.leave(check=True)
    assert host.document()["state"] == "on"
    assert planned["diff"] == host.leave()["diff"]


def test_everything_else_refuses_and_names_the_way_out(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    refused = host.run("static_content", {
        **host.common, "drop": {"path": "/nonexistent"}, "bundle": "b", "file": "x.zip", "sha256": "0" * 64,
        "document_root": str(host.base / "www")})
    assert refused["failed"]
    assert "this host is in test mode (on) for CHG0000002, entered by maria.lopez at" in refused["msg"]
    assert f"{host.state}/bin/relmgmt-test-mode leave" in refused["error"]["cure"]
    told = host.done("release_info", {"ledger": host.common["ledger"]})
    assert (told["test_mode"]["state"], told["test_mode"]["person"]) == ("on", "maria.lopez")
    assert "interfaces" not in told["test_mode"]
    assert told["fence"]["table"] == "relmgmt_fence"


def test_an_editor_in_between_is_seen_and_does_not_hinder_leaving(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    host.properties.write_text("cats.port=5999\n")
    info = host.info()
    assert (info["verdict"], info["ok"]) == ("half", False)
    assert any("means other (5999)" in one for one in info["problems"])
    assert [one["value"] for one in info["drift"]] == ["5999"]
    assert "holds '5999'" in host.enter()["msg"]
    host.restore()
    assert host.leave()["failed"] is False
    assert host.ports() == IN_PRODUCTION


def test_a_restore_brings_production_ports_back_behind_the_fence_only(host: TestModeHost) -> None:
    """Invariant 1"""
    host.prepare()
    host.enter()
    host.network.host.run("nft", "delete", "table", "inet", "relmgmt_fence")
    with host.filter_out_of_order():
        refused = host.restore()
        assert refused["failed"]
        assert "the fence does not stand" in refused["msg"]
        assert "no more tables today" in refused["msg"]
        assert refused["error"]["cure"] == f"{host.state}/bin/relmgmt-test-mode fence"
        assert host.ports() == IN_TEST
    assert not host.fence_stands()
    up = host.command("fence")
    assert (up.returncode, up.stdout) == (0, "the fence stands\n"), up
    assert host.restore()["failed"] is False
    assert host.info()["verdict"] == "half"
    assert host.fence("absent")["failed"] is True, "the settings were not verified"
    assert host.leave()["failed"] is False


def test_after_a_reboot_that_lost_the_fence_the_way_back_puts_it_up_again(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    host.network.host.run("nft", "flush", "ruleset")
    assert host.info()["verdict"] == "half"
    assert host.restore()["failed"] is False
    assert host.info()["fence"]["stands"]
    host.network.host.run("nft", "flush", "ruleset")
    assert host.leave()["failed"] is False
    assert host.info()["fence"]["stands"]
    assert host.fence("absent")["failed"] is False
    assert host.ports() == IN_PRODUCTION


def test_a_switch_to_test_makes_an_earlier_restore_worthless(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    host.restore()
    assert host.enter()["changed"] is True
    assert "no restore was made since" in host.leave()["msg"]
    assert host.restore()["failed"] is False
    assert host.leave()["failed"] is False


def test_a_restore_that_has_nothing_to_do_is_a_proof_too(host: TestModeHost) -> None:
    """All settings lie outside: the datasets stay as the point, and still a restore is asked for."""
    host.prepare()
    host.enter()
    assert host.restore()["changed"] is True
    again = host.restore()
    assert again["changed"] is False
    assert host.leave()["failed"] is False


POINTS_OF_ENTRY = ["installed", "entering", "announced", "written", "verified", "on"]
POINTS_OF_EXIT = ["leaving", "written", "production", "ports_verified", "quiet"]


@pytest.mark.parametrize("way", ["forward", "back"])
@pytest.mark.parametrize("point", POINTS_OF_ENTRY)
def test_a_crash_on_the_way_in_is_gone_on_with(host: TestModeHost, point: str, way: str) -> None:
    host.prepare()
    cut = host.enter(failpoint=f"test_mode:{point}")
    assert cut["status"] == -9, cut
    assert host.fence_stands()
    info = host.info()
    if point == "installed":
        assert (info["mode"], info["verdict"]) == ("off", "production")
    else:
        assert info["mode"] == ("on" if point == "on" else "entering")
        assert info["verdict"] == ("test" if point == "on" else "half")
        assert host.fence("absent")["failed"] is True
    if way == "forward":
        assert host.enter()["failed"] is False
        assert host.info()["ok"] is True
        assert host.ports() == IN_TEST
    elif point != "installed":
        assert host.restore()["failed"] is False
    assert host.restore()["failed"] is False
    left = host.leave()
    assert left["failed"] is False, left["msg"]
    assert host.ports() == IN_PRODUCTION
    assert host.fence("absent")["failed"] is False
    assert host.info()["ok"] is True


@pytest.mark.parametrize("point", POINTS_OF_EXIT)
def test_a_crash_on_the_way_out_is_gone_on_with(host: TestModeHost, point: str) -> None:
    host.prepare()
    host.enter()
    host.restore()
    cut = host.leave(failpoint=f"test_mode:{point}")
    assert cut["status"] == -9, cut
    assert host.fence_stands()
    back = host.enter()
    assert back["failed"] is True
    assert "is being left" in back["msg"]
    left = host.leave()
    assert left["failed"] is False, left["msg"]
    assert left["mode"] == "off"
    assert host.ports() == IN_PRODUCTION
    assert host.fence("absent")["failed"] is False


def test_a_changed_inventory_does_not_hinder_leaving(host: TestModeHost) -> None:
    """Invariant 14"""
    host.prepare()
    host.enter()
    host.restore()
    left = host.leave(interfaces=[], here=["elsewhere"])
    assert left["failed"] is False
    assert host.ports() == IN_PRODUCTION


def test_a_backup_taken_by_testers_is_no_way_back(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    assert host.backup("installed")["changed"] is True
    assert host.restore("installed")["failed"] is False
    assert "not a point that this outcome goes back to" in host.leave(outcome="rejected")["msg"]
    host.restore()
    assert host.leave(outcome="rejected")["failed"] is False


def test_what_testers_wrote_is_kept_aside_on_request(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    host.gtm.m('SET ^CASE("tester")="mine" SET ^AUXLOG("tester")=1')
    host.gtm.settle()
    place = host.base / "kept" / "testers"
    done = host.restore(keep_written=str(place))
    assert done["failed"] is False, done["msg"]
    assert done["kept"]["path"] == str(place)
    assert place.stat().st_mode & 0o777 == 0o700
    assert sorted(one.name for one in place.iterdir()) == ["AUX.mjf", "DEFAULT.mjf"]
    assert '^CASE("tester")="mine"' in (place / "DEFAULT.mjf").read_text()
    assert '^AUXLOG("tester")="1"' in (place / "AUX.mjf").read_text()
    assert "open" not in (place / "DEFAULT.mjf").read_text(), "what was there before the point"
    assert host.leave()["failed"] is False


def test_what_cannot_be_kept_aside_is_not_lost(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    host.gtm.m('SET ^CASE("tester")="mine"')
    host.gtm.settle()
    (host.base / "file").write_text("")
    refused = host.restore(keep_written=str(host.base / "file" / "testers"))
    assert refused["failed"]
    assert host.gtm.m('WRITE ^CASE("tester")') == "mine"


def test_the_banner_is_shown_and_taken_away(host: TestModeHost) -> None:
    flag = host.base / "banner"
    banner = {"on": ["touch", str(flag)], "off": ["rm", str(flag)]}
    host.prepare()
    host.enter(banner=banner)
    assert flag.exists()
    host.restore()
    assert host.leave()["failed"] is False
    assert not flag.exists()


def test_a_banner_that_fails_leaves_it_entering(host: TestModeHost) -> None:
    host.prepare()
    refused = host.enter(banner={"on": ["false"]})
    assert "the command of the banner ended with 1" in refused["msg"]
    assert host.document()["state"] == "entering"
    assert host.ports() == IN_PRODUCTION
    host.restore()
    assert host.leave()["failed"] is False


def test_only_what_testers_wrote_needs_a_word(host: TestModeHost) -> None:
    """The switch itself wrote to the datasets; nobody has to confirm that it is lost."""
    host.prepare()
    host.enter()
    done = host.restore(lose_writes_confirmed_by="")
    assert done["failed"] is False, done["msg"]
    assert done["changed"] is True
    assert host.leave()["failed"] is False


def test_what_cannot_be_seen_is_unknown(host: TestModeHost) -> None:
    host.prepare()
    host.enter()
    os.rename(host.gtm.dataset, host.gtm.dataset.with_suffix(".away"))
    info = host.info()
    os.rename(host.gtm.dataset.with_suffix(".away"), host.gtm.dataset)
    assert (info["verdict"], info["ok"]) == ("unknown", False)
    assert info["problems"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_production_hears_nothing_from_entry_to_verified_exit(host: TestModeHost, seed: int) -> None:
    """Invariant 1, byte by byte: the application sends to whatever its settings say, at every moment."""
    chance = random.Random(seed)
    outside, ours = host.network.outside.peer(), host.network.host.peer()
    outside.listen("production", OUTSIDE, int(PRODUCTION))
    outside.listen("test", OUTSIDE, int(TEST))
    host.prepare()
    point, routines = host.gtm.extract(), tree(host.gtm.sources)
    host.gtm.settle()

    def traffic() -> None:
        in_dataset, in_file, _meds = host.ports()
        for number, port in enumerate({in_dataset, in_file, PRODUCTION}):
            name = f"{chance.random()}-{number}"
            if ours.connect(name, OUTSIDE, int(port)) == "":
                ours.send(name, "claim;")
        if (host.document() or {}).get("state") == "on":
            host.gtm.m(f'SET ^CASE("tester",{chance.randrange(9)})="x"')
            host.gtm.settle()
            host.gtm.routine("CASE", f"CASE()\tQUIT {chance.randrange(9)} ; a tester's\n")

    for _step in range(6):
        point_of_crash = chance.choice(["", *(f"test_mode:{one}" for one in POINTS_OF_ENTRY + POINTS_OF_EXIT)])
        act = chance.choice([host.enter, host.enter, host.restore, host.leave])
        act(failpoint=point_of_crash)
        traffic()
    state = (host.document() or {}).get("state")
    host.restore()
    traffic()
    if state == "on":
        assert "were written to since they were restored" in host.leave(outcome="rejected")["msg"]
        host.restore()
    left = host.leave(outcome="rejected")
    assert left["failed"] is False, left["msg"]
    traffic()
    assert outside.got("production") == ""
    assert host.gtm.extract() == point
    assert tree(host.gtm.sources) == routines
    assert host.gtm.m("WRITE $$^CASE()") == "1", "what runs is the point's too"
    host.gtm.settle()
    assert host.fence("absent")["failed"] is False
    assert ours.connect("after", OUTSIDE, int(PRODUCTION)) == ""
    ours.send("after", "claim;")
    assert host.info()["ok"] is True


def test_what_testers_wrote_becomes_no_point(host: TestModeHost) -> None:
    """A second attempt of the change would go back to it."""
    host.prepare()
    assert host.enter()["failed"] is False
    ledger = host.ledger()
    ledger.close_receipt(CHANGE, 1, "failed")
    ledger.add_receipt(change=CHANGE, attempt=2, release="CFIS002", bundle_digest="b", plan_digest="p",
                       environment="sandbox", packages=[], report={}, clock="", expires=4e9)
    ledger.close()
    refused = host.run("backup_set", {**host.common, "instance": host.gtm.instance, "point": "before",
                                      "root": str(host.base / "backup")})
    assert refused["failed"]
    assert "may hold test data" in refused["msg"]
    assert len(list((host.base / "backup/CFIS002").iterdir())) == 1
