# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has learned of its hosts, for the one screen at its end."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.plugin_utils.reports import last_seen, report


def test_a_worker_that_lives_at_the_end_is_told() -> None:
    worker = {"module": "restore", "change": "CHG1", "progress": {
        "what": "rewriting A.DAT", "done": 1 << 30, "total": 4 << 30, "seconds": 3.0, "rate": 0, "left": None,
        "ended": [],
    }}
    state = {"receipts": [], "workers": [worker]}
    assert report({"conclude_state": state}, "db1", "CHG1").at_work == [
        "restore of CHG1, rewriting A.DAT: 1.00 GiB of 4.00 GiB"]
    assert report({"conclude_state": {"receipts": []}}, "db1", "CHG1").at_work == []


def test_where_nothing_was_to_be_done_what_the_gate_saw_still_holds() -> None:
    gate = {"receipts": [], "current": {"war:cfis": {"release": "CFIS001"}}}
    end = {"receipts": [], "current": {"war:cfis": {"release": "CFIS002"}}}
    assert last_seen({"gate_cycle": {"needed": False}, "gate_host": gate}) == gate
    assert last_seen({"gate_cycle": {"needed": True}, "gate_host": gate, "conclude_state": end}) == end
    assert last_seen({"gate_cycle": {"needed": True}, "gate_host": gate}) == {}, "who dropped out is not known"


def test_an_application_that_does_not_answer_is_told_though_nothing_differs() -> None:
    state = {"receipts": [], "notes": ["war:cfis is installed, but does not answer"]}
    assert report({"conclude_state": state}, "app1", "CHG1").notes == state["notes"]
