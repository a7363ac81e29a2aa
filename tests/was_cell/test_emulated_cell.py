# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated cell refuses what a real one refuses: without that, tests upon it would show nothing."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from emulated_cell.admin import Session
from emulated_cell.cell import Cell
from emulated_cell.configuration import ScriptingError

NAME = "app"
OPTIONS = [
    "-appname", NAME, "-MapModulesToServers", [[".*", ".*", "WebSphere:cell=emulatedCell,cluster=c"]],
    "-MapWebModToVH", [[".*", ".*", "default_host"]], "-CtxRootForWebMod", [[".*", ".*", "/app"]],
]


@pytest.fixture
def cell() -> Cell:
    return Cell(nodes={"n1": ["s1"], "n2": ["s2"]}, cluster="c")


@pytest.fixture
def ear(tmp_path) -> Path:
    war, ear = tmp_path / "app.war", tmp_path / "app.ear"
    with zipfile.ZipFile(war, "w") as archive:
        archive.writestr("index.html", "x")
    with zipfile.ZipFile(ear, "w") as archive:
        archive.write(war, "app.war")
    return ear


def installed(cell, ear) -> Session:
    session = Session()
    cell.call(session, "AdminApp", "install", [str(ear), OPTIONS])
    cell.call(session, "AdminConfig", "save", [])
    return session


def invoke(cell, node, kind, operation, *arguments):
    bean = cell.call(Session(), "AdminControl", "completeObjectName", [f"node={node},type={kind},*"])
    return cell.call(Session(), "AdminControl", "invoke", [bean, operation, *arguments])


def test_what_is_not_saved_is_seen_by_its_session_alone(cell, ear):
    session = Session()
    cell.call(session, "AdminApp", "install", [str(ear), OPTIONS])
    assert cell.call(session, "AdminConfig", "getid", [f"/Deployment:{NAME}/"])
    assert cell.call(Session(), "AdminConfig", "getid", [f"/Deployment:{NAME}/"]) == ""
    cell.call(session, "AdminConfig", "reset", [])
    assert cell.call(session, "AdminConfig", "getid", [f"/Deployment:{NAME}/"]) == ""


def test_an_application_starts_on_a_synchronized_node_with_its_files_unpacked_only(cell, ear):
    """T10."""
    cell.unpacking = 0.2
    installed(cell, ear)
    with pytest.raises(ScriptingError, match="the files of app are not there"):
        invoke(cell, "n1", "ApplicationManager", "startApplication", NAME)
    assert invoke(cell, "n1", "NodeSync", "sync") == "true"
    with pytest.raises(ScriptingError, match="the files of app are not there"):
        invoke(cell, "n1", "ApplicationManager", "startApplication", NAME)
    time.sleep(0.25)
    invoke(cell, "n1", "ApplicationManager", "startApplication", NAME)
    assert cell.serves("n1", "s1", NAME) == ear.read_bytes()
    assert cell.serves("n2", "s2", NAME) is None
    status = cell.call(Session(), "AdminApp", "getDeployStatus", [NAME])
    assert "node=n1,distribution=true,expansion=notprocessing" in status
    assert "node=n2,distribution=false" in status
    assert cell.call(Session(), "AdminApp", "isAppReady", [NAME]) == "false"


def test_starting_twice_and_stopping_what_is_stopped_are_errors(cell, ear):
    """T12."""
    installed(cell, ear)
    invoke(cell, "n1", "NodeSync", "sync")
    with pytest.raises(ScriptingError, match="is not running"):
        invoke(cell, "n1", "ApplicationManager", "stopApplication", NAME)
    invoke(cell, "n1", "ApplicationManager", "startApplication", NAME)
    with pytest.raises(ScriptingError, match="is running already"):
        invoke(cell, "n1", "ApplicationManager", "startApplication", NAME)


def test_two_sessions_that_save_the_same_documents_conflict(cell, ear):
    first, second = Session(), Session()
    for session in (first, second):
        cell.call(session, "AdminApp", "install", [str(ear), OPTIONS])
    cell.call(first, "AdminConfig", "save", [])
    cell.call(second, "AdminConfig", "setSaveMode", ["rollbackOnConflict"])
    with pytest.raises(ScriptingError, match="WorkSpaceException"):
        cell.call(second, "AdminConfig", "save", [])


def test_a_call_that_timed_out_at_the_client_is_carried_out(cell, ear):
    session = Session()
    cell.call(session, "AdminApp", "install", [str(ear), OPTIONS])
    cell.late["AdminConfig.save"] = 0.4
    with pytest.raises(ScriptingError, match="SocketTimeoutException"):
        cell.call(session, "AdminConfig", "save", [], 0.1)
    assert NAME not in cell.master.applications
    time.sleep(0.5)
    assert NAME in cell.master.applications


def test_a_workspace_that_is_dropped_under_its_save_is_not_saved(cell, ear):
    """Taken for the worse: whether a real one saves what is left of it nobody knows."""
    session = Session()
    cell.call(session, "AdminApp", "install", [str(ear), OPTIONS])
    cell.late["AdminConfig.save"] = 0.2
    with pytest.raises(ScriptingError, match="SocketTimeoutException"):
        cell.call(session, "AdminConfig", "save", [], 0.1)
    cell.call(session, "AdminConfig", "reset", [])
    time.sleep(0.2)
    assert NAME not in cell.master.applications


def test_behind_a_node_agent_that_is_down_nothing_is_seen(cell):
    cell.nodes["n1"].agent = False
    assert cell.call(Session(), "AdminControl", "queryNames", ["node=n1,type=Server,*"]) == ""
    assert cell.call(Session(), "AdminControl", "completeObjectName", ["node=n1,type=NodeSync,*"]) == ""


@pytest.mark.parametrize(
    "target, method", [("AdminApp", "listEverything"), ("AdminNothing", "list"), ("AdminApp", "seen")]
)
def test_what_it_does_not_know_it_refuses(cell, target, method):
    with pytest.raises(ScriptingError, match="is not a command of the emulated cell"):
        cell.call(Session(), target, method, [])
