# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout behind the real web entry: one server at a time, drained, looked at, and put back (A9, A15, T36-T38)."""

from __future__ import annotations

import json
import urllib.parse

from environment import Environment
from proxies import Load


def moves(environment: Environment) -> list[str]:
    """What the newest attempt of CHG0000002 did to the servers behind the proxy, in order."""
    newest = "(SELECT max(attempt) FROM act WHERE change='CHG0000002')"
    rows = environment.ledger(
        "web1", "SELECT target, intent FROM act WHERE change='CHG0000002' AND module='proxy_member'"
        f" AND attempt={newest} ORDER BY id")
    return [f"{target.partition(':')[2]} {json.loads(intent)['state']}" for target, intent in rows]


def in_force(environment: Environment) -> list[str]:
    rows = environment.ledger(
        "web1", "SELECT target FROM act WHERE module='proxy_member' AND undo LIKE '%kind%' AND undone_at IS NULL")
    return [target for target, in rows]


def test_users_at_work_lose_nothing_while_the_release_is_rolled_out(installed: Environment) -> None:
    """The testers' door has the users' upstream and stays open: a load goes through it while deploy.yml runs."""
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    for phase in ("gate", "quiesce", "backup", "install"):
        run = installed.play(phase, "CHG0000002")
        assert run.status == 0, run.output
    door = urllib.parse.urlsplit(installed.variables("web1")["relmgmt_testers_url"])
    status = "/cfis/api/status"
    assert door.port
    process = installed.start("deploy", "CHG0000002")
    installed.wait_for(lambda: installed.page(door.geturl() + status)[0] == 200)
    with Load(door.port, users=6, path=status, newer='"war":{"release":"CFIS002"', pause=0.05) as load:
        run = installed.finish(process)
    assert (run.status, run.verdict) == (0, "phase_done"), run.output
    assert (load.lost, load.backwards) == ([], [])
    assert load.newer_seen > 0
    assert load.answers > load.newer_seen, "the older release was seen too"
    assert moves(installed) == [f"{host} {state}" for host in ("app1", "app2", "app3")
                                for state in ("drained", "serving")]
    assert in_force(installed) == []
    again = installed.play("deploy", "CHG0000002")
    assert again.status == 0, again.output
    assert len(moves(installed)) == 6, "servers that hold the release are not taken away from their users"
    back = installed.play("rollback", "CHG0000002")
    assert (back.status, back.verdict) == (0, "rolled_back"), back.output
    assert moves(installed)[6:] == [f"{host} {state}" for host in ("app3", "app2", "app1")
                                    for state in ("drained", "serving")]
    assert installed.snapshot() == before


def test_a_failure_on_the_second_server_brings_the_first_two_back_drained(installed: Environment) -> None:
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    installed.liberty("app2", "stop")
    try:
        run = installed.play("release", "CHG0000002")
    finally:
        installed.liberty("app2", "start")
    assert (run.status, run.verdict) == (2, "restored"), run.output
    assert moves(installed) == [
        "app1 drained", "app1 serving", "app2 drained",
        "app2 serving", "app1 drained", "app1 serving",
    ], "the one that failed comes back first; the third was never touched"
    assert in_force(installed) == []
    assert installed.snapshot() == before
