# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.websphere_app on real Liberty servers (A9, A15, the 12-step rule, T1 T8 T9 T12 T13 T14 T16)."""

from __future__ import annotations

import os
import pathlib
import threading
import time

import pytest
from liberty_server import create_server
from web_application import PATIENCE, Web
from web_host import BROKEN_WEB_XML, build_zip, newest_act, permit, run, sha256, tree

from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import observe_war
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import undo_war


@pytest.fixture(scope="session", params=["expanded", "json log"])
def server(runtime, request, tmp_path_factory):
    """Liberty as `server create` sets it up, and one that keeps archives packed and logs JSON."""
    expanded = request.param == "expanded"
    extra = "" if expanded else '<logging messageFormat="JSON" messageSource="message"/>'
    server = create_server(tmp_path_factory.mktemp("usr"), expand=expanded, extra=extra, runtime=runtime)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def web(server, tmp_path, request):
    web = Web(server, tmp_path, "app" + str(abs(hash(request.node.name)))[:8])
    yield web
    override = server.directory / f"configDropins/overrides/relmgmt-{web.name}.xml"
    override.unlink(missing_ok=True)


def test_install_update_and_again_in_check_mode_and_for_real(web):
    """The 12-step rule, and T8: install or update is decided from what is there."""
    first = web.package("CFIS001", "one")
    before = web.everything()
    for _ in range(2):
        checked = run("websphere_app", first, check=True)
        assert (checked["changed"], checked["action"], checked["failed"]) == (True, "install", False)
    assert web.everything() == before

    done = run("websphere_app", first)
    assert (done["changed"], done["action"], done["state"]) == (True, "install", "started"), done
    assert "CWWKZ000" in done["started"]
    assert web.page() == (200, "one")
    after = web.everything()
    for check in (True, False):
        again = run("websphere_app", first, check=check)
        assert (again["changed"], again["action"]) == (False, "nothing"), again
    assert web.everything() == after

    second = web.package("CFIS002", "two")
    checked = run("websphere_app", second, check=True)
    assert (checked["changed"], checked["action"]) == (True, "update")
    assert web.page() == (200, "one")
    done = run("websphere_app", second)
    assert (done["changed"], done["action"], done["drift"]) == (True, "update", False), done
    assert done["previous_sha256"] == first["sha256"]
    assert checked["diff"] == done["diff"]
    assert f"sha256 {first['sha256']}" in done["diff"]["before"]
    assert web.page() == (200, "two")
    assert not run("websphere_app", second)["changed"]

    assert web.undo()["restored"] is True
    assert web.page() == (200, "one")


def test_prior_package_is_kept_on_the_server_and_in_the_shared_folder(web):
    """A15, T1."""
    first = web.package("CFIS001", "one")
    run("websphere_app", first)
    done = run("websphere_app", web.package("CFIS002", "two"))
    for copy in (done["prior_package"], done["shared_package"]):
        assert sha256(pathlib.Path(copy)) == first["sha256"]
    assert pathlib.Path(done["shared_package"]).parent == web.shared / web.name
    assert pathlib.Path(done["shared_package"]).name == f"CFIS001-{first['sha256'][:12]}.war"


def test_nothing_changes_when_the_prior_package_cannot_be_kept(web):
    """T1: first the way back, then the change."""
    run("websphere_app", web.package("CFIS001", "one"))
    second = web.package("CFIS002", "two")
    web.shared.write_text("a file where the folder should be")
    before = tree(web.server.directory / "configDropins")
    failed = run("websphere_app", second)
    assert "cannot be kept in the shared folder" in failed["msg"]
    assert tree(web.server.directory / "configDropins") == before
    assert web.page() == (200, "one")


def test_a_war_that_does_not_start_ends_the_wait_at_once_and_goes_back(web):
    """T13: not the whole time-out. Liberty no longer watches the WAR of an application that failed."""
    run("websphere_app", web.package("CFIS001", "one"))
    failed = run("websphere_app", web.package("CFIS002", "two", **{"WEB-INF/web.xml": BROKEN_WEB_XML}))
    assert failed["failed"]
    assert "CWWKZ0004E" in failed["msg"] or "CWWKZ0002E" in failed["msg"]
    assert failed["error"]["kind"] == "AppServerError"
    assert web.name in failed["msg"]
    assert "Cure:" in failed["msg"]
    assert newest_act(web.ledger)["outcome"] == "failed"

    assert web.undo()["restored"] is True
    assert web.page() == (200, "one")
    assert web.info()["drift"] is False
    assert undo_war(newest_act(web.ledger)["undo"], None) == {"server": "running", "restored": False}


