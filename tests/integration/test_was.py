# SPDX-License-Identifier: GPL-3.0-or-later
"""Traditional WebSphere: the adapter and its script against an emulated cell, or a real one (RELMGMT_WAS).

The script is run by this Python where situations are many, and by the two Jythons in test_was_jython.py.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from emulated_cell.configuration import ScriptingError, rewritten
from was_instance import HERE, REAL, TWO_NODES, WasUnderTest
from web_host import build_zip, sha256

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_rollout import Rollout
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import SessionLost
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import Deployed, WebApp, plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    AppServerError,
    HostStateUnknown,
    InvalidInput,
    RelmgmtError,
)

APP = WebApp("relmgmtapp", "/relmgmtapp")
REFERENCES = "WEB-INF/references.txt"


class Web:
    """One application in a cell: packages, and what is done with them in one session each."""

    def __init__(self, was: WasUnderTest, place: Path) -> None:
        self.was, self.place = was, place
        self.kept: dict[str, Any] = {}
        self.prior = b""

    def war(self, text: str, **more: str) -> Path:
        return build_zip(self.place / f"{text.replace(' ', '-')}.war", {"index.html": text, **more})

    def deploy(self, war: Path, app: WebApp = APP, **options: Any) -> dict[str, Any]:
        """What the module does, in its order; the way back stays in ``kept``."""
        with closing(self.was.adapter(**options)) as server:
            server.require_running()
            before = server.observe(app)
            directory = self.place / f"kept-{len(list(self.place.glob('kept-*')))}"
            directory.mkdir()
            self.kept = dict(server.keep(app, str(directory)).recipe, was_started=before.state == "started")
            todo = plan(before, sha256(war))
            seen = server.deploy(app, str(war)) if todo.action != "nothing" else {}
            return {"action": todo.action, **seen, "after": server.observe(app)}

    def put_back(self, kept: dict[str, Any] | None = None, app: WebApp = APP) -> dict[str, Any]:
        with closing(self.was.adapter()) as server:
            return server.put_back(app, kept or self.kept)

    def observe(self, app: WebApp = APP) -> Deployed:
        with closing(self.was.adapter()) as server:
            return server.observe(app)

    def serves(self) -> dict[str, bytes | None]:
        """The EAR that each server runs, by server."""
        cell = self.was.cell
        return {one: cell.serves(name, one, APP.name) for name, node in cell.nodes.items() for one in node.servers}


@pytest.fixture(params=[HERE, *([REAL] if os.environ.get("RELMGMT_WAS") else [])])
def web(request, make_was, tmp_path) -> Iterator[Web]:
    """A cluster over two nodes; a real cell is left without the application."""
    was = make_was(request.param, nodes=TWO_NODES, cluster="cfis")
    web = Web(was, tmp_path)
    yield web
    if request.param == REAL:
        nothing = {"directory": "", "war": None, "ear": None, "sha256": ""}
        web.put_back(nothing)


@pytest.fixture
def base(make_was, tmp_path) -> Web:
    """A base server, which has no nodes to bring anything to."""
    return Web(make_was(HERE, nodes={"node1": ["server1"]}, base=True), tmp_path)


class TestGoingForwardAndBack:
    """Decided from what is observed (T8), by the digest of what the cell holds."""

    def test_install_update_and_nothing(self, web):
        one, two = web.war("one"), web.war("two")
        assert web.observe() == Deployed("", "", False, "absent")
        done = web.deploy(one)
        assert (done["action"], done["after"]) == ("install", Deployed(sha256(one), APP.context_root, True, "started"))
        assert web.deploy(one)["action"] == "nothing"
        done = web.deploy(two)
        assert (done["action"], done["after"].sha256) == ("update", sha256(two))

    def test_what_was_there_is_kept_in_the_original_and_as_an_export_and_comes_back(self, web):
        """A15: the export of the prior application and the prior original, before anything else (T1)."""
        one, two = web.war("one"), web.war("two")
        web.deploy(one)
        web.deploy(two)
        directory = Path(web.kept["directory"])
        assert sha256(directory / "prior.war") == sha256(one)
        assert {path.name for path in directory.iterdir()} == {
            "prior.ear", "prior.war", "prior-export.ear", "prior-view.txt",
        }
        assert web.put_back()["restored"] is True
        assert web.observe() == Deployed(sha256(one), APP.context_root, True, "started")
        assert web.put_back()["restored"] is False

    def test_an_application_that_was_not_there_is_removed_again(self, web):
        web.deploy(web.war("one"))
        assert web.put_back()["restored"] is True
        assert web.observe().state == "absent"
        assert web.put_back()["restored"] is False

    def test_the_context_root_is_part_of_what_is_deployed(self, web):
        war, moved = web.war("one"), WebApp(APP.name, "/relmgmtmoved")
        web.deploy(war)
        done = web.deploy(war, moved)
        assert (done["action"], done["after"].context_root) == ("update", "/relmgmtmoved")
        web.put_back(app=moved)
        assert web.observe().context_root == APP.context_root

    def test_every_server_serves_what_was_deployed(self, web):
        one, two = web.war("one"), web.war("two")
        web.deploy(one)
        web.deploy(two)
        assert set(web.serves().values()) == {web.was.cell.master.applications[APP.name].ear}

    def test_a_stopped_application_that_is_put_back_stays_stopped(self, web):
        one = web.war("one")
        web.deploy(one)
        for node in web.was.cell.nodes.values():
            for server in node.servers.values():
                server.started = {}
        web.deploy(web.war("two"))
        assert web.put_back()["note"] == "the application did not run before either"
        assert web.observe() == Deployed(sha256(one), APP.context_root, True, "stopped")

    def test_an_archive_that_the_product_packed_anew_is_still_the_one_that_was_delivered(self, web):
        one = web.war("one")
        web.deploy(one)
        cell = web.was.cell
        ear = cell.master.applications[APP.name].ear
        cell.keep(APP.name, ear=rewritten(ear, {"WEB-INF/ibm-web-bnd.xml": "<web-bnd/>"}))
        assert web.observe().sha256 == sha256(one)
        cell.keep(APP.name, ear=rewritten(ear, {"index.html": "by hand"}))
        assert web.observe().sha256 != sha256(one)

    def test_bindings_that_the_newer_release_dropped_come_back_from_the_export(self, web):
        """The original alone would come back without what an administrator bound."""
        one = web.war("one", **{REFERENCES: "jdbc/cfis"})
        web.deploy(one)
        web.was.cell.keep(APP.name, bindings={"jdbc/cfis": "jdbc/production"})
        web.deploy(web.war("two"))
        assert web.was.cell.master.applications[APP.name].bindings == {}
        assert "from the export" in web.put_back()["note"]
        assert web.was.cell.master.applications[APP.name].bindings == {"jdbc/cfis": "jdbc/production"}
        assert web.observe().sha256 == sha256(one)

    def test_bindings_that_somebody_changed_meanwhile_are_what_they_were(self, web):
        """An update keeps the bindings of what it updates."""
        web.deploy(web.war("one", **{REFERENCES: "jdbc/cfis"}))
        web.was.cell.keep(APP.name, bindings={"jdbc/cfis": "jdbc/production"})
        web.deploy(web.war("two", **{REFERENCES: "jdbc/cfis"}))
        web.was.cell.keep(APP.name, bindings={"jdbc/cfis": "jdbc/other"})
        assert "from the export" in web.put_back()["note"]
        assert web.was.cell.master.applications[APP.name].bindings == {"jdbc/cfis": "jdbc/production"}

    def test_the_prior_application_comes_back_from_the_shared_folder(self, web):
        """A15, T2: from any sound copy, and said when there is none."""
        one = web.war("one")
        web.deploy(one)
        web.deploy(web.war("two"))
        directory = Path(web.kept["directory"])
        for name in ("prior.ear", "prior.war"):
            (directory / name).write_bytes(b"damaged")
        with pytest.raises(AppServerError, match="no sound copy of the prior application") as caught:
            web.put_back()
        assert sha256(one) in str(caught.value)
        web.put_back({**web.kept, "shared": str(one)})
        assert web.observe().sha256 == sha256(one)


class TestRollingOut:
    """Node by node, and nothing is started before its files are there (T10)."""

    def test_t10_an_application_starts_only_where_it_is_unpacked(self, web):
        web.was.cell.unpacking = 0.4
        assert web.deploy(web.war("one"))["after"].state == "started"

    def test_one_node_is_done_before_the_next_one_begins(self, web):
        web.deploy(web.war("one"))
        calls = web.was.cell.calls
        calls.clear()
        web.deploy(web.war("two"))
        acts = [call for call in calls if call in ("stopApplication", "sync", "startApplication")]
        assert acts == ["stopApplication", "sync", "startApplication"] * 2

    @pytest.mark.parametrize(
        "nodes", [{"app": ["other"], "other": ["app"]}, {"node1": ["same"], "node2": ["same"]}],
        ids=["node and server", "two servers"],
    )
    def test_t11_what_has_the_same_name(self, make_was, tmp_path, nodes):
        web = Web(make_was(HERE, nodes=nodes, cluster="cfis"), tmp_path)
        web.deploy(web.war("one"))
        assert all(web.serves().values())
        (last,) = list(web.was.cell.nodes.values())[-1].servers.values()
        last.started = {}
        assert web.observe().state == "stopped"

    def test_t12_an_application_that_is_stopped_on_one_server_is_no_error(self, web):
        one = web.war("one")
        web.deploy(one)
        web.was.cell.nodes["node2"].servers["member2"].started = {}
        web.was.cell.calls.clear()
        done = web.deploy(one)
        assert (done["action"], done["after"].state) == ("restart", "started")
        assert [call for call in web.was.cell.calls if call.endswith("Application")] == ["startApplication"]

    def test_a_node_that_is_down_is_named_before_anything_is_touched(self, web):
        web.was.cell.nodes["node2"].agent = False
        with pytest.raises(AppServerError, match="the node agent of node node2 is down"):
            web.deploy(web.war("one"))
        assert web.was.cell.master.applications == {}

    def test_a_server_that_is_stopped_is_named_before_anything_is_touched(self, web):
        web.was.cell.nodes["node2"].servers["member2"].running = False
        with pytest.raises(AppServerError, match="server node2/member2 is stopped"):
            web.deploy(web.war("one"))
        assert web.was.cell.master.applications == {}

    def test_a_node_that_goes_down_in_the_middle_is_named_and_the_next_run_goes_on(self, web):
        one, two = web.war("one"), web.war("two")
        web.deploy(one)
        cell = web.was.cell
        cell.before("startApplication", lambda: setattr(cell.nodes["node2"], "agent", False))
        with pytest.raises(AppServerError, match="node node2 cannot be synchronized: its node agent is down"):
            web.deploy(two)
        kept = web.kept
        cell.nodes["node2"].agent = True
        cell.calls.clear()
        assert web.deploy(two)["after"] == Deployed(sha256(two), APP.context_root, True, "started")
        assert "AdminApp.update" not in cell.calls
        assert cell.calls.count("sync") == 1
        web.put_back(kept)
        assert web.observe() == Deployed(sha256(one), APP.context_root, True, "started")

    def test_an_application_that_does_not_start_names_the_server_and_goes_back(self, web):
        """T13: at once, not after a time-out; the second server never saw it."""
        one = web.war("one")
        web.deploy(one)
        before = web.serves()["member2"]
        with pytest.raises(AppServerError, match=r"failed on node1/member1.*WSVR0101W"):
            web.deploy(build_stored(web.place / "bad.war", "DOES NOT START"))
        assert web.serves()["member2"] == before
        assert web.put_back()["restored"] is True
        assert web.observe() == Deployed(sha256(one), APP.context_root, True, "started")

    def test_a_web_server_on_a_node_without_an_agent_is_a_target_and_is_not_synchronized(self, make_was, tmp_path):
        was = make_was(HERE, nodes=TWO_NODES, cluster="cfis")
        was.cell.master.add("Server", {"name": "ihs"}, "/Node:dmz/Server:ihs/")
        was.options["web_servers"] = [{"node": "dmz", "server": "ihs"}]
        web = Web(was, tmp_path)
        assert web.deploy(web.war("one"))["after"].configured
        targets = was.cell.master.applications[APP.name].targets
        assert "WebSphere:cell=emulatedCell,node=dmz,server=ihs" in targets

    def test_the_products_own_way_with_a_cluster(self, web):
        web.was.options["rollout"] = "servers"
        web.was.cell.calls.clear()
        assert web.deploy(web.war("one"))["after"].state == "started"
        assert "AdminTask.updateAppOnCluster" in web.was.cell.calls
        assert "sync" not in web.was.cell.calls

    def test_the_products_own_way_leaves_no_web_server_behind(self, make_was, tmp_path):
        """It synchronizes the nodes of the cluster alone; a web server on a managed node is a target as well."""
        was = make_was(HERE, nodes=TWO_NODES, cluster="cfis")
        was.cell.add_node("web", ["ihs"])
        was.options.update(web_servers=[{"node": "web", "server": "ihs"}], rollout="servers")
        web = Web(was, tmp_path)
        for text in ("one", "two"):
            done = web.deploy(web.war(text))
            assert done["after"].configured
        was.cell.nodes["web"].held.serial -= 1
        was.cell.calls.clear()
        assert web.deploy(web.war("two"))["after"].configured
        assert "AdminTask.updateAppOnCluster" not in was.cell.calls
        web.put_back()
        assert web.observe().configured

    def test_a_base_server_is_stopped_for_the_save_and_started_when_it_is_ready(self, base):
        base.was.cell.unpacking = 0.2
        one, two = base.war("one"), base.war("two")
        base.deploy(one)
        base.was.cell.calls.clear()
        assert base.deploy(two)["after"] == Deployed(sha256(two), APP.context_root, True, "started")
        way = ["stopApplication", "AdminConfig.save", "startApplication"]
        assert [call for call in base.was.cell.calls if call in way] == way
        base.put_back()
        assert base.observe() == Deployed(sha256(one), APP.context_root, True, "started")

    def test_a_base_server_serves_again_when_the_save_is_refused(self, base):
        base.deploy(base.war("one"))
        base.was.cell.before("AdminConfig.save", lambda: base.was.cell.save_elsewhere(APP.name))
        with pytest.raises(AppServerError, match="save failed"):
            base.deploy(base.war("two"))
        assert base.observe().state == "started"


class TestTheWayBack:
    """A place that cannot go back keeps no other one from it, and is named."""

    @pytest.fixture
    def two(self, web) -> Web:
        """The newer application runs, the older one is kept."""
        web.deploy(web.war("one"))
        web.prior = web.was.cell.master.applications[APP.name].ear
        web.deploy(web.war("two"))
        return web

    @pytest.mark.parametrize("rollout", ["nodes", "servers"])
    def test_a_node_that_is_down_is_named_and_the_others_go_back(self, two, rollout):
        cell = two.was.cell
        cell.nodes["node1"].agent = False
        two.was.options["rollout"] = rollout
        with pytest.raises(AppServerError, match=r"not on every node.*node node1: .*its node agent is down"):
            two.put_back()
        assert two.serves()["member2"] == two.prior
        cell.nodes["node1"].agent = True
        assert two.put_back()["restored"] is True
        assert set(two.serves().values()) == {two.prior}

    @pytest.mark.parametrize("rollout", ["nodes", "servers"])
    def test_a_server_that_is_down_gets_its_files_back_and_the_answer_says_so(self, two, rollout):
        cell = two.was.cell
        two.was.options["rollout"] = rollout
        cell.stop("node1", "member1")
        done = two.put_back()
        assert done["server"] == "stopped"
        assert any("server node1/member1 is stopped" in note for note in done["notes"])
        assert two.serves() == {"member1": None, "member2": two.prior}
        cell.start("node1", "member1")
        assert set(two.serves().values()) == {two.prior}

    @pytest.mark.parametrize("evidence", ["prior-view.txt", "prior-export.ear"])
    @pytest.mark.parametrize("way", ["missing", "damaged"])
    def test_the_sound_original_comes_back_whatever_has_become_of_the_evidence(self, two, evidence, way):
        path = Path(two.kept["directory"]) / evidence
        view = Path(two.kept["directory"]) / "prior-view.txt"
        view.write_text("another")
        if way == "missing":
            path.unlink()
        else:
            path.write_bytes(b"\xff damaged")
        note = two.put_back()["note"]
        assert str(path) in note
        assert set(two.serves().values()) == {two.prior}

    def test_the_sound_original_comes_back_when_the_export_is_refused(self, two):
        cell = two.was.cell
        Path(two.kept["directory"], "prior-view.txt").write_text("another")

        def refuse():
            raise ScriptingError("ADMA5014E")

        cell.before("AdminApp.update", lambda: cell.before("AdminApp.update", refuse))
        assert "prior-export.ear was refused" in two.put_back()["note"]
        assert set(two.serves().values()) == {two.prior}

    def test_every_node_that_cannot_go_back_is_named(self, two):
        for node in two.was.cell.nodes.values():
            node.agent = False
        with pytest.raises(AppServerError, match=r"node node1: .*node node2: "):
            two.put_back()

    def test_an_older_one_that_does_not_start_on_a_node_is_named_and_the_others_go_back(self, two):
        cell = two.was.cell
        cell.before("startApplication", lambda: cell.stop("node1", "member1"))
        with pytest.raises(AppServerError, match=r"node node1: "):
            two.put_back()
        assert two.serves()["member2"] == two.prior

    def test_a_wsadmin_that_is_lost_is_not_asked_about_the_next_node(self, two, monkeypatch):
        asked = []

        def lost(self, application, places):
            if places:
                asked.append(places)
                raise SessionLost("wsadmin ended", "cluster cfis", "run again")

        monkeypatch.setattr(Rollout, "stop_on", lost)
        with pytest.raises(SessionLost):
            two.put_back()
        assert len(asked) == 1

    def test_one_that_was_not_there_goes_from_the_nodes_that_are_up(self, web):
        web.deploy(web.war("one"))
        nodes = web.was.cell.nodes
        nodes["node1"].agent = False
        with pytest.raises(AppServerError, match=r"not on every node.*node node1: .*its node agent is down"):
            web.put_back()
        assert nodes["node2"].held.applications == {}
        nodes["node1"].agent = True
        web.put_back()
        assert nodes["node1"].held.applications == {}


class TestSeveralApplications:
    """One session serves a whole phase: nothing of one application gets into another one's save."""

    def test_what_a_failed_act_left_in_the_workspace_is_not_saved_by_the_next_one(self, web):
        one, other = web.war("one"), WebApp("relmgmtother", "/other")
        with closing(web.was.adapter()) as server:
            server.deploy(APP, str(one))
            server.session.request("uninstall", application=APP.name)  # and then something failed
            server.refresh()
            server.deploy(other, str(web.war("two")))
            assert server.observe(APP) == Deployed(sha256(one), APP.context_root, True, "started")
        assert set(web.was.cell.master.applications) == {APP.name, other.name}

    def test_what_was_to_be_known_of_one_is_not_told_of_the_next_one(self, web):
        other = WebApp("relmgmtother", "/other")
        with closing(web.was.adapter(request_timeout=1)) as server:
            web.was.cell.late["AdminConfig.save"] = 1.3
            assert server.deploy(APP, str(web.war("one")))["notes"] != []
            server.refresh()
            assert server.deploy(other, str(web.war("two")))["notes"] == []

    def test_a_session_that_has_not_begun_is_not_begun_for_nothing(self, web):
        starts = web.was.cell.starts
        with closing(web.was.adapter()) as server:
            server.refresh()
        assert web.was.cell.starts == starts


