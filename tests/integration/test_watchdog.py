# SPDX-License-Identifier: GPL-3.0-or-later
"""A frozen instance is always thawed (invariant 4, I3, T17, T18), whatever becomes of the module."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from module_runner import COLLECTIONS
from plain_storage import PlainStorage

from ansible_collections.relmgmt.release.plugins.module_utils._backup import freeze
from ansible_collections.relmgmt.release.plugins.module_utils._backup.freeze import Freeze, Hurried, frozen
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    EngineError,
    InvalidInput,
    Refused,
)

HERE = Path(__file__).parent
PATIENCE = 30.0
CHILD = """
    import os, sys, time
    from plain_storage import PlainStorage
    from ansible_collections.relmgmt.release.plugins.module_utils._backup.freeze import frozen
    storage = PlainStorage(sys.argv[1])
    with frozen(storage, int(sys.argv[2])) as state:
        print("frozen", state.pid, flush=True)
        sys.stdin.readline()
    print(state.void or "good", flush=True)
"""


def until(true: Callable[[], object]) -> None:
    """Wait for something that must come about."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process lives that is not ours to reap: what nobody has reaped yet is dead."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "\nState:\tZ" not in status


class Module(NamedTuple):
    """A process that has frozen, and its watchdog."""

    child: subprocess.Popen[str]
    dog: int

    def finish(self) -> str:
        """Let it thaw; what it says then."""
        return self.child.communicate("\n")[0].rstrip("\n")

    def kill(self) -> None:
        """SIGKILL, seen through."""
        self.child.kill()
        self.child.wait()


@pytest.fixture
def storage(tmp_path: Path) -> PlainStorage:
    return PlainStorage(tmp_path)


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Callable[..., Module]]:
    """Starts a process that freezes, and waits until it has."""
    started: list[subprocess.Popen[str]] = []

    def start(limit: int = 60, code: str = CHILD, path: str = "") -> Module:
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), str(limit)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            # A run under nohup ignores the signal, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            env={**os.environ, "PYTHONPATH": f"{path or COLLECTIONS}:{HERE}"},
        )
        started.append(child)
        assert child.stdout is not None
        word, dog = child.stdout.readline().split()
        assert word == "frozen"
        return Module(child, int(dog))

    yield start
    for child in started:
        child.kill()
        child.communicate()


def test_a_block_is_frozen_and_thawed_and_its_watchdog_leaves(storage: PlainStorage) -> None:
    with frozen(storage, 60) as state:
        time.sleep(0.01)
        assert storage.marker.exists()
        assert os.getsid(state.pid) != os.getsid(0)
        assert f"\nPPid:\t{os.getpid()}\n" not in Path(f"/proc/{state.pid}/status").read_text()
    assert not storage.marker.exists()
    assert (state.void, state.how, state.watchdog) == ("", "plain freeze", "own session")
    assert state.seconds >= 0.01
    until(lambda: not alive(state.pid))


def test_it_is_thawed_after_a_failure(storage: PlainStorage) -> None:
    with pytest.raises(KeyError), frozen(storage, 60):
        raise KeyError("copying failed")
    assert not storage.marker.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_it_is_thawed_when_the_module_and_its_whole_session_die(
    module: Callable[..., Module], storage: PlainStorage, number: signal.Signals
) -> None:
    child = module().child
    assert storage.marker.exists()
    os.killpg(child.pid, number)
    child.wait(timeout=30)
    until(lambda: not storage.marker.exists())


def test_a_stopped_module_is_thawed_at_the_limit_and_hears_that_its_copy_is_void(
    module: Callable[..., Module], storage: PlainStorage
) -> None:
    stopped = module(limit=1)
    os.kill(stopped.child.pid, signal.SIGSTOP)
    until(lambda: not storage.marker.exists())
    os.kill(stopped.child.pid, signal.SIGCONT)
    assert stopped.finish() == "the freeze took longer than its limit of 1 s"


