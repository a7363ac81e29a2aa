# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever fails: every host that changed goes back, both halves, and the verdict says what is true."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from environment import Environment, kill_group


def user_writes(environment: Environment, text: str) -> None:
    """What a user's form does."""
    url = environment.variables("app1")["relmgmt_websphere"]["liberty"]["url"]
    data = urllib.parse.urlencode({"id": "1003", "text": text}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/cfis/api/correspondence", data, timeout=20) as answer:
        assert answer.status == 200


def test_a_failing_check_rolls_both_halves_back(installed: Environment) -> None:
    before = installed.snapshot()
    run = installed.release("CHG0000003")
    assert (run.status, run.verdict) == (2, "restored"), run.output
    assert "Deduction for care" in run.output
    restored = "SELECT 1 FROM act WHERE change='CHG0000003' AND module='restore' AND outcome='done'"
    assert installed.ledger("db1", restored), "only the release wrote, so the datasets go back whole"
    assert installed.snapshot() == before
    assert "Database release CFIS001" in installed.entry()[1]
    third = installed.play("release", "CHG0000003")
    assert third.verdict == "restored"
    assert "attempt 2" in third.output or "attempt 3" in third.output


def test_a_users_write_after_the_backup_survives_the_way_back(installed: Environment) -> None:
    """Invariant 13: the row is written by a process that is not the release's."""
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000003").status == 0
    process = installed.start("release", "CHG0000003")
    query = ("SELECT 1 FROM act WHERE change='CHG0000003' AND undo LIKE '%\"globals\"%' AND outcome='done'"
             " AND undone_at IS NULL")
    installed.wait_for(lambda: bool(installed.ledger("db1", query)))
    installed.mumps('set ^CFISLATE(1)="written while the release was under way"')
    run = installed.finish(process)
    assert run.verdict == "restored", run.output
    assert installed.mumps("write ^CFISLATE(1)") == "written while the release was under way"
    assert "others than the release wrote" in run.output, run.output
    installed.mumps("kill ^CFISLATE")
    assert installed.snapshot() == before


MOVES = {
    "app2": ["app1 drained", "app1 serving", "app2 drained",
             "app2 serving", "app1 drained", "app1 serving"],
    "app3": ["app1 drained", "app1 serving", "app2 drained", "app2 serving", "app3 drained",
             "app3 serving", "app2 drained", "app2 serving", "app1 drained", "app1 serving"],
}


@pytest.mark.parametrize("host", [pytest.param("app2", marks=pytest.mark.rotating), "app3"])
def test_a_failure_on_one_host_stops_the_rollout(installed: Environment, host: str) -> None:
    """T36, T37: host 2 of 3, host 3 of 3 (1 of 3: test_a_failing_check_rolls_both_halves_back).

    Back goes first the one that failed; servers that were not reached are left alone.
    """
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    installed.liberty(host, "stop")
    try:
        run = installed.play("release", "CHG0000002")
    finally:
        installed.liberty(host, "start")
    assert (run.status, run.verdict) == (2, "restored"), run.output
    failed = [name for name, state in run.result["hosts"].items() if state["failures"]]
    assert failed == [host]
    deployed = {h for h in ("app1", "app2", "app3") if installed.ledger(
        h, "SELECT 1 FROM act WHERE change='CHG0000002' AND module='websphere_app' AND undone_at IS NOT NULL")}
    assert (deployed >= {"app1", "app2"}) if host == "app3" else True
    assert installed.moves("CHG0000002") == MOVES[host]
    assert installed.snapshot() == before


def test_a_host_that_becomes_unreachable_in_mid_deploy(installed: Environment) -> None:
    """T38: the others go back, the unreachable one is named, and later one command finishes."""
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    process = installed.start("release", "CHG0000002")
    query = "SELECT 1 FROM act WHERE change='CHG0000002' AND module='websphere_app' AND outcome IS NULL"
    installed.wait_for(lambda: bool(installed.ledger("app2", query)))
    installed.sandbox("unreachable", "app2")
    try:
        run = installed.finish(process)
    finally:
        installed.sandbox("reachable", "app2")
    assert (run.status, run.verdict) == (2, "unknown"), run.output
    assert run.result["hosts"]["app2"]["reachable"] is False
    assert "app2             UNREACHABLE" in run.output
    now = installed.snapshot()
    assert (now["globals"], now["routines"]) == (before["globals"], before["routines"])
    rest = {k: v for k, v in now["web"].items() if not k.startswith("app2/")}
    assert rest == {k: v for k, v in before["web"].items() if not k.startswith("app2/")}
    back = installed.play("rollback", "CHG0000002")
    assert (back.status, back.verdict) == (0, "rolled_back"), back.output
    assert installed.snapshot() == before
    assert installed.entry()[0] == 200


def dying_mumps(environment: Environment, directory: Path, victim: str) -> dict[str, Any]:
    """An instance whose compiler does ``victim`` once, when the new source of CFISELIG lies in place."""
    instance: dict[str, Any] = environment.variables("db1")["relmgmt_instance"]
    real = instance["gtm"]["dist"]
    source = f"{instance['gtm']['source_directory']}/CFISELIG.m"
    directory.mkdir()
    for entry in Path(real).iterdir():
        (directory / entry.name).symlink_to(entry)
    wrapper = directory / "mumps"
    wrapper.unlink()
    wrapper.write_text(
        f'#!/bin/sh\nif [ ! -e {directory}/fired ] && grep -q CFIS002 {source}; then\n'
        f"touch {directory}/fired; {victim}; fi\n"
        f'gtm_dist={real} exec {real}/mumps "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return {**instance, "gtm": {**instance["gtm"], "dist": str(directory)}}


def test_kill_of_the_playbook_in_the_middle_of_the_install(installed: Environment, tmp_path: Path) -> None:
    """E2, E7: afterwards rollback.yml reaches the state before."""
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    mark, gone = tmp_path / "reached", tmp_path / "gone"
    victim = f"touch {mark}; while [ ! -e {gone} ]; do sleep 0.05; done; kill -9 $PPID; sleep 5"
    instance = dying_mumps(installed, tmp_path / "dist", victim)
    process = installed.start("release", "CHG0000002", "-e", json.dumps({"relmgmt_instance": instance}))
    installed.wait_for(mark.exists)
    kill_group(process)
    gone.touch()
    cut_off = "SELECT 1 FROM act WHERE change='CHG0000002' AND module='cache_package' AND outcome IS NULL"
    assert installed.ledger("db1", cut_off)
    assert installed.routines() != before["routines"]
    refused = installed.play("release", "CHG0000003")
    assert refused.verdict == "refused"
    assert "CHG0000002 is not finished" in refused.output
    back = installed.play("rollback", "CHG0000002")
    assert (back.status, back.verdict) == (0, "rolled_back"), back.output
    assert installed.snapshot() == before
    assert "Database release CFIS001" in installed.entry()[1]


def test_a_release_cut_off_goes_on_when_started_again(installed: Environment, tmp_path: Path) -> None:
    assert installed.play("deliver", "CHG0000002").status == 0
    instance = dying_mumps(installed, tmp_path / "dist", "kill -9 $PPID; sleep 5")
    cut = installed.start("release", "CHG0000002", "-e", json.dumps({"relmgmt_instance": instance}))
    query = "SELECT 1 FROM act WHERE change='CHG0000002' AND module='cache_package' AND outcome IS NULL"
    installed.wait_for(lambda: bool(installed.ledger("db1", query)))
    kill_group(cut)
    run = installed.play("release", "CHG0000002")
    assert (run.status, run.verdict) == (0, "done"), run.output
    assert installed.play("rollback", "CHG0000002").verdict == "rolled_back"


@pytest.mark.rotating
def test_two_at_once(installed: Environment) -> None:
    """Invariant 5: one works, the other is refused naming the holder; one that sleeps is stale."""
    for ticket in ("CHG0000002", "CHG0000003"):
        assert installed.play("deliver", ticket).status == 0
    runs: list[Any] = [None, None]
    first = Environment(installed.root)
    processes = [first.start("release", "CHG0000002"), installed.start("release", "CHG0000002")]

    def wait(index: int) -> None:
        runs[index] = processes[index].communicate(timeout=600)[0]

    threads = [threading.Thread(target=wait, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(process.returncode for process in processes)
    assert statuses == [0, 2], "\n".join(runs)
    loser = runs[0] if processes[0].returncode else runs[1]
    assert "the environment is held by CHG0000002" in loser
    assert installed.play("rollback", "CHG0000002").verdict == "rolled_back"


@pytest.mark.rotating
def test_a_stale_run_that_wakes_up_is_refused_by_the_hosts(installed: Environment) -> None:
    before = installed.snapshot()
    assert installed.play("deliver", "CHG0000002").status == 0
    sleeper = installed.start("release", "CHG0000002")
    installed.wait_for(lambda: bool(installed.ledger("web1", "SELECT 1 FROM receipt WHERE change='CHG0000002'"
                                                     " AND state='open'")))
    os.killpg(sleeper.pid, signal.SIGSTOP)
    held = installed.play("release", "CHG0000002")
    assert held.verdict == "refused", held.output
    person = "relmgmt_take_over='helen.brandt: its controller hangs'"
    taken = installed.play("rollback", "CHG0000002", "-e", person)
    assert taken.status == 0, taken.output
    os.killpg(sleeper.pid, signal.SIGCONT)
    woken = installed.finish(sleeper)
    assert woken.status == 2, woken.output
    assert "not the current one" in woken.output or "holds no lease" in woken.output or "closed" in woken.output
    assert installed.snapshot() == before
    assert installed.entry()[0] == 200
