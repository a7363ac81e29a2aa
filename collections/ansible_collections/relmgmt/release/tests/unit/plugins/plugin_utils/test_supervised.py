# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a module until its worker has ended: lost connections, killed modules, lines of progress (E2, E4, E6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.relmgmt.release.plugins.plugin_utils.supervised import (
    AFTER_LOST,
    AFTER_NO_ANSWER,
    SUPERVISED,
    Watch,
    supervise,
)

BUSY = {"in_progress": {"progress": {}}, "changed": False}
DONE = {"changed": True, "msg": "done"}
LOST = AnsibleConnectionFailure("gone")
KILLED = {"failed": True, "module_stdout": "", "module_stderr": "", "msg": "MODULE FAILURE"}


class Host:
    """Answers in turn; notes what it was asked and how long the action slept."""

    def __init__(self, answers: Sequence[Any]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.shown: list[Any] = []
        self.resets = 0

    def execute(self, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(args)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        args["_ansible_of_this_call"] = True
        return dict(answer)

    def reset(self) -> None:
        self.resets += 1
        raise AnsibleError("no connection to reset")

    def run(self) -> dict[str, Any]:
        return supervise(self.execute, {"root": "/b"}, self.shown.append, self.reset, 10, self.slept.append)


def test_the_module_is_asked_until_its_worker_has_ended() -> None:
    host = Host([BUSY, BUSY, DONE])
    assert host.run() == DONE
    assert host.shown == [BUSY["in_progress"]] * 2
    assert host.slept == []
    assert all(one["root"] == "/b" and one["worker"]["wait"] == 10 for one in host.asked)
    assert len({one["worker"]["call"] for one in host.asked}) == 1


def test_every_module_that_has_a_worker_is_supervised() -> None:
    modules = next(parent for parent in Path(__file__).parents if (parent / "galaxy.yml").exists()) / "plugins/modules"
    with_worker = {path.stem for path in modules.glob("*.py") if "run_supervised(" in path.read_text(encoding="utf-8")}
    assert with_worker == SUPERVISED
    assert "proxy_member" in SUPERVISED


def test_every_run_is_a_call_of_its_own() -> None:
    calls = set()
    for _run in range(2):
        host = Host([DONE])
        host.run()
        calls.add(host.asked[0]["worker"]["call"])
    assert len(calls) == 2


@pytest.mark.parametrize("trouble", [LOST, KILLED])
def test_trouble_while_the_worker_lives_is_outlasted(trouble: Any) -> None:
    host = Host([BUSY, *[trouble] * len(AFTER_LOST), DONE])
    assert host.run() == DONE
    assert tuple(host.slept) == AFTER_LOST
    assert host.resets == (len(AFTER_LOST) if trouble is LOST else 0)
    assert len({one["worker"]["call"] for one in host.asked}) == 1


def test_each_time_of_trouble_is_given_all_its_tries() -> None:
    host = Host([BUSY, LOST, BUSY, LOST, LOST, DONE])
    assert host.run() == DONE
    assert host.slept == [AFTER_LOST[0], AFTER_LOST[0], AFTER_LOST[1]]


def test_a_host_that_stays_away_is_told() -> None:
    host = Host([BUSY, *[LOST] * (len(AFTER_LOST) + 1)])
    with pytest.raises(AnsibleConnectionFailure):
        host.run()
    assert host.answers == []


def test_a_host_that_never_answered_is_given_up_at_once() -> None:
    host = Host([LOST, LOST])
    with pytest.raises(AnsibleConnectionFailure):
        host.run()
    assert tuple(host.slept) == AFTER_NO_ANSWER


def test_a_module_that_fails_is_believed() -> None:
    failed = {"failed": True, "msg": "refused", "error": {"kind": "Refused"}}
    host = Host([BUSY, failed])
    assert host.run() == failed


def test_a_module_that_always_crashes_is_told() -> None:
    host = Host([KILLED, KILLED])
    assert host.run() == KILLED


class Screen:
    """Ansible's display, as far as it is used."""

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity
        self.lines: list[str] = []

    def display(self, text: str) -> None:
        self.lines.append(text)


def progress(done: int, ended: Sequence[tuple[str, float]] = ()) -> dict[str, Any]:
    return {
        "what": "reading back", "done": done, "total": 4 << 30, "seconds": 9.0, "rate": 300 << 20, "left": 8.0,
        "ended": [{"what": what, "done": 4 << 30, "seconds": 12.0, "until": until} for what, until in ended],
    }


def test_a_line_says_bytes_rate_and_time_left() -> None:
    screen = Screen()
    watch = Watch("db1", "backup_set", screen)
    watch.show({"progress": {}})
    watch.show({"progress": progress(2 << 30, [("copying", 5.0)])})
    assert screen.lines == [
        "[db1] backup_set: begins",
        "[db1] backup_set: reading back: 2.00 GiB of 4.00 GiB, 300 MiB/s, 8 s left",
    ]


def test_verbose_tells_each_phase_that_has_ended_once() -> None:
    screen = Screen(verbosity=1)
    watch = Watch("db1", "backup_set", screen)
    watch.show({"progress": progress(1 << 30, [("freeze", 1.0), ("copying", 5.0)])})
    watch.show({"progress": progress(2 << 30, [("freeze", 1.0), ("copying", 5.0)])})
    assert [line for line in screen.lines if "done in" in line] == [
        "[db1] backup_set: freeze: 4.00 GiB, done in 12 s", "[db1] backup_set: copying: 4.00 GiB, done in 12 s",
    ]


def test_what_it_waits_for_is_named() -> None:
    screen = Screen()
    other = {"module": "backup_set", "change": "CHG1", "progress": progress(1 << 30)}
    Watch("db1", "rollback", screen).show({"progress": {}, "waits_for": other})
    assert screen.lines[0].startswith("[db1] rollback: waits until backup_set of CHG1 has ended: reading back: 1.00")