def test_a_module_that_is_on_time_is_not_void(
    module: Callable[..., Module], storage: PlainStorage
) -> None:
    assert module().finish() == "good"


def test_a_freeze_that_takes_effect_after_the_death_of_the_module_is_thawed(
    module: Callable[..., Module], storage: PlainStorage
) -> None:
    code = CHILD.replace("    with frozen", """
    import subprocess
    class Slow(PlainStorage):
        def freeze(self, limit, hold=False):
            os.chdir(self.directory)
            subprocess.Popen(["/bin/sh", "-c", "sleep 1.5; touch frozen was_frozen"], start_new_session=True)
            print("frozen", 0, flush=True)
            time.sleep(60)
    storage = Slow(sys.argv[1])
    with frozen""")
    module(code=code).kill()
    until((storage.directory / "was_frozen").exists)
    until(lambda: not storage.marker.exists())


def test_a_thaw_that_fails_is_tried_again(
    module: Callable[..., Module], storage: PlainStorage, tmp_path: Path
) -> None:
    script = tmp_path / "thaw"
    script.write_text(f"#!/bin/sh\necho x >> {tmp_path}/tries\n[ $(wc -l < {tmp_path}/tries) -ge 3 ] || exit 1\n"
                      f"rm {tmp_path}/frozen\nexit 5\n")
    script.chmod(0o755)
    code = CHILD.replace("    with frozen", f"""
    from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import Command
    storage.thaw_command = lambda: Command(("{script}",), dict(PATH="/bin:/usr/bin"), done=(5,))
    with frozen""")
    module(code=code).kill()
    until(lambda: not storage.marker.exists())
    assert (tmp_path / "tries").read_text() == "x\n" * 3


