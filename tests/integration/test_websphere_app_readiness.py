# SPDX-License-Identifier: GPL-3.0-or-later
"""When a deployment on Liberty counts as ready, and how a server that does not poll learns of it (T13, T14)."""

from __future__ import annotations

import os

import pytest
from liberty_server import PASSWORD, create_administered, create_server
from web_application import Web
from web_host import BROKEN_WEB_XML, newest_act, run, tree

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import liberty_server
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import undo_war

NO_LOG = "/nonexistent/messages.log"
HEALTH = {"health.txt": "up"}


@pytest.fixture(scope="module")
def polled(runtime, tmp_path_factory):
    server = create_server(tmp_path_factory.mktemp("polled"), runtime=runtime)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def told(runtime, tmp_path_factory):
    triggers = '<config updateTrigger="mbean"/><applicationMonitor updateTrigger="mbean"/>'
    server = create_administered(tmp_path_factory.mktemp("mbean"), runtime, triggers)
    server.start()
    server.until_logged("CWWKX0103I", "CWWKS4105I")  # the connector runs, its security too
    yield server
    server.kill()


@pytest.fixture(scope="module")
def still(runtime, tmp_path_factory):
    triggers = '<config updateTrigger="disabled"/><applicationMonitor updateTrigger="disabled"/>'
    server = create_server(tmp_path_factory.mktemp("disabled"), "still", runtime=runtime, extra=triggers)
    server.start()
    yield server
    server.kill()


class TestHealth:
    """The endpoint instead of the log, which may be elsewhere."""

    @pytest.fixture
    def web(self, polled, tmp_path, request):
        web = Web(polled, tmp_path, "app" + str(abs(hash(request.node.name)))[:8])
        polled.options.update(log=NO_LOG, health_path=f"/{web.name}/health.txt")
        yield web
        polled.options.clear()
        (polled.directory / f"configDropins/overrides/relmgmt-{web.name}.xml").unlink(missing_ok=True)

    def test_a_healthy_application_is_ready_though_no_log_says_so(self, web):
        done = run("websphere_app", web.package("CFIS001", "one", **HEALTH))
        assert (done["state"], done["started"]) == ("started", f"/{web.name}/health.txt answers"), done
        done = run("websphere_app", web.package("CFIS002", "two", **HEALTH))
        assert done["state"] == "started", done
        assert web.page() == (200, "two")
        assert web.undo()["restored"] is True
        assert web.page() == (200, "one")

    def test_the_health_of_the_deployment_before_does_not_count(self, web):
        """T14: the older application answered 200 until the cutover."""
        run("websphere_app", web.package("CFIS001", "one", **HEALTH))
        broken = web.package("CFIS002", "two", **HEALTH, **{"WEB-INF/web.xml": BROKEN_WEB_XML})
        broken["websphere"] = web.server.websphere(start_timeout=5)
        failed = run("websphere_app", broken)
        assert "did not start within 5 s" in failed["msg"]
        assert web.undo()["restored"] is True
        assert web.page() == (200, "one")

    def test_the_log_counts_too_where_there_is_one_and_a_failure_in_it_ends_the_wait(self, web):
        """T13: without its health file the endpoint never answers 200."""
        web.server.options.pop("log")
        done = run("websphere_app", web.package("CFIS001", "one"))
        assert "CWWKZ000" in done["started"]
        failed = run("websphere_app", web.package("CFIS002", "two", **{"WEB-INF/web.xml": BROKEN_WEB_XML}))
        assert "CWWKZ000" in failed["msg"]

    def test_without_log_and_endpoint_nothing_is_touched(self, web):
        web.server.options.pop("health_path")
        options = web.package("CFIS001", "one")
        before = web.everything()
        for check in (True, False):
            failed = run("websphere_app", options, check=check)
            assert "nothing would tell that the application has started" in failed["msg"]
        assert web.everything() == before


