# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks adapter on the real ansible-runner (FAULTS E7, E9, E10; T44; invariant 11)."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from relmgmt_runner.adapters.playbooks import EventFeed, RunnerPlaybooks
from relmgmt_runner.house import House
from relmgmt_runner.ports import PlaybookCall, Step
from relmgmt_runner.run import Ports, Request, carry_out
from relmgmt_runner.testing import FakeDisplay

CANARY = "c4nary-of-the-environment"
PLAYBOOK = """\
- name: Phase verify
  hosts: all
  gather_facts: false
  tasks:
    - name: Look
      ansible.builtin.assert:
        that: lookup('ansible.builtin.config', 'RETRY_FILES_SAVE_PATH') == '/from/this/configuration'
    - name: Say
      ansible.builtin.debug:
        msg: "{{ item }}"
      loop: "{{ range(20) | list }}"
    - name: Keys
      ansible.builtin.assert:
        that: lookup('ansible.builtin.env', 'ANSIBLE_HOST_KEY_CHECKING') == 'True'
    - name: Stumble
      ansible.builtin.fail:
        msg: on purpose
      when: stumble | default('no') == 'yes'
    - name: Result
      ansible.builtin.copy:
        dest: "{{ relmgmt_result_file }}"
        mode: "0600"
        content: >-
          {"schema": 1, "nonce": "{{ relmgmt_result_nonce }}", "change": "CHG1", "release": "CFIS002",
          "verdict": "{{ 'checked' if ansible_check_mode else 'done' }}", "reasons": [], "hosts": {}}
      check_mode: false
"""


@pytest.fixture
def house(tmp_path, monkeypatch):
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/release.yml").write_text(PLAYBOOK)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/ansible.cfg").write_text(
        "[defaults]\nretry_files_save_path=/from/this/configuration\nlocalhost_warning=false\n"
    )
    (tmp_path / "hosts.yml").write_text(
        f"all: {{hosts: {{db1: {{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}}}}}\n"
    )
    (tmp_path / "CHG1.yml").write_text("change: CHG1\n")
    monkeypatch.setenv("RELMGMT_TEST_SECRET", CANARY)
    monkeypatch.chdir("/")
    return House(tmp_path, tmp_path, tmp_path / "elsewhere/ansible.cfg")


class Watched(RunnerPlaybooks):
    """Keeps how the run ended."""

    def run(self, call, watch):
        self.end = super().run(call, watch)
        return self.end


def run(house, display=None, playbooks=None, **request):
    root = house.directory
    asked = Request("release", root / "CHG1.yml", (str(root / "hosts.yml"),), artifacts=root / "kept", **request)
    ports = Ports(playbooks or RunnerPlaybooks(), display or FakeDisplay(), lambda: "0123456789abcdef")
    return carry_out(asked, house, ports)


def test_a_playbook_runs_and_its_result_file_decides(house):
    display = FakeDisplay()
    verdict = run(house, display)
    assert (verdict.verdict, verdict.change, verdict.release) == ("done", "CHG1", "CFIS002")
    assert Step("play", "Phase verify") in display.steps
    assert Step("host", "Phase verify", "Result", "db1", "changed") in display.steps


def test_check_mode_reaches_the_playbook(house):
    assert run(house, check=True).verdict == "checked"


def test_artifacts_are_private_and_hold_no_environment(house):
    run(house)
    [kept] = (house.directory / "kept").iterdir()
    files = [p for p in kept.rglob("*") if p.is_file()]
    assert "rc" in {p.name for p in files}
    assert "command" not in {p.name for p in files}
    assert not [p for p in files if CANARY in p.read_text(errors="replace")]
    assert not (kept / "env").exists()
    assert kept.stat().st_mode & 0o077 == 0


def test_a_failure_before_the_result_is_unknown_and_shown(house):
    display = FakeDisplay()
    verdict = run(house, display, extra=("stumble=yes",))
    assert (verdict.verdict, verdict.status) == ("unknown", 6)
    failed = [step for step in display.steps if step.state == "failed"]
    assert [(step.host, step.message) for step in failed] == [("db1", "on purpose")]


def test_extra_variables_do_not_replace_the_runs_own(house):
    assert run(house, extra=("relmgmt_result_nonce=forged",)).verdict == "done"


def test_a_playbook_that_cannot_be_read_never_started(house):
    (house.directory / "playbooks/release.yml").write_text("- hosts: all\n  tasks: {\n")
    verdict = run(house)
    assert (verdict.verdict, verdict.status) == ("not_started", 1)
    assert any("release.yml" in reason for reason in verdict.reasons)


class SlowDisplay(FakeDisplay):
    """E9: still at work seconds after the play ended, when ansible-runner would raise pexpect.TIMEOUT."""

    def show(self, step):
        super().show(step)
        time.sleep(1.7)


class RaisingDisplay(FakeDisplay):
    """E10: an exception in a handler tears the play down."""

    def show(self, step):
        super().show(step)
        raise RuntimeError("the display is broken")


@pytest.mark.parametrize("display", [pytest.param(SlowDisplay, marks=pytest.mark.slow), RaisingDisplay])
def test_whoever_looks_on_cannot_disturb_the_run(house, display):
    shown, playbooks = display(), Watched()
    assert run(house, shown, playbooks).verdict == "done"
    assert playbooks.end == ("successful", 0, True, "")
    assert Step("host", "Phase verify", "Result", "db1", "changed") in shown.steps


def test_the_handler_returns_while_the_display_hangs():
    hung, handed = threading.Event(), threading.Event()

    def watch(step):
        handed.set()
        hung.wait(30)

    feed = EventFeed(watch)
    event = {"event": "playbook_on_play_start", "event_data": {"name": "Phase gate"}}
    assert feed.put(event)
    assert handed.wait(30)
    assert all(feed.put(event) for _ in range(1000))
    hung.set()
    feed.close()
    assert feed.started


def test_an_odd_event_is_counted_and_nothing_more():
    feed = EventFeed(lambda step: None)
    assert feed.put({"event": "runner_on_ok", "event_data": ["odd"]})
    feed.close()
    assert feed.raised == 1


def test_a_run_that_dies_in_ansible_runner_is_unknown(house, monkeypatch):
    def die(**options):
        raise TimeoutError("pexpect")

    monkeypatch.setattr("ansible_runner.run", die)
    call = PlaybookCall("p.yml", (), {}, (), False, False, house.directory, None, house.directory)
    end = RunnerPlaybooks().run(call, lambda step: None)
    assert (end.status, end.code) == ("unknown", None)
    assert "TimeoutError" in end.problem


def test_the_installed_command_finds_ansible_playbook_of_its_own_environment(house, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    assert run(house).verdict == "done"
