# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules with traditional WebSphere, through wsadmin's stand-in and the two Jythons that WebSphere ships.

T28 and invariant 11: what a session needs is in files for its user alone, and gone after it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from emulated_cell.served import decoded
from was_instance import TWO_NODES
from web_host import build_zip, deliver, newest_act, permit, run, sha256, tree

from ansible_collections.relmgmt.release.plugins.module_utils._appservers import was_session
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.cell import LOOKING
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.changes import CHANGING
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.settings import SETTING
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import Deployed, WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import observe_war
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import undo_war

SECRET = "s3cret-pässwörd #1"
APP = WebApp("cfis", "/cfis")
JYTHONS = ["2.7", "2.1"]
OPERATIONS = {**LOOKING, **CHANGING, **SETTING}
NOTHING = {"directory": "", "war": None, "ear": None, "sha256": ""}


@pytest.fixture(params=JYTHONS)
def was(request, make_was, tmp_path):
    """A secured cell of two nodes, its password in a file."""
    made = make_was(request.param, nodes=TWO_NODES, cluster="cfis")
    made.cell.user, made.cell.password = "deployer", SECRET
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    secret.chmod(0o600)
    made.options.update(username="deployer", password_file=str(secret))
    return made


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """Where sessions put their directories."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


class Web:
    """One application, as the module sees it: a drop, a ledger, a shared folder."""

    def __init__(self, was: Any, place: Path) -> None:
        self.was, self.place = was, place
        self.ledger, self.drop, self.shared = place / "state/ledger.db", place / "drop", place / "shared"
        self.changes = 0

    def package(self, release: str, text: str) -> dict[str, Any]:
        war = build_zip(self.place / "app.war", {"index.html": text})
        bundle = deliver(self.drop, release, war)
        self.changes += 1
        allowed = permit(self.ledger, f"CHG{self.changes:07d}", release, sha256(war))
        return {
            **allowed, "websphere": self.was.websphere, "application": APP.name, "context_root": APP.context_root,
            "drop": {"path": str(self.drop)}, "bundle": bundle, "file": "app.war", "sha256": sha256(war),
            "shared_folder": str(self.shared),
        }


@pytest.mark.parametrize("was", JYTHONS if os.environ.get("RELMGMT_JYTHON") == "all" else ["2.1"], indirect=True)
def test_a_release_and_the_way_back_with_one_start_of_wsadmin_each(was, tmp_path, temporary):
    """The 12-step rule; nothing secret in argument vectors, ledger or results, nothing left behind."""
    web = Web(was, tmp_path)
    first = web.package("CFIS001", "one")
    checked = run("websphere_app", first, check=True)
    assert (checked.get("action"), checked["changed"]) == ("install", True), checked
    assert was.cell.master.applications == {}
    done = run("websphere_app", first)
    assert (done.get("action"), done.get("state")) == ("install", "started"), done
    assert done["started"] == "started on node1/member1, node2/member2"
    assert was.cell.starts == 2
    for check in (True, False):
        again = run("websphere_app", first, check=check)
        assert (again["action"], again["changed"]) == ("nothing", False)
    second = web.package("CFIS002", "two")
    checked, done = run("websphere_app", second, check=True), run("websphere_app", second)
    assert done["previous_sha256"] == first["sha256"]
    assert checked["diff"] == done["diff"]
    assert sha256(Path(done["shared_package"])) == first["sha256"]
    assert observe_war(newest_act(web.ledger)["undo"]).digest == second["sha256"]
    was.cell.starts = 0
    assert undo_war(newest_act(web.ledger)["undo"], None)["restored"] is True
    assert was.cell.starts == 1
    info = run("websphere_app_info", {"websphere": was.websphere, "application": APP.name, "ledger": str(web.ledger)})
    assert (info["sha256"], info["state"], info["server"]) == (first["sha256"], "started", "running")

    said = repr([done, info]) + (Path(was.options["profile"]) / "arguments").read_text()
    assert SECRET not in said
    assert all(SECRET.encode() not in path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert tree(temporary) == {}


@pytest.mark.parametrize("was", ["2.1"], indirect=True)
def test_the_applications_of_a_phase_share_one_start_of_wsadmin(was, tmp_path):
    """Each is an act of its own, so that each goes back."""
    web = Web(was, tmp_path)
    wars = [build_zip(tmp_path / f"{name}.war", {"index.html": name}) for name in ("one", "two")]
    bundle = deliver(web.drop, "CFIS001", *wars)
    options = {
        **permit(web.ledger, "CHG0000001", "CFIS001", *map(sha256, wars)), "websphere": was.websphere,
        "drop": {"path": str(web.drop)}, "bundle": bundle, "shared_folder": str(web.shared), "applications": [
            {"type": "war", "application": war.stem, "context_root": f"/{war.stem}", "file": war.name,
             "sha256": sha256(war)} for war in wars
        ],
    }
    done = run("websphere_app", options)
    assert was.cell.starts == 1
    assert [(one["application"], one["action"], one["changed"]) for one in done["applications"]] == [
        ("one", "install", True), ("two", "install", True),
    ]
    assert done["changed"]
    assert all(sha256(war) in done["diff"]["after"] for war in wars)
    opened = Ledger(str(web.ledger), readonly=True)
    assert [(act["target"], act["undo"]["application"]) for act in opened.acts()] == [
        ("war:two", "two"), ("war:one", "one"),
    ]
    opened.close()
    assert run("websphere_app", {**options, "application": "one"})["failed"]


def test_credentials_are_in_a_file_for_this_user_alone_while_the_session_lasts(was, temporary):
    with closing(was.adapter()) as server:
        server.session.connect()
        (directory,) = temporary.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
        properties = (directory / "soap.client.props").read_text()
        line = next(line for line in properties.splitlines() if line.startswith("com.ibm.SOAP.loginPassword="))
        assert decoded(line.partition("=")[2]) == SECRET
        assert "com.ibm.ssl.alias=DefaultSSLSettings" in properties
        command = Path(f"/proc/{server.session._conversation._process.pid}/cmdline").read_bytes()
        assert SECRET.encode() not in command
    assert list(temporary.iterdir()) == []


def test_a_wrong_password_is_told_without_it(was):
    was.cell.password = "another"
    with closing(was.adapter()) as server, pytest.raises(HostStateUnknown, match="WASX7246E") as caught:
        server.require_running()
    assert SECRET not in str(caught.value)
    assert was.cell.calls == []


def test_a_deployment_manager_that_is_down(was):
    profile = Path(was.options["profile"])
    wsadmin = profile / "bin/wsadmin.sh"
    wsadmin.write_text(wsadmin.read_text().replace("/standin.py\" ", "/standin.py\" 1 "))
    with closing(was.adapter()) as server:
        assert server.state() == "unknown"
        with pytest.raises(HostStateUnknown, match="WASX7023E"):
            server.require_running()


def test_a_time_out_of_the_real_client(was, tmp_path):
    """The socket's own: wsadmin raises, the cell goes on."""
    was.options["request_timeout"] = 1
    war = build_zip(tmp_path / "app.war", {"index.html": "one"})
    was.cell.late["AdminConfig.save"] = 1.5
    with closing(was.adapter()) as server:
        notes = server.deploy(APP, str(war))["notes"]
        assert notes == ["saving timed out at the client; the deployment manager had gone on"]
        assert server.observe(APP).sha256 == sha256(war)