class TestMbean:
    """updateTrigger="mbean", as hardening guides want it; the server is told through restConnector."""

    @pytest.fixture
    def web(self, told, tmp_path, request):
        return Web(told, tmp_path, "app" + str(abs(hash(request.node.name)))[:8])

    def test_install_update_undo(self, web):
        done = run("websphere_app", web.package("CFIS001", "one"))
        assert (done["state"], done["action"]) == ("started", "install"), done
        assert run("websphere_app", web.package("CFIS002", "two"))["state"] == "started"
        assert web.page() == (200, "two")
        assert web.undo()["restored"] is True
        assert web.page() == (200, "one")

    def test_the_password_is_nowhere_but_in_its_file(self, web):
        """Invariant 11."""
        done = run("websphere_app", web.package("CFIS001", "one"))
        assert PASSWORD not in str(done)
        for path in web.place.rglob("*"):
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()

    def test_a_wrong_password_or_a_file_that_others_may_read_is_told(self, web, tmp_path):
        options = web.package("CFIS001", "one")
        other = tmp_path / "other"
        other.write_text("wrong\n")
        options["websphere"]["liberty"]["admin"] = {**web.server.options["admin"], "password_file": str(other)}
        other.chmod(0o644)
        assert "others may read the password file" in run("websphere_app", options)["msg"]
        other.chmod(0o600)
        assert "answered with status 401" in run("websphere_app", options)["msg"]

    def test_files_that_the_server_was_not_told_of_are_not_taken_for_what_runs(self, web, tmp_path):
        """The mark stands until the server runs by them: the next run deploys, the next rollback goes back."""
        assert run("websphere_app", web.package("CFIS001", "one"))["state"] == "started"
        other = tmp_path / "other"
        other.write_text("wrong\n")
        other.chmod(0o600)
        right = web.server.options["admin"]["password_file"]
        second = web.package("CFIS002", "two")
        admin = second["websphere"]["liberty"]["admin"] = {**web.server.options["admin"], "password_file": str(other)}
        assert "answered with status 401" in run("websphere_app", second)["msg"]
        failed = newest_act(web.ledger)
        assert web.page() == (200, "one")
        admin["password_file"] = right
        checked = run("websphere_app", second, check=True)
        assert (checked["changed"], checked["action"], checked["state"]) == (True, "restart", "unknown"), checked
        done = run("websphere_app", second)
        assert (done["changed"], done["state"]) == (True, "started"), done
        assert web.page() == (200, "two")
        assert run("websphere_app", second)["changed"] is False

        untold = {**failed["undo"], "websphere": {**second["websphere"]}}
        admin["password_file"] = str(other)
        for _ in range(2):
            with pytest.raises(AppServerError, match="status 401"):
                undo_war(untold, None)
        assert web.page() == (200, "two")
        admin["password_file"] = right
        assert undo_war(untold, None)["restored"] is True
        assert web.page() == (200, "one")
        assert undo_war(untold, None)["restored"] is False

    def test_a_server_that_is_not_the_certificates_is_not_told_the_password(self, web):
        options = web.package("CFIS001", "one")
        options["websphere"]["liberty"]["admin"] = {**web.server.options["admin"], "ca_file": None}
        assert "CERTIFICATE_VERIFY_FAILED" in run("websphere_app", options)["msg"]

    def test_without_a_way_to_tell_it_nothing_is_touched(self, web):
        options = web.package("CFIS001", "one")
        options["websphere"]["liberty"].pop("admin")
        before = web.everything()
        failed = run("websphere_app", options, check=True)
        assert "updateTrigger is mbean" in failed["msg"]
        assert "relmgmt_websphere.liberty.admin" in failed["msg"]
        assert run("websphere_app", options)["failed"]
        assert web.everything() == before


class TestDisabled:
    """updateTrigger="disabled": nothing but a restart brings a change in."""

    @pytest.fixture
    def web(self, still, tmp_path, request):
        yield Web(still, tmp_path, "app" + str(abs(hash(request.node.name)))[:8])
        still.options.clear()

    def test_it_is_refused_before_anything_is_touched_unless_the_inventory_allows_a_restart(self, web):
        options = web.package("CFIS001", "one")
        before, pid = web.everything(), web.server.pid
        for check in (True, False):
            failed = run("websphere_app", options, check=check)
            assert "updateTrigger is disabled" in failed["msg"]
            assert "relmgmt_websphere.liberty.may_restart" in failed["msg"]
        assert (web.everything(), web.server.pid) == (before, pid)

    def test_with_leave_it_is_restarted_and_a_restart_that_fails_is_told_and_goes_back(self, web, tmp_path):
        web.server.options["may_restart"] = True
        pid = web.server.pid
        first = web.package("CFIS001", "one")
        done = run("websphere_app", first)
        assert (done["state"], done["action"]) == ("started", "install"), done
        assert web.server.pid != pid
        with open(f"/proc/{web.server.pid}/cmdline", "rb") as stream:
            assert b"-Xmx256m" in stream.read()  # JVM_ARGS of the environment that it was first started in
        pid = web.server.pid
        assert run("websphere_app", first)["changed"] is False
        assert web.server.pid == pid

        before = tree(web.server.directory / "configDropins")
        web.server.options["restart_command"] = ["/bin/false"]
        failed = run("websphere_app", web.package("CFIS002", "two"))
        assert "the restart failed: the command ended with 1" in failed["msg"]
        assert tree(web.server.directory / "configDropins") != before
        recipe, witness = newest_act(web.ledger)["undo"], tmp_path / "restarted"
        script = _restart_script(web.server, tmp_path / "restart", witness)
        recipe["websphere"]["liberty"]["restart_command"] = [str(script)]
        assert undo_war(recipe, None)["restored"] is True
        assert witness.exists()
        assert tree(web.server.directory / "configDropins") == before
        assert web.page() == (200, "one")

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look like another user")
    def test_a_server_of_another_user_is_not_restarted_as_this_one(self, web, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        pid = web.server.pid
        with pytest.raises(AppServerError, match="runs as another user"):
            liberty_server(web.server.websphere()["liberty"]).restart()
        assert web.server.pid == pid


def _restart_script(server, path, witness):
    control = server.install_dir / "bin/server"
    path.write_text(
        f"#!/bin/sh\nexport WLP_USER_DIR={server.user_dir}\n"
        f"{control} stop {server.name}; {control} start {server.name} && touch {witness}\n"
    )
    path.chmod(0o755)
    return path