class TestTimeOuts:
    """A client's time-out says nothing about the server, which goes on: the cell is asked, nothing is done twice."""

    @pytest.mark.parametrize(
        "call", ["AdminConfig.save", "stopApplication", "sync", "startApplication", "AdminTask.updateAppOnCluster"]
    )
    def test_what_timed_out_is_waited_for(self, web, call):
        one, two = web.war("one"), web.war("two")
        if call.startswith("AdminTask"):
            web.was.options["rollout"] = "servers"
        web.deploy(one)
        web.was.cell.late[call] = 1.3
        web.was.cell.calls.clear()
        done = web.deploy(two, request_timeout=1)
        assert done["after"] == Deployed(sha256(two), APP.context_root, True, "started")
        assert any("timed out" in note for note in done["notes"])
        once = 1 if call.startswith("Admin") else 2
        assert web.was.cell.calls.count(call) == once
        web.was.cell.late[call] = 1.3
        with closing(web.was.adapter(request_timeout=1)) as server:
            assert any("timed out" in note for note in server.put_back(APP, web.kept)["notes"])
        assert web.observe() == Deployed(sha256(one), APP.context_root, True, "started")

    def test_a_save_that_goes_on_is_looked_at_with_another_wsadmin(self, web):
        """The one that began it is left alone: its workspace is what is being saved."""
        war = web.war("one")
        web.was.cell.late["AdminConfig.save"] = 1.3
        starts = web.was.cell.starts
        assert web.deploy(war, request_timeout=1)["after"].sha256 == sha256(war)
        assert web.was.cell.starts == starts + 2
        assert "AdminConfig.reset" not in web.was.cell.calls

    def test_a_save_that_arrives_between_two_looks_leaves_no_orphan(self, web, monkeypatch):
        """Not there, saved, and then its units are: nothing is half removed."""
        from emulated_cell.admin import AdminTask

        looked: list[str] = []
        listed = AdminTask.listBLAs

        def arrives(task: Any) -> str:
            looked.append("listBLAs")
            web.was.cell.master.applications.update(held)
            return listed(task)

        web.deploy(web.war("one"))
        held = dict(web.was.cell.master.applications)
        web.was.cell.master.applications.clear()
        monkeypatch.setattr(AdminTask, "listBLAs", arrives)
        with closing(web.was.adapter()) as server:
            seen = server.session.request("application", application=APP.name)
        assert looked == ["listBLAs"]
        assert (seen["installed"], seen["orphans"]) == (1, [])

    def test_a_synchronisation_without_a_start_is_waited_for_too(self, web):
        web.deploy(web.war("one"))
        cell = web.was.cell
        cell.late["sync"] = 1.3
        with closing(web.was.adapter(request_timeout=1)) as server:
            server.put_back(APP, web.kept)
        assert [node.held.serial for node in cell.nodes.values()] == [cell.master.serial] * 2

    def test_what_never_arrives_is_unknown(self, web):
        web.deploy(web.war("one"))
        web.was.cell.late["AdminConfig.save"] = 60
        with pytest.raises(HostStateUnknown, match="waited 1 s in vain for the saved configuration"):
            web.deploy(web.war("two"), request_timeout=1, start_timeout=1)