def test_undo_is_idempotent_and_removes_what_was_not_there(web):
    """No prior WAR: the application is gone again, and a second undo does nothing."""
    run("websphere_app", web.package("CFIS001", "one"))
    act = newest_act(web.ledger)
    assert undo_war(act["undo"], None)["restored"] is True
    assert web.page()[0] == 404
    assert web.info()["state"] == "absent"
    assert list((web.server.directory / "apps").glob(f"{web.name}-*.war")) == []
    assert undo_war(act["undo"], None)["restored"] is False


def test_undo_brings_back_from_the_shared_folder_when_the_kept_copies_are_gone(web):
    """A15: reinstalled from there."""
    first = web.package("CFIS001", "one")
    run("websphere_app", first)
    done = run("websphere_app", web.package("CFIS002", "two"))
    pathlib.Path(done["prior_package"]).unlink()
    (web.server.directory / "apps" / f"{web.name}-{first['sha256'][:12]}.war").unlink()
    assert web.undo()["restored"] is True
    assert web.page() == (200, "one")


def test_undo_says_so_when_no_copy_is_left(web):
    """T2: never swallowed."""
    first = web.package("CFIS001", "one")
    run("websphere_app", first)
    done = run("websphere_app", web.package("CFIS002", "two"))
    for path in (done["prior_package"], done["shared_package"]):
        pathlib.Path(path).write_bytes(b"damaged")
    (web.server.directory / "apps" / f"{web.name}-{first['sha256'][:12]}.war").unlink()
    with pytest.raises(Exception, match="no sound copy of the prior WAR") as caught:
        undo_war(newest_act(web.ledger)["undo"], None)
    assert first["sha256"] in str(caught.value)
    assert web.page() == (200, "two")


def test_drift_is_seen_and_repaired(web):
    """Invariant 7: what runs is told from the file, not from the ledger."""
    first = web.package("CFIS001", "one")
    run("websphere_app", first)
    war = web.server.directory / "apps" / f"{web.name}-{first['sha256'][:12]}.war"
    build_zip(web.packages / "other.war", {"index.html": "by hand"})
    war.write_bytes((web.packages / "other.war").read_bytes())
    assert web.info()["drift"] is True
    assert observe_war(newest_act(web.ledger)["undo"]).digest == sha256(web.packages / "other.war")
    done = run("websphere_app", first)
    assert (done["changed"], done["action"], done["drift"]) == (True, "update", True)
    assert web.page() == (200, "one")
    assert web.info()["drift"] is False


def test_an_application_that_failed_before_is_started_again(web):
    """T12: a stopped application is a state, not an error. The files are right, yet it does not answer."""
    first = web.package("CFIS001", "one")
    broken = web.package("CFIS002", "x", **{"WEB-INF/web.xml": BROKEN_WEB_XML})
    assert run("websphere_app", broken)["failed"]
    web.changes += 1
    again = {**broken, **permit(web.ledger, f"CHG{web.changes:07d}", "CFIS002", broken["sha256"])}
    checked = run("websphere_app", again, check=True)
    assert (checked["action"], checked["changed"]) == ("restart", True)
    assert run("websphere_app", again)["failed"]
    web.changes += 1
    good = {**first, **permit(web.ledger, f"CHG{web.changes:07d}", "CFIS001", first["sha256"])}
    assert run("websphere_app", good)["state"] == "started"
    assert web.page() == (200, "one")
    assert web.undo()["note"] == "the application did not run before either"
    assert web.info()["sha256"] == broken["sha256"]
    assert undo_war(newest_act(web.ledger)["undo"], None)["restored"] is False


def test_the_context_root_is_part_of_what_is_deployed(web):
    """Same WAR under another path: one cutover, the older path is gone."""
    first = web.package("CFIS001", "one")
    run("websphere_app", first)
    moved = run("websphere_app", {**first, "context_root": f"/{web.name}/new"})
    assert (moved["changed"], moved["action"], moved["context_root"]) == (True, "update", f"/{web.name}/new")
    assert web.page()[0] == 404
    web.undo()
    assert web.page() == (200, "one")


