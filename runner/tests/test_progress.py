# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown while a playbook runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from relmgmt_runner.adapters.terminal import LiveDisplay, PlainDisplay, display_for
from relmgmt_runner.events import step_of
from relmgmt_runner.ports import Step
from relmgmt_runner.progress import line_of, phase_number, printable, report
from relmgmt_runner.verdict import Verdict

HOSTILE = "done\x1b]0;owned\x07 [bold]x[/bold]\r"


def event(kind, res=None, **data):
    return {"event": kind, "event_data": {"play": "Backup", "task": "Copy", "host": "db1", "res": res or {}, **data}}


@pytest.mark.parametrize(
    ("given", "state", "message"),
    [
        (event("runner_on_ok"), "ok", ""),
        (event("runner_on_ok", {"changed": True, "msg": "x"}), "changed", ""),
        (event("runner_on_failed", {"msg": "why", "changed": True}), "failed", "why"),
        (event("runner_on_failed", {"msg": "why"}, ignore_errors=True), "ignored", "why"),
        (event("runner_on_unreachable", {"msg": "gone"}), "unreachable", "gone"),
        (event("runner_on_skipped"), "skipped", ""),
    ],
)
def test_a_result_on_a_host_becomes_a_step(given, state, message):
    assert step_of(given) == Step("host", "Backup", "Copy", "db1", state, message)


def test_progress_of_long_work_is_shown():
    step = step_of({"event": "verbose", "stdout": "[db1] backup_set: copying A.DAT: 1.0 GiB of 4.0 GiB, 9 s left"})
    assert step == Step("progress", "", "backup_set", "db1", "", "copying A.DAT: 1.0 GiB of 4.0 GiB, 9 s left")
    assert line_of(step) == "at work     db1  backup_set: copying A.DAT: 1.0 GiB of 4.0 GiB, 9 s left"
    stream = io.StringIO()
    with LiveDisplay(Console(file=stream, width=200, force_terminal=True)) as display:
        display.show(step)
    assert "9 s left" in stream.getvalue()


@pytest.mark.parametrize("given", [
    {}, {"event": "verbose"}, {"event": "verbose", "stdout": "[WARNING]: x"},
    {"event": "playbook_on_stats", "event_data": None},
])
def test_other_events_are_not_shown(given):
    assert step_of(given) is None


@pytest.mark.parametrize(
    ("play", "number"),
    [("Gate", 1), ("Phase backup: before", 4), ("sign-off request", 8), ("Sign off", None), ("Browse", None)],
)
def test_a_plays_name_tells_its_phase(play, number):
    assert phase_number(play) == number


def test_plain_lines_name_state_host_and_task():
    stream = io.StringIO()
    with display_for(stream) as display:
        assert isinstance(display, PlainDisplay)
        display.show(Step("play", "Backup"))
        display.show(Step("task", "Backup", "Copy"))
        display.show(Step("host", "Backup", "Copy", "db1", "skipped"))
        display.show(Step("host", "Backup", "Copy", "db1", "failed", "no space"))
    assert stream.getvalue() == "== Backup\nfailed      db1  Copy: no space\n"


@pytest.mark.parametrize("kind", ["play", "task", "host", "progress"])
def test_nothing_from_a_host_steers_the_terminal(kind):
    step = Step(kind, HOSTILE, HOSTILE, HOSTILE, "failed", HOSTILE)
    assert "\x1b" not in line_of(step)
    stream = io.StringIO()
    with LiveDisplay(Console(file=stream, width=200)) as display:
        display.show(step)
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


def test_markup_is_shown_as_it_is():
    stream = io.StringIO()
    with LiveDisplay(Console(file=stream, width=200)) as display:
        display.show(Step("play", "[bold]x[/bold] [/nonsense]"))
        display.show(Step("task", "[bold]x[/bold] [/nonsense]", "[/other]"))
        display.say("[red]text")
    assert "[bold]x[/bold] [/nonsense]" in stream.getvalue()
    assert "[red]text" in stream.getvalue()


def test_a_long_message_is_cut():
    assert len(printable("x" * 100000)) == 2000


def test_the_report_names_reasons_hosts_and_artifacts():
    verdict = Verdict("differs", "CHG1", "CFIS002", ("app2 is unreachable",), (("app1", "restored"), ("db", HOSTILE)))
    text = report(verdict, "/runs/1")
    assert text.splitlines()[:3] == ["Verdict: differs (CHG1 CFIS002)", "  - app2 is unreachable", "  app1  restored"]
    assert "\x1b" not in text
    assert text.endswith("Artifacts: /runs/1")