def test_a_script_whose_caller_is_gone_ends_and_takes_the_credentials_along(was, temporary, monkeypatch):
    """A caller that is there all the same has a new one."""
    with closing(was.adapter()) as server:
        with monkeypatch.context() as patched:
            patched.setattr(was_session, "IDLE", 1)
            server.session.connect()
        assert server.session._conversation.wait(30) == 0
        names = {path.name for path in temporary.glob("*/*")}
        assert "soap.client.props" not in names
        assert "session.py" in names
        assert server.observe(APP).state == "absent"
        assert was.cell.starts == 2


def test_every_operation_of_the_script_runs_under_this_jython(was, tmp_path, monkeypatch):
    asked = {"hello"}
    request = was_session.WasSession.request

    def noted(session: Any, operation: str, /, **parameters: Any) -> dict[str, Any]:
        asked.add(operation)
        return request(session, operation, **parameters)

    monkeypatch.setattr(was_session.WasSession, "request", noted)
    one, two = (build_zip(tmp_path / f"{text}.war", {"index.html": text}) for text in ("one", "two"))
    settings = [
        Setting("jvm_property", "cfis.mode", "new"), Setting("jvm_option", "-Xmx", "-Xmx1g"),
        Setting("variable", "CFIS_HOME", "/srv"),
        Setting("resource", "NamedEndPoint:WC_defaulthost", "9081", attribute="port"),
        Setting("resource", "Server:cfis", "on", attribute="state"),
    ]
    was.cell.master.add("Server", {"name": "cfis"}, "/Server:cfis/")
    with closing(was.adapter()) as server:
        server.require_running()
        server.deploy(APP, str(one))
        kept = server.keep(APP, str(tmp_path)).recipe
        server.deploy(APP, str(two))
        server.put_back(APP, kept)
        assert server.observe(APP) == Deployed(sha256(one), APP.context_root, True, "started")
        server.session.request("rollout", application=APP.name, seconds=10)
        files = {name: str(tmp_path / file) for name, file in server.keep_settings(settings, str(tmp_path)).items()}
        assert server.apply_settings(settings, {})["restarted"]
        assert server.observe_settings(settings).values == {one.key: one.value for one in settings}
        server.apply_settings([one._replace(value=None) for one in settings if one.attribute != "port"], files)
        assert was.cell.nodes["node1"].servers["member1"].properties == {}
        server.put_back(APP, NOTHING)
        server.session.request("reset")
        was.cell.master.orphans = [f"WebSphere:blaname={APP.name}", f"WebSphere:cuname={APP.name}"]
        with pytest.raises(AppServerError, match="half removed"):
            server.observe(APP)
    assert asked == OPERATIONS.keys()


def test_texts_beyond_ascii_come_through(was):
    """Names are checked, values are not: a variable may hold any letter of Latin-1."""
    variables = "/ServerCluster:cfis/VariableMap:/"
    setting = {"kind": "variable", "object": variables, "name": "n", "there": 1, "value": "é\"\\ ü"}
    with closing(was.adapter()) as server:
        server.session.request("write_settings", settings=[setting])
        read = server.session.request("read_settings", settings=[setting])["values"]
        assert read == [{"there": 1, "value": setting["value"]}]


def test_a_profile_that_is_none(tmp_path):
    options = WasOptions.of({"profile": str(tmp_path), "servers": [{"node": "n", "server": "s"}]})
    session = was_session.WasSession(options)
    with closing(session), pytest.raises(Exception, match="not a profile"):
        session.connect()
    assert os.listdir(os.environ["TMPDIR"]) == []
