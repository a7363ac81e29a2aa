# SPDX-License-Identifier: GPL-3.0-or-later
"""``relmgmt run``, ``deliver`` and ``rollback`` with a fake of ansible-runner."""

from __future__ import annotations

import json
import stat

import pytest

from relmgmt_runner.adapters.playbooks import arguments, environment
from relmgmt_runner.ports import PlaybookEnd, Step
from relmgmt_runner.testing import FakePlaybooks

DONE = {"change": "CHG0000002", "release": "CFIS002", "verdict": "done", "reasons": [],
        "hosts": {"db1": {"state": "done"}}}


@pytest.fixture
def inventory(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text("all: {}\n")
    return path


@pytest.mark.parametrize(
    ("command", "playbook"), [("run", "release"), ("deliver", "deliver"), ("rollback", "rollback")]
)
def test_runs_the_playbook_and_takes_the_verdict_from_its_file(relmgmt, change, inventory, command, playbook):
    relmgmt.playbooks = FakePlaybooks(DONE, steps=[Step("play", "Quiesce")])
    assert relmgmt(command, change, "-i", inventory) == 0
    [call] = relmgmt.playbooks.calls
    assert call.playbook == f"relmgmt.release.{playbook}"
    assert call.variables["change"] == str(change)
    assert call.inventories == (str(inventory),)
    assert relmgmt.display.steps == [Step("play", "Quiesce")]
    assert "Verdict: done (CHG0000002 CFIS002)" in relmgmt.said
    assert "db1  done" in relmgmt.said


@pytest.mark.parametrize(
    ("verdict", "status"), [("holding", 3), ("refused", 4), ("restored", 5), ("differs", 6), ("invalid", 2)]
)
def test_exit_status_follows_the_verdict(relmgmt, change, inventory, verdict, status):
    relmgmt.playbooks = FakePlaybooks({**DONE, "verdict": verdict}, end=PlaybookEnd("failed", 2, True))
    assert relmgmt("run", change, "-i", inventory) == status


@pytest.mark.parametrize(
    ("words", "said"),
    [(("leave-test-mode", "--outcome", "signed_off", "--confirmed-by", "Ann Lee"),
      {"outcome": "signed_off", "confirmed_by": "Ann Lee"}),
     (("enter-test-mode", "--entered-by", "Ann Lee"), {"entered_by": "Ann Lee"}),
     (("enter-test-mode",), {})],
)
def test_test_mode_is_told_who_and_how(relmgmt, change, inventory, words, said):
    relmgmt.playbooks = FakePlaybooks(DONE)
    assert relmgmt(*words, change, "-i", inventory) == 0
    [call] = relmgmt.playbooks.calls
    assert call.playbook == f"relmgmt.release.{words[0].replace('-', '_')}"
    assert {name: value for name, value in call.variables.items() if name in ("outcome", "confirmed_by", "entered_by")
            } == said


@pytest.mark.parametrize("missing", [("--outcome", "rejected"), ("--confirmed-by", "Ann Lee")])
def test_leaving_test_mode_wants_both_words(relmgmt, change, inventory, missing):
    relmgmt.playbooks = FakePlaybooks(DONE)
    with pytest.raises(SystemExit) as caught:
        relmgmt("leave-test-mode", *missing, change, "-i", inventory)
    assert (caught.value.code, relmgmt.playbooks.calls) == (2, [])


def test_a_run_that_ends_in_test_mode_waits_for_testers(relmgmt, change, inventory):
    relmgmt.playbooks = FakePlaybooks({**DONE, "verdict": "testing"})
    assert relmgmt("run", change, "-i", inventory) == 3
    relmgmt.playbooks = FakePlaybooks({**DONE, "verdict": "testing"}, end=PlaybookEnd("failed", 2, True))
    assert relmgmt("run", change, "-i", inventory) == 6


def test_a_result_of_another_run_is_unknown(relmgmt, change, inventory):
    relmgmt.playbooks = FakePlaybooks(DONE, nonce="older")
    assert relmgmt("run", change, "-i", inventory) == 6


def test_no_result_is_unknown_and_says_what_to_do(relmgmt, change, inventory):
    relmgmt.playbooks = FakePlaybooks(end=PlaybookEnd("canceled", 254, True))
    assert relmgmt("run", change, "-i", inventory) == 6
    assert "canceled" in relmgmt.said
    assert "relmgmt rollback" in relmgmt.said


def test_each_run_has_a_private_directory_and_a_nonce_of_its_own(relmgmt, change, inventory, tmp_path):
    relmgmt.playbooks = FakePlaybooks(DONE)
    relmgmt("run", change, "-i", inventory, "--artifacts", tmp_path / "kept")
    relmgmt("run", change, "-i", inventory, "--artifacts", tmp_path / "kept")
    first, second = relmgmt.playbooks.calls
    assert first.private != second.private
    assert first.variables["relmgmt_result_nonce"] != second.variables["relmgmt_result_nonce"]
    assert first.private.parent == tmp_path / "kept"
    assert stat.S_IMODE(first.private.stat().st_mode) == 0o700


def test_options_reach_ansible_playbook(relmgmt, change, inventory):
    relmgmt.playbooks = FakePlaybooks(DONE)
    relmgmt("run", change, "-i", inventory, "-i", "db1,", "--check", "--diff", "-e", "a=b c", "-e", "@vars.yml")
    [call] = relmgmt.playbooks.calls
    given = arguments(call)
    assert given[:4] == ["-i", str(inventory), "-i", "db1,"]
    assert given[4:8] == ["-e", "a=b c", "-e", f"@{change.parent}/vars.yml"]
    assert given[8:] == ["--check", "--diff"]


def test_host_keys_are_checked_and_ansible_cfg_is_named(relmgmt, change, inventory, tmp_path, monkeypatch):
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    checkout(tmp_path, version="0.1.0")
    (tmp_path / "ansible.cfg").write_text("[defaults]\n")
    relmgmt.playbooks = FakePlaybooks(DONE)
    assert relmgmt("run", change, "-i", inventory) == 0
    [call] = relmgmt.playbooks.calls
    assert call.playbook == str(tmp_path / "playbooks/release.yml")
    assert environment(call)["ANSIBLE_CONFIG"] == str(tmp_path / "ansible.cfg")
    assert environment(call)["ANSIBLE_HOST_KEY_CHECKING"] == "True"


def test_a_checkout_of_another_version_is_refused(relmgmt, change, inventory, tmp_path, capsys):
    checkout(tmp_path, version="9.9.9")
    assert relmgmt("run", change, "-i", inventory) == 4
    assert "9.9.9" in capsys.readouterr().err
    assert relmgmt.playbooks.calls == []


def checkout(root, version):
    collection = root / "collections/ansible_collections/relmgmt/release"
    collection.mkdir(parents=True)
    (collection / "galaxy.yml").write_text(f"namespace: relmgmt\nversion: {version}\n")
    (root / "playbooks").mkdir()
    (root / "playbooks/release.yml").write_text("[]\n")


@pytest.mark.parametrize(
    "words",
    [["run", "missing.yml", "-i", "db1,"], ["run", "CHG0000002.yml", "-i", "missing"],
     ["run", "CHG0000002.yml", "-i", "db1,", "--artifacts", "CHG0000002.yml"]],
)
def test_what_is_not_there_is_a_usage_error_with_a_cure(relmgmt, change, words, capsys):
    assert relmgmt(*words) == 2
    assert "Cure:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["run"], ["run", "CHG.yml"], ["approve", "CHG.yml"], ["fly"]])
def test_wrong_usage_is_status_2(relmgmt, words):
    with pytest.raises(SystemExit) as caught:
        relmgmt(*words)
    assert caught.value.code == 2


@pytest.mark.parametrize("command", ["run", "deliver", "rollback", "validate", "approve", "seal"])
def test_help_shows_an_example_and_the_exit_statuses(relmgmt, command, capsys):
    with pytest.raises(SystemExit) as caught:
        relmgmt(command, "--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"  relmgmt {command} " in text.split("examples:")[1]
    assert "a person is needed" in text


def test_no_secret_is_written_by_the_runner_itself(relmgmt, change, inventory, tmp_path):
    relmgmt.playbooks = FakePlaybooks(DONE)
    relmgmt("run", change, "-i", inventory, "-e", "password=c4nary")
    kept = [p for p in (tmp_path / "state").rglob("*") if p.is_file()]
    assert [p.name for p in kept] == ["result.json"]
    assert "c4nary" not in kept[0].read_text()
    assert "c4nary" not in relmgmt.said
    assert json.loads(kept[0].read_text())["schema"] == 1
