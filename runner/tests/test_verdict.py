# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict is what the result file says, or unknown (invariant 15)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relmgmt.release.plugins.plugin_utils.result_file import VERDICTS
from relmgmt_runner.errors import VERDICT_STATUS
from relmgmt_runner.ports import PlaybookEnd
from relmgmt_runner.testing import GOOD_END
from relmgmt_runner.verdict import judge

FAILED_END = PlaybookEnd("failed", 2, True)
NO_END = PlaybookEnd("unknown", None, True, "ansible-runner: TIMEOUT")


def file(**changes):
    content = {"schema": 1, "nonce": "n", "change": "CHG1", "release": "CFIS002", "verdict": "done",
               "reasons": [], "hosts": {"db1": {"state": "done", "release": "CFIS002"}}}
    return json.dumps({**content, **changes}).encode()


@pytest.mark.parametrize(
    ("verdict", "status"),
    [("done", 0), ("nothing_to_do", 0), ("checked", 0), ("rolled_back", 0), ("phase_done", 0),
     ("invalid", 2), ("holding", 3), ("testing", 3), ("refused", 4),
     ("restored", 5), ("differs", 6), ("unknown", 6)],
)
def test_each_verdict_has_its_exit_status(verdict, status):
    assert judge(file(verdict=verdict), "n", GOOD_END).status == status


def test_the_collections_verdicts_all_have_one():
    assert set(VERDICTS) == set(VERDICT_STATUS) - {"not_started"}


def test_the_file_tells_change_release_and_hosts():
    verdict = judge(file(reasons=["why"]), "n", GOOD_END)
    assert verdict[1:] == ("CHG1", "CFIS002", ("why",), (("db1", "done (release: CFIS002)"),))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", file(schema=2), file(nonce="other"), file(verdict="fine"),
     file(verdict="not_started"), file(verdict=["done"]), b"[" * 100000, file(reasons=["x" * (1 << 20)])],
    ids=range(11),
)
def test_a_file_that_cannot_be_believed_is_unknown(data):
    verdict = judge(data, "n", GOOD_END)
    assert (verdict.verdict, verdict.status) == ("unknown", 6)
    assert verdict.reasons


def test_no_file_is_unknown_even_when_ansible_says_success():
    assert judge(None, "n", GOOD_END).verdict == "unknown"


def test_no_file_and_no_play_is_an_internal_error():
    verdict = judge(None, "n", PlaybookEnd("failed", 4, False, "ERROR! no such playbook"))
    assert verdict.status == 1
    assert "ERROR! no such playbook" in verdict.reasons


def test_no_file_and_no_status_is_unknown_although_no_play_was_seen():
    assert judge(None, "n", PlaybookEnd("unknown", None, False)).status == 6


def test_done_contradicted_by_the_playbooks_failure_is_unknown():
    verdict = judge(file(), "n", FAILED_END)
    assert verdict.verdict == "unknown"
    assert "ended with 2" in verdict.reasons[0]


def test_a_failure_that_the_file_explains_stays_what_it_is():
    assert judge(file(verdict="restored"), "n", FAILED_END).status == 5


def test_a_missing_status_does_not_outweigh_the_file():
    assert judge(file(), "n", NO_END).status == 0


@pytest.mark.parametrize("hosts", [None, [], "x", {"db1": "odd"}, {"db1": {"n": 1}}])
def test_odd_hosts_do_not_break_the_report(hosts):
    assert judge(file(hosts=hosts), "n", GOOD_END).status == 0
