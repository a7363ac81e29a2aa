# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, as the README gives it: release, again, check mode, back (A2, A9, A14, A15)."""

from __future__ import annotations

import json
import urllib.parse

import pytest
from environment import Environment
from relmgmt_sandbox.load import Load, Question

HOSTS = {"db1", "app1", "app2", "app3", "web1"}


def status(environment: Environment, host: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(environment.server(host, "/cfis/api/status")[1])
    return found


def test_the_next_release_and_the_way_back(installed: Environment) -> None:
    before = installed.snapshot()
    mails = set((installed.root / "mail").iterdir())
    run = installed.release("CHG0000002", "--diff")
    assert (run.status, run.verdict) == (0, "done"), run.output
    for host in ("app1", "app2", "app3"):
        found = status(installed, host)
        assert (found["war"]["release"], found["database"]["release"]) == ("CFIS002", "CFIS002")
    assert "Database release CFIS002" in installed.entry()[1]
    assert "CFIS002" in installed.entry("/static/release.txt")[1]
    sign_off = [p.read_text() for p in set((installed.root / "mail").iterdir()) - mails]
    assert any("sign CFIS002 off" in " ".join(text.split()) for text in sign_off)
    record = max((installed.root / "records").glob("CHG0000002-*.html"), key=lambda path: path.stat().st_mtime)
    assert "Delivered to sftp://" in record.read_text()

    again = installed.play("release", "CHG0000002")
    assert (again.status, again.verdict) == (0, "nothing_to_do"), again.output
    assert again.changed == dict.fromkeys(HOSTS, 0)

    back = installed.play("rollback", "CHG0000002")
    assert (back.status, back.verdict) == (0, "rolled_back"), back.output
    assert installed.snapshot() == before
    assert "Database release CFIS001" in installed.entry()[1]
    assert installed.play("rollback", "CHG0000002").changed == dict.fromkeys(HOSTS, 0)


def test_check_mode_shows_everything_and_touches_nothing(installed: Environment) -> None:
    assert installed.play("deliver", "CHG0000002").status == 0
    before = installed.untouched()
    run = installed.play("release", "CHG0000002", "--check", "--diff")
    assert (run.status, run.verdict) == (0, "checked"), run.output
    for shown in ("CFISNOT", "CFISLTR", "CFISELIG", "^CFISCFG", "release.txt"):
        assert shown in run.output
    assert installed.untouched() == before


def carry_out(environment: Environment, *phases: str) -> None:
    for phase in phases:
        run = environment.play(phase, "CHG0000002")
        assert run.status == 0, run.output
        assert run.verdict in ("phase_done", "nothing_to_do"), run.output


@pytest.mark.rotating
def test_each_phase_alone_carries_the_same_release(installed: Environment) -> None:
    """A9: users at work lose nothing in the rollout. The testers' door has the users' upstream, and stays open."""
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    assert installed.play("gate", "CHG0000002").status == 0
    carry_out(installed, "quiesce", "backup", "install")
    door, page = installed.variables("web1")["relmgmt_testers_url"], "/cfis/api/status"
    rollout = installed.start("deploy", "CHG0000002")
    installed.wait_for(lambda: installed.page(door + page)[0] == 200)
    port = urllib.parse.urlsplit(door).port
    assert port
    with Load(port, [Question(page, '"war":{"release":"CFIS002"')], users=4, pause=0.05) as load:
        run = installed.finish(rollout)
    assert (run.status, run.verdict) == (0, "phase_done"), run.output
    assert (load.lost, load.backwards) == ([], [])
    assert 0 < load.newer_seen < load.answers
    one_by_one = [f"{host} {state}" for host in ("app1", "app2", "app3") for state in ("drained", "serving")]
    assert installed.moves("CHG0000002") == one_by_one
    carry_out(installed, "deploy", "verify", "sign-off-request", "reopen", "close", "record")
    assert installed.moves("CHG0000002") == one_by_one, "servers that hold the release are not taken away again"
    assert "Database release CFIS002" in installed.entry()[1]
    assert installed.play("release", "CHG0000002").verdict == "nothing_to_do"
    assert installed.play("rollback", "CHG0000002").verdict == "rolled_back"
    assert installed.snapshot() == before