class TestRefusals:
    """Nothing is left half-done in the master configuration."""

    def test_a_save_conflict_keeps_nothing_and_overwrites_nothing(self, web):
        one = web.war("one")
        web.deploy(one)
        cell = web.was.cell
        cell.before("AdminConfig.save", lambda: cell.save_elsewhere(APP.name))
        with pytest.raises(AppServerError, match=r"save failed.*somebody else saved the same documents"):
            web.deploy(web.war("two"))
        assert web.observe().sha256 == sha256(one)

    def test_a_package_that_is_refused_leaves_everything_as_it_was(self, web):
        one = web.war("one")
        web.deploy(one)
        bad = build_stored(web.place / "bad.war", "BROKEN")
        with closing(web.was.adapter()) as server:
            with pytest.raises(AppServerError, match=r"nothing was saved.*ADMA0010E"):
                server.deploy(APP, str(bad))
            assert server.observe(APP).sha256 == sha256(one)
        assert web.observe() == Deployed(sha256(one), APP.context_root, True, "started")

    def test_orphaned_composition_units_are_reported_and_never_removed(self, web):
        left = [f"WebSphere:blaname={APP.name}", f"WebSphere:cuname={APP.name}"]
        web.was.cell.master.orphans = list(left)
        with pytest.raises(AppServerError, match=f"half removed.*cuname={APP.name}"):
            web.deploy(web.war("one"))
        assert web.was.cell.master.orphans == left

    def test_a_managed_process_is_not_deployed_to(self, web):
        """Its configuration is a copy that the next synchronisation overwrites."""
        web.was.cell.at_a_managed_node = True
        with pytest.raises(AppServerError, match="which a deployment manager manages"):
            web.deploy(web.war("one"))

    def test_a_cluster_that_is_not_there(self, web):
        with pytest.raises(InvalidInput, match="cluster other is not in the cell"):
            web.deploy(web.war("one"), cluster="other")

    def test_a_server_that_is_not_there(self, base):
        with pytest.raises(AppServerError, match="there is no server node1/other"):
            base.deploy(base.war("one"), servers=[{"node": "node1", "server": "other"}])


