# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.application on real processes (the 12-step rule, T12)."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import time
from typing import Any

import pytest
from web_host import newest_act, permit, run, tree

DAEMON = """\
import os, sys, time, pathlib
verb, name, place = sys.argv[1:]
pid, log = pathlib.Path(place) / (name + ".pid"), pathlib.Path(place) / "log"
def running():
    try:
        process = pid.read_text()
        return pathlib.Path("/proc", process, "stat").read_text().split(")")[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False
if verb == "status":
    sys.exit(0 if running() else 1)
with open(log, "a") as stream:
    stream.write(verb + " " + name + "\\n")
if verb == "start":
    child = os.fork()
    if child == 0:
        time.sleep(600)  # a daemon that keeps its standard output open
    pid.write_text(str(child))
else:
    if not running():
        sys.exit(9)  # T12: stopping what is stopped is an error here
    os.kill(int(pid.read_text()), 9)
    pid.unlink()
"""


class Application:
    """Three components, each a process of its own."""

    def __init__(self, place: pathlib.Path) -> None:
        self.place = place / "run"
        self.place.mkdir()
        (place / "daemon.py").write_text(DAEMON)
        self.ledger, self.script = place / "state/ledger.db", place / "daemon.py"

    def command(self, verb: str, name: str) -> list[str]:
        return [sys.executable, str(self.script), verb, name, str(self.place)]

    def component(self, name: str, kind: str) -> dict[str, Any]:
        return {"name": name, "kind": kind, **{verb: self.command(verb, name) for verb in ("start", "stop", "status")}}

    def options(self, state: str, **more: Any) -> dict[str, Any]:
        kinds = {"users": "session", "cats": "interface", "proxy": "web_entry"}
        components = [self.component(name, kind) for name, kind in kinds.items()]
        allowed = permit(self.ledger, f"CHG{time.time_ns()}", "CFIS002")
        return {**allowed, "name": "CFIS", "components": components, "state": state, "timeout": 30, **more}

    def log(self) -> list[str]:
        log = self.place / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return lines


@pytest.fixture
def application(tmp_path):
    application = Application(tmp_path)
    yield application
    for path in application.place.glob("*.pid"):
        try:
            os.kill(int(path.read_text()), signal.SIGKILL)
        except (OSError, ValueError):
            continue


def test_states_in_check_mode_and_for_real_and_again(application):
    """The 12-step rule; order from the outside in, and back from the inside out."""
    expected = {
        "open": ["start users", "start cats", "start proxy"],
        "restricted": ["stop proxy", "stop cats"],
        "quiesced": ["stop users"],
    }
    application.log()
    for state, acted in expected.items():
        options = application.options(state)
        before = tree(application.place.parent)
        checked = run("application", options, check=True)
        assert (checked["changed"], checked["acted"], checked["failed"]) == (True, acted, False)
        assert tree(application.place.parent) == before
        done = run("application", options)
        assert (done["changed"], done["acted"], done["components"]) == (True, acted, checked["components"]), done
        assert done["diff"] == checked["diff"]
        assert application.log() == acted
        for check in (True, False):
            again = run("application", options, check=check)
            assert (again["changed"], again["acted"]) == (False, [])
        assert application.log() == []
        act = newest_act(application.ledger)
        assert (act["outcome"], act["undo"], act["intent"]["state"]) == ("done", {}, state)


def test_a_component_that_is_stopped_already_is_no_error(application):
    """T12: its stop command would fail."""
    run("application", application.options("open"))
    os.kill(int((application.place / "cats.pid").read_text()), signal.SIGKILL)
    done = run("application", application.options("quiesced"))
    assert done["acted"] == ["stop proxy", "stop users"]


def test_a_daemon_does_not_keep_the_module_waiting(application):
    """Its pipes are not the module's (the runner would wait for them); it lives on after the module has ended."""
    run("application", application.options("open"))
    daemon = int((application.place / "proxy.pid").read_text())
    assert os.getsid(daemon) != os.getsid(0)


@pytest.mark.parametrize("code", [2, 127])
def test_any_other_status_is_an_error_that_names_the_component(application, code):
    options = application.options("quiesced")
    options["components"][1]["status"] = [sys.executable, "-c", f"print('what?'); raise SystemExit({code})"]
    failed = run("application", options)
    assert failed["error"]["kind"] == "HostStateUnknown"
    assert "component cats" in failed["msg"]
    assert f"ended with {code}" in failed["msg"]
    assert failed["error"]["output"] == "what?\n"
    assert application.log() == []


def test_a_command_that_fails_is_named_with_its_output(application):
    options = application.options("open")
    options["components"][0]["start"] = [sys.executable, "-c", "print('no licence'); raise SystemExit(3)"]
    failed = run("application", options)
    assert "component users could not be started" in failed["msg"]
    assert "ended with 3" in failed["msg"]
    assert failed["error"]["output"] == "no licence\n"
    assert newest_act(application.ledger)["outcome"] == "failed"


def test_success_is_what_is_seen_not_what_a_command_returns(application):
    options = application.options("open", timeout=2)
    options["components"][0]["start"] = [sys.executable, "-c", "pass"]
    failed = run("application", options)
    assert "component users was told to start but is not running" in failed["msg"]


def test_a_command_that_never_ends_meets_the_deadline(application):
    options = application.options("open", timeout=2)
    options["components"][0]["start"] = ["sleep", "300"]
    failed = run("application", options)
    assert "did not end in time" in failed["msg"]


def test_no_shell_reads_a_command(application, tmp_path):
    options = application.options("open")
    options["components"][0]["start"] = ["touch; touch", str(tmp_path / "never")]
    assert "cannot be run" in run("application", options)["msg"]
    assert not (tmp_path / "never").exists()


def test_a_host_without_a_receipt_refuses(application):
    options = {**application.options("quiesced"), "change": "CHG0"}
    assert run("application", options)["error"]["kind"] == "ReceiptMissing"