def test_a_thaw_that_hangs_is_ended_and_started_again(
    storage: PlainStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = f"[ -e {tmp_path}/hung ] && exec rm {tmp_path}/frozen; touch {tmp_path}/hung; sleep 60 & wait"
    monkeypatch.setattr(freeze, "PATIENCE", 0.3)
    monkeypatch.setattr(storage, "thaw_command", lambda: Command(("/bin/sh", "-c", hang), {"PATH": "/bin:/usr/bin"}))
    monkeypatch.setattr(storage, "thaw", fail)
    with pytest.raises(EngineError), frozen(storage, 60):
        pass
    until(lambda: not storage.marker.exists())


def fail() -> bool:
    raise EngineError("no answer")


def test_the_watchdog_ignores_a_hangup_and_thaws_before_it_ends(
    module: Callable[..., Module], storage: PlainStorage
) -> None:
    started = module()
    os.kill(started.dog, signal.SIGHUP)
    os.kill(started.dog, signal.SIGTERM)
    until(lambda: not storage.marker.exists())
    storage.marker.write_text("frozen again, by somebody else")
    assert started.finish() == "the watchdog did not last (lapsed)"
    until(lambda: not alive(started.dog))


def test_a_watchdog_that_vanished_makes_the_copy_void(storage: PlainStorage) -> None:
    with frozen(storage, 60) as state:
        os.kill(state.pid, signal.SIGKILL)
        until(lambda: not alive(state.pid))
    assert "watchdog did not last" in state.void
    assert not storage.marker.exists()


def test_a_freeze_that_lapsed_is_void_and_its_copy_thrown_away(storage: PlainStorage) -> None:
    with frozen(storage, 60) as state:
        storage.marker.unlink()
    with pytest.raises(DatasetError, match=r"thrown away.*Cure: take the backup set again") as caught:
        state.require_held("/backup/x.part")
    assert caught.value.place == "/backup/x.part"


def test_work_under_a_freeze_stops_when_the_freeze_has_lapsed() -> None:
    Hurried(SILENT, Freeze("own session", 1, 60), "x").add(1)
    with pytest.raises(DatasetError, match="limit"):
        Hurried(SILENT, Freeze("own session", 1, 0), "x").add(1)


def test_without_a_watchdog_nothing_is_frozen(storage: PlainStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EngineError, match=r"cannot be armed.*nothing was frozen"), frozen(storage, 60):
        pass
    assert not storage.marker.exists()


@pytest.mark.parametrize("seconds", [0, 301])
def test_a_limit_outside_its_bounds_is_refused(storage: PlainStorage, seconds: int) -> None:
    with pytest.raises(InvalidInput, match="between 1 and 300"), frozen(storage, seconds):
        pass


def test_somebody_elses_freeze_is_not_ended(storage: PlainStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.marker.write_text("theirs")

    def refuse(limit: int, hold: bool) -> str:
        raise Refused("frozen already")

    monkeypatch.setattr(storage, "freeze", refuse)
    with pytest.raises(Refused), frozen(storage, 60):
        pass
    time.sleep(0.2)
    assert storage.marker.exists()


def test_a_module_that_dies_before_it_freezes_leaves_somebody_elses_freeze(
    storage: PlainStorage
) -> None:
    storage.marker.write_text("theirs")
    guard = freeze.Guard(storage.thaw_command(), 60)
    os.kill(guard.pid, signal.SIGTERM)
    guard.close()
    until(lambda: not alive(guard.pid))
    assert storage.marker.exists()


def test_a_watchdog_that_is_gone_before_the_freeze_lets_nothing_be_frozen(
    storage: PlainStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Doomed(freeze.Guard):
        def __init__(self, command: Command, limit: int) -> None:
            super().__init__(command, limit)
            os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr(freeze, "Guard", Doomed)
    with pytest.raises(EngineError, match=r"did not last \(gone\); nothing was frozen"), frozen(storage, 60):
        pass
    assert not storage.marker.exists()


def test_a_thaw_that_the_module_cannot_do_is_done_by_the_watchdog(
    storage: PlainStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "thaw", fail)
    with pytest.raises(EngineError, match="no answer; the watchdog"), frozen(storage, 60):
        pass
    until(lambda: not storage.marker.exists())


def test_what_thaws_and_its_environment_are_in_no_argument_vector(storage: PlainStorage) -> None:
    storage.thaw_command = lambda: Command(("/bin/true",), {"GTM": "canary-a"}, b"canary-b")  # type: ignore[method-assign]
    with frozen(storage, 60) as state:
        words = Path(f"/proc/{state.pid}/cmdline").read_bytes()
    assert b"canary" not in words


@pytest.mark.parametrize("works", [True, False])
def test_systemd_starts_it_where_there_is_one(
    storage: PlainStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    fake = tmp_path / "bin" / "systemd-run"
    fake.parent.mkdir()
    start = 'while [ "$1" != -- ]; do shift; done; shift; setsid "$@" &' if works else "exit 1"
    fake.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/said\n{start}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(freeze, "SYSTEMD", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with frozen(storage, 60) as state:
        pass
    assert state.watchdog == ("systemd-run" if works else "own session")
    assert not state.void
    assert "--collect" in (tmp_path / "said").read_text()


def test_it_needs_no_file_of_the_collection(
    module: Callable[..., Module], storage: PlainStorage, tmp_path: Path
) -> None:
    packed = tmp_path / "AnsiballZ.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for one in sorted((COLLECTIONS / "ansible_collections/relmgmt/release/plugins/module_utils").rglob("*.py")):
            archive.write(one, one.relative_to(COLLECTIONS))
        for folder in ("", "/relmgmt", "/relmgmt/release", "/relmgmt/release/plugins",
                       "/relmgmt/release/plugins/module_utils"):
            archive.writestr(f"ansible_collections{folder}/__init__.py", "")
    code = CHILD.replace("    storage =", """
    assert "AnsiballZ" in frozen.__wrapped__.__code__.co_filename
    os.unlink(sys.argv[1] + "/AnsiballZ.zip")
    storage =""", 1)
    started = module(code=code, path=str(packed))
    assert not packed.exists()
    started.kill()
    until(lambda: not storage.marker.exists())