class TestSettings:
    """What a release names beside its packages: looked at, refused, brought into force, put back."""

    OF_JVM = (Setting("jvm_property", "cfis.mode", "new one"), Setting("jvm_option", "-Xmx", "-Xmx1g"))
    OTHERS = (
        Setting("variable", "CFIS_HOME", "/srv/cfis"),
        Setting("resource", "NamedEndPoint:WC_defaulthost", "9081", attribute="port"),
        Setting("resource", "DataSource:cfis", "40", attribute="connectionPool.maxConnections"),
    )

    @pytest.fixture
    def cell(self, web):
        master = web.was.cell.master
        pool = master.add("ConnectionPool", {"maxConnections": "10"})
        master.add("DataSource", {"name": "cfis", "connectionPool": pool}, "/DataSource:cfis/")
        for kind, attributes in master.objects.values():
            if kind == "JavaVirtualMachine":
                attributes["genericJvmArguments"] = '-Xmx512m "-Da=b c" -verbose:gc'
        return web.was.cell

    def test_they_come_into_force_and_go_back(self, web, cell, tmp_path):
        web.was.options["may_restart"] = True
        web.deploy(web.war("one"))
        settings = [*self.OF_JVM, *self.OTHERS]
        with closing(web.was.adapter()) as server:
            before = server.observe_settings(settings)
            assert list(before.values.values()) == [None, "-Xmx512m", None, "9080", "10"]
            assert before.pending == ""
            server.check_settings(settings, {})
            assert server.keep_settings(self.OTHERS, "/none") == {}
            files = {key: str(tmp_path / name) for key, name in server.keep_settings(settings, str(tmp_path)).items()}
            done = server.apply_settings(settings, {})
            assert done == {"changed": True, "restarted": True, "errors": []}
            after = server.observe_settings(settings)
            assert list(after.values.values()) == ["new one", "-Xmx1g", "/srv/cfis", "9081", "40"]
            assert after.pending == ""
            assert server.apply_settings(settings, {})["changed"] is False
            assert server.observe(APP).state == "started"
            assert all(node.held.serial == cell.master.serial for node in cell.nodes.values())
            assert cell.nodes["node2"].servers["member2"].properties["cfis.mode"] == "new one"
            assert self.arguments(cell) == {'"-Da=b c" -verbose:gc -Xmx1g'}

            prior = [one._replace(value=before.values[one.key]) for one in settings]
            assert server.apply_settings(prior, files) == done
            assert server.observe_settings(settings) == before
            assert server.apply_settings(prior, files)["changed"] is False
            assert [one for one in cell.master.objects.values() if one[0] == "Property"] == []
            assert cell.nodes["node1"].servers["member1"].properties == {}

    def arguments(self, cell) -> set[str]:
        jvms = [attributes for kind, attributes in cell.master.objects.values() if kind == "JavaVirtualMachine"]
        return {str(jvm["genericJvmArguments"]) for jvm in jvms if "-Xmx1g" in str(jvm["genericJvmArguments"])}

    def test_one_server_is_up_before_the_next_one_goes_down(self, web, cell):
        cell.calls.clear()
        with closing(web.was.adapter()) as server:
            server.apply_settings(self.OF_JVM, {})
        orders = [call for call in cell.calls if call in ("AdminControl.stopServer", "AdminControl.startServer")]
        assert orders == ["AdminControl.stopServer", "AdminControl.startServer"] * 2

    def test_a_start_that_timed_out_is_waited_for(self, web, cell):
        seen: list[bool] = []
        first = cell.nodes["node1"].servers["member1"]
        cell.late["AdminControl.startServer"] = 1.3
        cell.before("AdminControl.startServer", lambda: cell.before(
            "AdminControl.stopServer", lambda: seen.append(first.running)
        ))
        with closing(web.was.adapter(request_timeout=1)) as server:
            server.apply_settings(self.OF_JVM, {})
        assert seen == [True]

    def test_what_needs_no_restart_gets_none(self, web, cell):
        with closing(web.was.adapter()) as server:
            server.check_settings(self.OTHERS, {})
            assert server.apply_settings(self.OTHERS, {}) == {"changed": True, "restarted": False, "errors": []}
        assert "AdminControl.stopServer" not in cell.calls

    def test_a_restart_that_was_cut_off_is_pending_and_made_up_for(self, web, cell):
        with closing(web.was.adapter()) as server:
            cell.before("AdminControl.stopServer", lambda: setattr(cell.nodes["node1"], "agent", False))
            with pytest.raises(RelmgmtError, match="no node agent on node node1"):
                server.apply_settings(self.OF_JVM, {})
        cell.nodes["node1"].agent = True
        with closing(web.was.adapter()) as server:
            assert server.observe_settings(self.OF_JVM).pending == (
                "not restarted since the last change: node1/member1, node2/member2"
            )
            assert server.apply_settings(self.OF_JVM, {}) == {"changed": True, "restarted": True, "errors": []}
            assert server.observe_settings(self.OF_JVM).pending == ""

    def test_a_restart_that_nobody_allowed_is_refused(self, web, cell):
        refused = pytest.raises(AppServerError, match="have to be restarted for jvm_property")
        with closing(web.was.adapter()) as server, refused:
            server.check_settings(self.OF_JVM, {})

    def test_nor_does_an_earlier_change_get_one_that_nobody_allowed(self, web, cell):
        """It was cut off before its restart, and is no part of this release."""
        with closing(web.was.adapter()) as server:
            cell.before("AdminControl.stopServer", lambda: setattr(cell.nodes["node1"], "agent", False))
            with pytest.raises(RelmgmtError, match="no node agent on node node1"):
                server.apply_settings(self.OF_JVM, {})
            cell.nodes["node1"].agent = True
            with pytest.raises(AppServerError, match=r"have to be restarted for an earlier change.*node1/member1"):
                server.check_settings(self.OTHERS, {})
        with closing(web.was.adapter(may_restart=True)) as server:
            server.check_settings(self.OTHERS, {})

    @pytest.mark.parametrize("name, value", [("cfis.\u20ac", "x"), ("cfis.mode", "\u20ac"), ("cfis.mode", "a\u200bb")])
    def test_what_wsadmin_cannot_read_is_refused_before_anything_is_touched(self, web, cell, name, value):
        refused = pytest.raises(InvalidInput, match="characters of Latin-1 only")
        with closing(web.was.adapter(may_restart=True)) as server, refused:
            server.check_settings([Setting("jvm_property", name, value)], {})

    def test_what_was_written_before_a_refusal_is_dropped(self, web, cell):
        with closing(web.was.adapter()) as server:
            settings = [self.OTHERS[0], Setting("jvm_property", "cfis.mode", "\u20ac")]
            with pytest.raises(InvalidInput, match="characters of Latin-1 only"):
                server.apply_settings(settings, {})
            assert server.observe_settings(settings).values == dict.fromkeys(one.key for one in settings)
            server.apply_settings(self.OTHERS[1:], {})
        with closing(web.was.adapter()) as server:
            assert server.observe_settings(settings).values == dict.fromkeys(one.key for one in settings)

    def test_a_port_cannot_be_taken_away(self, web, cell):
        with closing(web.was.adapter()) as server, pytest.raises(InvalidInput, match="a port cannot be absent"):
            server.check_settings([self.OTHERS[1]._replace(value=None)], {})

    def test_a_base_server_is_not_restarted_under_the_session(self, base):
        refused = pytest.raises(AppServerError, match="a base server cannot be restarted here")
        with closing(base.was.adapter(may_restart=True)) as server, refused:
            server.check_settings([Setting("jvm_property", "a", "b")], {})

    def test_servers_that_differ_are_told_and_refused(self, web, cell):
        """Going back to one value would lose the other."""
        with closing(web.was.adapter()) as server:
            endpoint = self.OTHERS[1]
            point = next(attributes for kind, attributes in cell.master.objects.values() if kind == "EndPoint")
            point["port"] = "9999"
            (seen,) = server.observe_settings([endpoint]).values.values()
            assert seen == "node1/member1: 9999, node2/member2: 9080"
            with pytest.raises(AppServerError, match="differs between servers"):
                server.check_settings([endpoint], {})

    @pytest.mark.parametrize("wrong, told", [
        (Setting("resource", "JDBCProvider:none", "x", attribute="y"), "0 configuration objects"),
        (Setting("resource", "NamedEndPoint:NONE", "x", attribute="port"), "has no endpoint NONE"),
        (Setting("fragment", "datasource", "x"), "a cell has no fragment"),
    ])
    def test_what_is_not_there_is_an_error(self, web, wrong, told):
        with closing(web.was.adapter()) as server, pytest.raises(RelmgmtError, match=told):
            server.check_settings([wrong], {})


def build_stored(path: Path, text: str) -> Path:
    """A WAR whose text is plain in the archive: the emulated cell reads what it shall do out of it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("index.html", text)
    return path
