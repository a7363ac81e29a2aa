# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.websphere_config on real Liberty servers (A9, the 12-step rule, T1, T13, invariants 9 to 12)."""

from __future__ import annotations

import http.client
import pathlib
from typing import Any

import pytest
from liberty_server import LibertyUnderTest, create_server
from web_application import Web
from web_host import build_zip, deliver, newest_act, permit, run, sha256

from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import entries_digest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import look
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_config import undo_configuration

MIME = '<server><mimeTypes><type>%s=text/x-of-the-release</type></mimeTypes></server>'


class Configured(Web):
    """A server whose configuration releases change."""

    def release(self, release: str, *entries: dict[str, Any], **files: str) -> dict[str, Any]:
        """Options of the module for these entries, approved; ``files``: text by name, dots as underscores."""
        paths = []
        for name, text in files.items():
            path = self.packages / name.replace("_", ".")
            path.write_text(text)
            paths.append(path)
        return self.offer(release, paths, *entries)

    def offer(self, release: str, paths: list[pathlib.Path], *entries: dict[str, Any]) -> dict[str, Any]:
        known = {path.name: sha256(path) for path in paths}
        named = [{"state": "present", **entry, **_digest(entry, known)} for entry in entries]
        bundle = deliver(self.drop, release, *paths)
        self.changes += 1
        change = f"CHG{self.changes:07d}"
        allowed = permit(self.ledger, change, release, *known.values(), entries_digest(named))
        return {
            **allowed, "websphere": self.server.websphere(), "drop": {"path": str(self.drop)}, "bundle": bundle,
            "entries": named, "values": {"gateway": "http://gateway.test"},
        }

    @property
    def override(self) -> str:
        path = self.server.directory / "configDropins/overrides/relmgmt@configuration.xml"
        return path.read_text() if path.exists() else ""

    @property
    def options(self) -> str:
        path = self.server.directory / "configDropins/overrides/jvm.options"
        return path.read_text() if path.exists() else ""

    @property
    def arguments(self) -> list[str]:
        return pathlib.Path(f"/proc/{self.server.pid}/cmdline").read_text().split("\0")

    def type_of(self, name: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.request("GET", f"/{self.name}/{name}")
        kind = connection.getresponse().getheader("Content-Type", "")
        connection.close()
        return kind.split(";")[0]

    def drift(self) -> list[dict[str, Any]]:
        ledger = Ledger(str(self.ledger), readonly=True)
        found = look(ledger.currents())[0]
        ledger.close()
        return found


def _digest(entry: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    return {"sha256": known[entry["file"]]} if "file" in entry else {}


@pytest.fixture(scope="module")
def server(runtime, tmp_path_factory) -> Any:
    server = create_server(tmp_path_factory.mktemp("usr"), "configured", runtime=runtime)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def web(server: LibertyUnderTest, tmp_path: pathlib.Path, request: Any) -> Any:
    web = Configured(server, tmp_path, "app" + str(abs(hash(request.node.name)))[:8])
    yield web
    server.options.clear()
    for path in (server.directory / "configDropins/overrides").glob("*"):
        path.unlink()


VARIABLE = {"type": "variable", "name": "cfis.mode", "value": "test"}
GATEWAY = {"type": "variable", "name": "cfis.gateway", "from_inventory": "gateway"}
FRAGMENT = {"type": "fragment", "name": "mime-types", "file": "mime.xml"}


@pytest.mark.both_runtimes
def test_set_change_remove_and_again_in_check_mode_and_for_real(web):
    """The 12-step rule."""
    first = web.release("CFIS001", VARIABLE, GATEWAY, FRAGMENT, mime_xml=MIME % "abc")
    before = web.everything()
    for _ in range(2):
        checked = run("websphere_config", first, check=True)
        assert (checked["changed"], checked["failed"]) == (True, False), checked
    assert web.everything() == before
    done = run("websphere_config", first)
    assert (done["changed"], done["restarted"], done["removed"]) == (True, False, []), done
    assert done["set"] == ["variable cfis.mode", "variable cfis.gateway", "fragment mime-types"]
    assert done["diff"] == checked["diff"]
    assert "variable cfis.gateway: http://gateway.test" in done["diff"]["after"]
    assert '<variable name="cfis.mode" value="test"/>' in web.override
    after, served = web.everything(), web.on_the_server()
    for check in (True, False):
        again = run("websphere_config", first, check=check)
        assert (again["changed"], again["drift"]) == (False, []), again
    assert web.everything() == after
    assert web.drift() == []

    gone = {"type": "variable", "name": "cfis.gateway", "state": "absent"}
    second = web.release("CFIS002", {**VARIABLE, "value": "production"}, gone)
    done = run("websphere_config", second)
    assert (done["set"], done["removed"]) == (["variable cfis.mode"], ["variable cfis.gateway"]), done
    assert "cfis.gateway" not in web.override
    assert "mime-types" in web.override  # of a release before: it stays
    assert run("websphere_config", second)["changed"] is False
    assert web.undo()["restored"] is True
    assert web.on_the_server() == served


@pytest.mark.both_runtimes
def test_a_fragment_is_in_force_and_goes_back(web):
    """What the server makes of it, not what its file says."""
    run("websphere_app", web.package("CFIS000", "page", **{"x.abc": "typed"}))
    assert web.type_of("x.abc") != "text/x-of-the-release"
    run("websphere_config", web.release("CFIS001", FRAGMENT, mime_xml=MIME % "abc"))
    assert web.type_of("x.abc") == "text/x-of-the-release"
    assert web.undo()["restored"] is True
    assert web.type_of("x.abc") != "text/x-of-the-release"
    assert web.override == ""
    assert list((web.server.directory / "relmgmt").iterdir()) == []


def test_a_shared_library_is_brought_and_referred_to(web):
    """The application does not go without the library that its package names."""
    options = {**web.package("CFIS000", "page"), "libraries": ["common"]}
    failed = run("websphere_app", options)
    assert "there is no shared library common" in failed["msg"]
    jar = build_zip(web.packages / "common.jar", {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n\n"})
    library = {"type": "library", "name": "common", "file": "common.jar"}
    run("websphere_config", web.offer("CFIS001", [jar], library))
    again = web.package("CFIS001", "page")
    done = run("websphere_app", {**again, "libraries": ["common"]})
    assert (done["state"], done["log_errors"]) == ("started", []), done
    assert run("websphere_app", {**again, "libraries": ["common"]})["changed"] is False
    override = web.server.directory / f"configDropins/overrides/relmgmt-{web.name}.xml"
    assert 'commonLibraryRef="common"' in override.read_text()


def test_options_of_the_jvm_need_leave_to_restart(web):
    options = web.release("CFIS001", {"type": "jvm_option", "option": "-Xmx300m"})
    before, pid = web.everything(), web.server.pid
    for check in (True, False):
        failed = run("websphere_config", options, check=check)
        assert "may not be restarted" in failed["msg"]
        assert "may_restart" in failed["msg"]
    assert (web.everything(), web.server.pid) == (before, pid)


def test_options_of_the_jvm_are_in_force_in_its_process_and_go_back(web):
    web.server.options["may_restart"] = True
    run("websphere_app", web.package("CFIS000", "page"))
    by_hand = web.server.directory / "configDropins/overrides/jvm.options"
    by_hand.write_text("-verbose:class\n")
    prop = {"type": "jvm_property", "name": "cfis.release", "value": "CFIS001"}
    options = web.release("CFIS001", {"type": "jvm_option", "option": "-Xss2m"}, prop)
    done = run("websphere_config", options)
    assert (done["changed"], done["restarted"]) == (True, True), done
    assert {"-Xss2m", "-Dcfis.release=CFIS001", "-verbose:class"} < set(web.arguments)
    assert web.page() == (200, "page")  # not before the application answers again
    pid = web.server.pid
    assert run("websphere_config", options)["changed"] is False
    assert web.server.pid == pid
    recipe = newest_act(web.ledger)["undo"]
    recipe["websphere"]["liberty"]["restart_command"] = ["/bin/false"]
    with pytest.raises(AppServerError, match="the restart failed"):
        undo_configuration(recipe, None)
    assert by_hand.read_text() == "-verbose:class\n"
    assert "-Xss2m" in web.arguments  # so the next rollback has not done with it
    detail = web.undo()
    assert (detail["restored"], detail["restarted"]) == (True, True)
    assert by_hand.read_text() == "-verbose:class\n"
    assert "-Xss2m" not in web.arguments
    assert web.page() == (200, "page")


def test_a_run_that_ended_before_its_restart_is_finished_by_the_next(web):
    """Invariant 7: whether an option is in force is told from the process, not from the file."""
    web.server.options.update(may_restart=True, restart_command=["/bin/false"])
    options = web.release("CFIS001", {"type": "jvm_option", "option": "-Xss3m"})
    assert "the restart failed" in run("websphere_config", options)["msg"]
    assert "-Xss3m" in web.options
    assert "-Xss3m" not in web.arguments
    web.server.options.pop("restart_command")
    options["websphere"] = web.server.websphere()
    checked = run("websphere_config", options, check=True)
    assert (checked["changed"], checked["pending"]) == (True, "the server runs without -Xss3m"), checked
    done = run("websphere_config", options)
    assert (done["changed"], done["restarted"], done["pending"]) == (True, True, ""), done
    assert "-Xss3m" in web.arguments


@pytest.mark.both_runtimes
def test_what_the_server_refuses_ends_the_wait_and_goes_back(web):
    """T13: at once, with the server's own message."""
    bad = "<server><featureManager><feature>noSuchFeature-9.9</feature></featureManager></server>"
    options = web.release("CFIS001", VARIABLE, {**FRAGMENT, "file": "bad.xml"}, bad_xml=bad)
    recipes = []
    for _ in range(2):  # the second time the file lies there, yet it is not in force
        failed = run("websphere_config", options)
        assert "CWWKF0001E" in failed["msg"] or "CWWKF0042E" in failed["msg"], failed  # as each product says it
        recipes.insert(0, newest_act(web.ledger)["undo"])
    assert [undo_configuration(recipe, None)["restored"] for recipe in recipes] == [True, True]
    assert web.override == ""


def test_features_are_waited_for_if_they_are_new_and_not_if_they_are_there(web):
    """Of those that it has already the server tells nothing."""
    asking = "<server><featureManager><feature>%s</feature></featureManager></server>"
    for feature in ("transportSecurity-1.0", "ssl-1.0", "SERVLET-4.0"):  # new, one that it brings along, of server.xml
        fragment = {**FRAGMENT, "name": feature, "file": "features.xml"}
        done = run("websphere_config", web.release("CFIS001", fragment, features_xml=asking % feature))
        assert done.get("changed"), done["msg"]


@pytest.mark.parametrize(
    "text,reason",
    [
        ("<server", "not sound XML"),
        ("<!DOCTYPE server><server/>", "document type"),
        ('<server><application location="x.war"/></server>', "defines an application"),
        ('<server><include location="http://evil.test/x.xml"/></server>', "includes another file"),
    ],
)
def test_an_evil_fragment_is_refused_before_anything_is_touched(web, text, reason):
    """Invariant 12."""
    options = web.release("CFIS001", {**FRAGMENT, "file": "bad.xml"}, bad_xml=text)
    before = web.everything()
    failed = run("websphere_config", options)
    assert reason in failed["msg"]
    assert "bad.xml" in failed["msg"]
    assert web.everything() == before


def test_what_no_gate_approved_is_refused(web):
    """A2: values are approved as well as files."""
    options = web.release("CFIS001", VARIABLE)
    options["entries"][0]["value"] = "other"
    failed = run("websphere_config", options)
    assert "not in the approved bundle" in failed["msg"]
    assert web.override == ""


def test_a_resource_is_a_traditional_servers(web):
    entry = {"type": "resource", "name": "DataSource:CFIS", "attribute": "statementCacheSize", "value": "50"}
    assert "write it as a fragment" in run("websphere_config", web.release("CFIS001", entry), check=True)["msg"]


def test_a_change_by_hand_is_drift_and_the_next_release_tells_it(web):
    run("websphere_config", web.release("CFIS001", VARIABLE, GATEWAY))
    assert web.drift() == []
    path = web.server.directory / "configDropins/overrides/relmgmt@configuration.xml"
    path.write_text(path.read_text().replace("http://gateway.test", "http://by.hand"))
    assert [row["component"] for row in web.drift()] == ["configuration"]
    done = run("websphere_config", web.release("CFIS002", {**VARIABLE, "value": "production"}))
    assert done["drift"] == ["variable cfis.gateway"]
    assert [row["component"] for row in web.drift()] == ["configuration"]  # still: no release has named it since


def test_a_run_killed_after_its_cutover_is_recorded_by_the_next(web):
    """Invariant 10: a setting that the ledger knows by an older value."""
    run("websphere_config", web.release("CFIS001", VARIABLE))
    path = web.server.directory / "configDropins/overrides/relmgmt@configuration.xml"
    path.write_text(path.read_text().replace('"test"', '"production"'))
    assert run("websphere_config", web.release("CFIS002", {**VARIABLE, "value": "production"}))["changed"] is False
    assert web.drift() == []


def test_a_stopped_server_is_an_error_but_undo_still_puts_the_files_back(web):
    run("websphere_config", web.release("CFIS001", VARIABLE))
    options = web.release("CFIS002", {**VARIABLE, "value": "production"})
    assert run("websphere_config", options)["changed"]
    web.server.kill()
    assert "the server is stopped" in run("websphere_config", web.release("CFIS003", GATEWAY))["msg"]
    detail = web.undo()
    assert (detail["server"], detail["restored"]) == ("stopped", True)
    assert 'value="test"' in web.override
    web.server.start()
