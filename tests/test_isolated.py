# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of its own for the sandbox, or the word that it takes root."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from relmgmt_sandbox import demo_test_mode, isolated

CLONE = Path(__file__).resolve().parents[1]
SEEN = "import os, socket; s = socket.create_server(('127.0.0.1', 0)); " \
       "socket.create_connection(s.getsockname()); print(os.readlink('/proc/self/ns/net'))"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "relmgmt_sandbox.isolated", *command]
    environment = {**os.environ, "PYTHONPATH": str(CLONE / "sandbox")}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def test_a_command_has_a_loopback_of_its_own() -> None:
    if os.geteuid():
        pytest.skip("untested: only root has a network of its own")
    done = run(sys.executable, "-c", SEEN)
    assert done.returncode == 0, done.stderr
    assert os.readlink("/proc/self/ns/net") not in done.stdout


def test_this_thread_comes_back() -> None:
    if os.geteuid():
        pytest.skip("untested: only root has a network of its own")
    before = os.readlink(isolated.OWN)
    back = isolated.enter()
    inside = os.readlink(isolated.OWN)
    isolated.leave(back)
    assert inside != before
    assert os.readlink(isolated.OWN) == before


def test_the_status_of_the_command_is_handed_on() -> None:
    if os.geteuid():
        pytest.skip("untested: only root has a network of its own")
    assert run("sh", "-c", "exit 7").returncode == 7


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert isolated.main(["true"]) == 2
    assert "takes root" in capsys.readouterr().err
    assert demo_test_mode.main() == 2
    told = capsys.readouterr().err
    assert "root" in told
    assert "Cure: " in told