@pytest.mark.parametrize("wrong", ["", "*", "a b", "../x", "cfis.war/.."])
def test_no_name_or_a_pattern_is_refused(web, wrong):
    """T16: an operation with no name would apply to everything. T9: the name is never taken from the WAR."""
    options = web.package("CFIS001", "one")
    before = web.everything()
    assert "not an application's name" in run("websphere_app", {**options, "application": wrong})["msg"]
    assert web.everything() == before


def test_what_was_not_approved_or_not_delivered_is_refused(web):
    """A2, invariant 6: by digest, from the drop, before anything is touched."""
    options = web.package("CFIS001", "one")
    before = web.everything()
    other = "1" * 64
    assert "not in the approved bundle" in run("websphere_app", {**options, "sha256": other})["msg"]
    assert "lease number 99 is not the current one" in run("websphere_app", {**options, "lease": 99})["msg"]
    missing = run("websphere_app", {**options, "bundle": "CFIS009-0123456789ab"})
    assert "has not been delivered" in missing["msg"]
    assert "ansible-playbook playbooks/deliver.yml" in missing["msg"]
    assert web.everything() == before


def test_an_application_that_the_administrator_defines_is_not_taken_over(web):
    """CWWKZ0013E two seconds later would be too late."""
    options = web.package("CFIS001", "one")
    extra = web.server.directory / "configDropins/defaults" / f"{web.name}.xml"
    extra.parent.mkdir(parents=True, exist_ok=True)
    extra.write_text(f'<server><webApplication name="{web.name}" location="elsewhere.war"/></server>')
    try:
        failed = run("websphere_app", options)
    finally:
        extra.unlink()
    assert "is already defined by" in failed["msg"]
    assert str(extra) in failed["msg"]


def test_a_run_killed_after_its_cutover_is_recorded_by_the_next(web, tmp_path):
    """Invariant 10: the host is right, the ledger is behind."""
    options = web.package("CFIS001", "one")
    run("websphere_app", options)
    fresh = tmp_path / "other/ledger.db"
    again = {**options, **permit(fresh, "CHG0000009", "CFIS001", options["sha256"])}
    assert run("websphere_app", again, check=True)["changed"] is False
    assert run("websphere_app", again)["changed"] is False
    info = run("websphere_app_info", {
        "websphere": options["websphere"], "application": web.name, "ledger": str(fresh),
    })
    assert (info["ledger_sha256"], info["release"], info["drift"]) == (options["sha256"], "CFIS001", False)


class TestStoppedServer:
    """On a server of its own, because it is stopped."""

    @pytest.fixture
    def web(self, runtime, tmp_path):
        server = create_server(tmp_path / "usr", name="stopped", runtime=runtime)
        server.start()
        yield Web(server, tmp_path / "host", "cfis")
        server.kill()

    def test_it_is_an_error_before_anything_is_touched_but_undo_still_puts_the_files_back(self, web):
        first = web.package("CFIS001", "one")
        run("websphere_app", first)
        second = web.package("CFIS002", "two")
        assert run("websphere_app", second)["changed"]
        web.server.kill()
        third = web.package("CFIS003", "three")
        before = web.everything()
        failed = run("websphere_app", third)
        assert "the server is stopped" in failed["msg"]
        assert "server stopped" in failed["msg"]
        assert "start it: " in failed["msg"]
        assert web.everything() == before
        assert web.info()["server"] == "stopped"
        seen = run("release_info", {"ledger": str(web.ledger)})
        assert (seen["drift"], seen["notes"]) == ([], ["war:cfis is installed, but does not answer"])

        detail = web.undo()
        assert (detail["server"], detail["restored"]) == ("stopped", True)
        web.server.start()
        until = time.monotonic() + PATIENCE
        while web.page() != (200, "one") and time.monotonic() < until:
            time.sleep(0.2)
        assert web.page() == (200, "one")

    def test_a_server_that_dies_in_the_middle_ends_the_wait(self, web):
        web.server.options["update_trigger"] = "polled"  # in truth it looks at nothing any more
        options = web.package("CFIS001", "one")
        override = web.server.directory / "configDropins/overrides/relmgmt-cfis.xml"
        pid = web.server.pid
        config = web.server.directory / "server.xml"
        config.write_text(config.read_text().replace("<server>", '<server><config updateTrigger="disabled"/>'))
        time.sleep(2)
        def kill_after_cutover() -> None:
            while not override.exists():
                time.sleep(0.05)
            os.kill(pid, 9)

        killer = threading.Thread(target=kill_after_cutover)
        killer.start()
        failed = run("websphere_app", options)
        killer.join()
        assert "the server stopped while application cfis was changed" in failed["msg"]
