# SPDX-License-Identifier: GPL-3.0-or-later
"""Each refusal of the gate, and each way round it (A1-A4, A7, invariants 2 and 6)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from environment import REPO, Environment

EXAMPLES = REPO / "examples"


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    """A copy of CHG0000002 with its bundle and approvals, to be spoilt."""
    shutil.copytree(EXAMPLES / "bundles" / "CFIS002", tmp_path / "bundles" / "CFIS002")
    (tmp_path / "changes").mkdir()
    for name in ("CHG0000002.yml", "CHG0000002.approvals.yml"):
        shutil.copy(EXAMPLES / "changes" / name, tmp_path / "changes" / name)
    return tmp_path / "changes" / "CHG0000002.yml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def approvals(ticket: Path) -> Path:
    return ticket.with_name("CHG0000002.approvals.yml")


def other_bytes(ticket: Path) -> None:
    with (ticket.parents[1] / "bundles" / "CFIS002" / "cfis.war").open("ab") as war:
        war.write(b"x")


def resealed(ticket: Path) -> None:
    from relmgmt_runner.cli import main

    other_bytes(ticket)
    assert main(["seal", str(ticket.parents[1] / "bundles" / "CFIS002")]) == 0


def no_approval(ticket: Path) -> None:
    approvals(ticket).unlink()


def expired(ticket: Path) -> None:
    edit(approvals(ticket), "2099-12-31", "2026-11-20")


def own_approval(ticket: Path) -> None:
    edit(ticket, "requested_by: maria.lopez", "requested_by: helen.brandt")


def bad_name(ticket: Path) -> None:
    edit(ticket, "release: CFIS002", "release: CFIS2")


def other_environment(ticket: Path) -> None:
    edit(ticket, "environment: sandbox", "environment: production")


def late_notice(ticket: Path) -> None:
    edit(ticket, "notice_sent: 2026-11-02", "notice_sent: 2026-12-01")


@pytest.mark.parametrize(
    "spoil, verdict, reason",
    [
        (other_bytes, "refused", "cfis.war is not what SHA256SUMS says"),
        (resealed, "refused", "not the one that was signed off in acceptance (A2)"),
        (no_approval, "holding", "no coordinator_approval for CHG0000002"),
        (expired, "refused", "expired"),
        (own_approval, "refused", "cannot give its coordinator_approval"),
        (bad_name, "refused", "the ticket is for CFIS2"),
        (other_environment, "refused", "the inventory is sandbox"),
        (late_notice, "refused", "14 are due"),
    ],
)
def test_each_refusal_names_the_reason_and_touches_nothing(
    installed: Environment, ticket: Path, spoil: Callable[[Path], None], verdict: str, reason: str
) -> None:
    before = installed.untouched()
    spoil(ticket)
    run = installed.play("release", ticket)
    assert (run.status, run.verdict) == (2, verdict), run.output
    assert reason in run.output
    assert "ure: " in run.output
    assert installed.untouched() == before


def test_an_injected_clock_after_the_approvals_expiry_is_believed_in_a_sandbox(
    installed: Environment, ticket: Path
) -> None:
    run = installed.play("release", ticket, "-e", "relmgmt_now=2100-01-01T00:00:00Z")
    assert run.verdict == "refused"
    assert "expired at 2099-12-31" in run.output


@pytest.mark.parametrize(
    "playbook, options",
    [
        ("install", []),
        ("deploy", []),
        ("backup", []),
        ("close", []),
        ("release", ["--tags", "install"]),
        ("release", ["--start-at-task", "Load and compile the Caché packages"]),
        ("install", ["-e", "relmgmt_protected=false"]),
        ("install", ["-e", "relmgmt_policy={}"]),
        ("install", ["-e", '{"gate_cycle": {"change": "CHG0000002", "needed": true, "lease": 1,'
                           ' "going_back": false}}']),
    ],
)
def test_no_way_round_the_gate(installed: Environment, playbook: str, options: list[str]) -> None:
    assert installed.play("deliver", "CHG0000002").status == 0
    before = {k: v for k, v in installed.untouched().items() if k != "ledgers"}
    run = installed.play(playbook, "CHG0000002", *options)
    assert run.status != 0 or playbook == "release", run.output  # --tags that fit no task end well and do nothing
    assert {k: v for k, v in installed.untouched().items() if k != "ledgers"} == before


def test_extra_variables_do_not_weaken_the_gate(installed: Environment, ticket: Path) -> None:
    no_approval(ticket)
    for options in (["-e", "relmgmt_policy={}"], ["-e", '{"relmgmt_policy": {"approvals": []}}'],
                    ["-e", "relmgmt_sandbox=true"]):
        run = installed.play("release", ticket, *options)
        assert run.verdict == "holding", run.output


def test_a_host_that_does_not_answer_keeps_the_release_from_starting(installed: Environment) -> None:
    before = installed.untouched()
    with installed.unreachable("app2"):
        run = installed.play("release", "CHG0000002")
    assert (run.status, run.verdict) == (2, "refused"), run.output
    assert "app2 does not answer" in run.output
    assert installed.untouched() == before


@pytest.mark.parametrize(
    "now, verdict, reason",
    [
        ("2026-12-06T03:59:00Z", "holding", "the window opens later"),
        ("2026-12-06T06:00:00Z", "refused", "the window was missed"),
        ("2026-12-06T05:00:00Z", "checked", "pass   window: open"),
    ],
)
def test_the_window_is_a_rule_of_the_inventory(
    installed: Environment, tmp_path: Path, now: str, verdict: str, reason: str
) -> None:
    """A1: first and third Saturdays, 20:00 to 22:00 in Los Angeles; the clock is injected."""
    shutil.copytree(REPO / "inventories" / "sandbox", tmp_path / "saturdays")
    policy = tmp_path / "saturdays" / "group_vars" / "all.yml"
    edit(policy, "rule: always", 'rule: "FREQ=MONTHLY;BYDAY=1SA,3SA"\n    start: "20:00"\n    hours: 2\n'
                                 '    timezone: America/Los_Angeles')
    elsewhere = Environment(installed.root)
    elsewhere.inventory = str(tmp_path / "saturdays")
    assert installed.play("deliver", "CHG0000002").status == 0
    before = installed.untouched()
    mode = ["--check"] if verdict == "checked" else []
    run = elsewhere.play("release", "CHG0000002", "-e", f"relmgmt_now={now}", *mode)
    assert run.verdict == verdict, run.output
    assert reason in run.output
    assert installed.untouched() == before
