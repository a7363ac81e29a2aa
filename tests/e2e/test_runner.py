# SPDX-License-Identifier: GPL-3.0-or-later
"""`relmgmt`: the same phases through ansible-runner, with exit statuses (D2, D5)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from environment import BIN, REPO, Environment


def relmgmt(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a user starts it."""
    environ = {**environment.environ, "XDG_STATE_HOME": str(environment.root / "xdg")}
    environ.pop("ANSIBLE_CONFIG")
    return subprocess.run([str(BIN / "relmgmt"), *words], cwd=REPO, env=environ, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=600, check=False)


def ticket(number: int) -> str:
    return f"examples/changes/CHG000000{number}.yml"


def test_a_whole_cycle_and_its_exit_statuses(installed: Environment, tmp_path: Path) -> None:
    before = installed.snapshot()
    inventory = ["-i", "inventories/sandbox"]
    assert relmgmt(installed, "validate", ticket(2), *inventory).returncode == 0
    assert relmgmt(installed, "validate", ticket(4), *inventory).returncode == 4
    assert relmgmt(installed, "deliver", ticket(2), *inventory).returncode == 0
    run = relmgmt(installed, "run", ticket(2), *inventory)
    assert run.returncode == 0, run.stdout + run.stderr
    for shown in ("install", "deploy", "done"):
        assert shown in run.stdout.lower()
    assert "CFIS002" in installed.entry()[1]
    assert relmgmt(installed, "run", ticket(2), *inventory).returncode == 0
    refused = relmgmt(installed, "run", ticket(4), *inventory)
    assert refused.returncode == 4, refused.stdout
    assert "acceptance" in refused.stdout + refused.stderr
    assert relmgmt(installed, "run", str(tmp_path / "none.yml"), *inventory).returncode == 2
    assert relmgmt(installed, "deliver", ticket(3), *inventory).returncode == 0
    failed = relmgmt(installed, "run", ticket(3), *inventory)
    assert failed.returncode == 5, failed.stdout
    back = relmgmt(installed, "rollback", ticket(2), *inventory)
    assert back.returncode == 0, back.stdout
    assert installed.snapshot() == before
    kept = [p for p in (installed.root / "xdg").rglob("*") if p.is_file()]
    assert all((os.stat(path).st_mode & 0o077) == 0 or _private(path, installed.root / "xdg") for path in kept)


def _private(path: Path, root: Path) -> bool:
    """The file lies below a directory that nobody else may enter."""
    return any((os.stat(parent).st_mode & 0o077) == 0 for parent in path.parents if parent.is_relative_to(root))
