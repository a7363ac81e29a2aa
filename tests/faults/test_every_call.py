# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at the k-th system call that changes something, for every k: exhaustive where chance would not find it.

strace counts for each process and thread on its own, so that k reaches the module, its threads and the engine's
programs. A call counts as tried only if strace says that its signal was delivered.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_scene import Scene
from programs import tool

CALLS = "write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate,mkdir"
SEED = 20260101


class Traced:
    """A module under strace."""

    def __init__(self, scene: Scene, log: Path, module: str, options: dict[str, Any]) -> None:
        self._scene = scene
        self._log = log
        self._module = module
        self._options = options

    def count(self) -> Counter[str]:
        """How often each call is made at most by one process or thread, in a run that nothing disturbs."""
        self._run([])
        lines = re.findall(r"^(\d+) +(\w+)\((\d*,? ?\"?0?x?)", self._log.read_text(), re.MULTILINE)
        # Who does nothing but talk, and say what is to be in a core dump, changes nothing.
        doers = {pid for pid, call, said in lines if call != "write" or not re.match(r'[12],|\d+, "0x', said)}
        seen: Counter[tuple[str, str]] = Counter((pid, call) for pid, call, _ in lines if pid in doers)
        return Counter({call: max(many for (_, name), many in seen.items() if name == call) for _, call in seen})

    def kill_at(self, call: str, number: int) -> bool:
        """Run it, killed at this call; False if nobody made so many."""
        self._run(["-e", f"inject={call}:signal=KILL:when={number}"])
        return "killed by SIGKILL" in self._log.read_text()

    def _run(self, inject: list[str]) -> None:
        wrapper = [tool("strace", "strace"), "-f", "-o", str(self._log), "-e", f"trace={CALLS}", *inject]
        run = self._scene.start(self._module, wrapper=wrapper, **self._options)
        run.result()


def every_call(
    scene: Scene, traced: Traced, seconds: float, after: Callable[[], None], tell: list[str], name: str
) -> None:
    """For each call and each k in a drawn order, until the time is over: begin again, kill, judge, run again, judge."""
    counts = traced.count()
    points = [(call, number) for call, most in counts.items() for number in range(1, most + 1)]
    random.Random(SEED).shuffle(points)
    tried: Counter[str] = Counter()
    end = time.monotonic() + seconds
    for call, number in points:
        if time.monotonic() > end:
            break
        scene.begin_again()
        if traced.kill_at(call, number):
            _judge(after, f"{name} killed at {call} {number}")
            tried[call] += 1
    said = ", ".join(f"{call} {tried[call]} of {most}" for call, most in sorted(counts.items()))
    tell.append(f"{name} killed at every call: {tried.total()} of {len(points)} points, no invariant broken ({said})")
    assert tried.total()


def _judge(after: Callable[[], None], fault: str) -> None:
    try:
        after()
    except AssertionError as error:
        raise AssertionError(fault) from error


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--fault-seconds", default=600))


def test_a_backup_killed_at_every_call(scene: Scene, tmp_path: Path, seconds: float, tell: list[str]) -> None:
    def after() -> None:
        scene.require_sets()
        scene.database.require_writable()
        done = scene.backup()
        assert not done["failed"], done
        scene.require_backed_up()

    options = {"root": str(scene.job.root), "point": "installed"}
    every_call(scene, Traced(scene, tmp_path / "log", "backup_set", options), seconds, after, tell, "backup_set")


def test_a_restore_killed_at_every_call(scene: Scene, tmp_path: Path, seconds: float, tell: list[str]) -> None:
    def after() -> None:
        scene.require_never_half()
        scene.require_sets()
        done = scene.restore()
        assert not done["failed"], done
        scene.require_restored()

    options = {"path": str(scene.before)}
    every_call(scene, Traced(scene, tmp_path / "log", "restore", options), seconds, after, tell, "restore")
