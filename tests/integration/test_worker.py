# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work goes on in a worker on the host: through real `ansible`, against a real GT.M instance (E2, E5, T5, T39)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from gtm_change import CHANGE, Change, TwoRegions, tree
from module_runner import COLLECTIONS, run_module, run_module_raw
from sshd import Sshd, start_sshd

from ansible_collections.relmgmt.release.plugins.module_utils import _worker_view
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

BEGUN = "worker:begun:stop"
AT_WORK = "backup:verified:stop"
PATIENCE = 60.0


@pytest.fixture
def gtm(tmp_path: Path) -> Iterator[TwoRegions]:
    made = TwoRegions(tmp_path / "i")
    made.create()
    yield made
    made.close()


@pytest.fixture
def job(tmp_path: Path, gtm: TwoRegions) -> Iterator[Change]:
    made = Change(tmp_path, gtm)
    yield made
    for one in workers(made):
        os.kill(one.record()["pid"], signal.SIGKILL)


@pytest.fixture
def start(job: Change) -> Iterator[Callable[..., Call]]:
    made: list[Call] = []

    def begin(*args: Any, **options: Any) -> Call:
        made.append(Call(job, *args, **options))
        return made[-1]

    yield begin
    for call in made:
        call.kill()


class Call:
    """`ansible -m <module>` on this machine."""

    def __init__(
        self, job: Change, name: str = "backup_set", failpoint: str = "", check: bool = False,
        pipelining: bool = True, sshd: Sshd | None = None, **options: Any,
    ) -> None:
        base = job.ledger.parents[1]
        (base / "tmp").mkdir(exist_ok=True)
        (base / "ansible.cfg").touch()
        self.tmp = base / "tmp"
        self.said = base / f"{name}-{time.monotonic_ns()}.txt"
        args = {**job.common, **options} if name == "rollback" else {**job.common, "root": str(job.root), **options}
        if name == "rollback":
            del args["instance"]
        environment = {
            **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_PIPELINING": str(pipelining),
            "ANSIBLE_LOCAL_TEMP": str(base / "local"), "ANSIBLE_REMOTE_TMP": str(base / "ansible"),
            "ANSIBLE_CONFIG": str(base / "ansible.cfg"), "RELMGMT_FAILPOINT": failpoint, "TMPDIR": str(self.tmp),
            "PYTHONUNBUFFERED": "1",  # Ansible itself does not flush what it shows
        }
        command = [
            str(Path(sys.executable).with_name("ansible")), "localhost", "-i", "localhost,", *reached(base, sshd),
            "-e", f"ansible_python_interpreter={sys.executable}", "-e", "relmgmt_progress_every=1",
            "-m", f"relmgmt.release.{name}", "-a", json.dumps(args), *(["--check"] if check else []),
        ]
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                )

    def text(self) -> str:
        """What it has said so far."""
        return self.said.read_text()

    def wait_for(self, text: str) -> None:
        """Until it has said this."""
        until(lambda: text in self.text() or self.process.poll() is not None)
        assert text in self.text(), self.text()

    def result(self) -> dict[str, Any]:
        """What it ended with."""
        self.process.wait(PATIENCE)
        said = self.text()
        return dict(json.loads(said[said.index("=> {") + 3:]))

    def kill(self) -> None:
        """End the controller with everything that it has begun itself, as a lost controller ends."""
        if self.process.poll() is None:
            for pid in [self.process.pid, *descendants(self.process.pid)]:
                os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def modules(self) -> list[int]:
        """Processes of the module that this call runs now."""
        pattern = re.compile(rb"[^\0]*python[^\0]*\0[^\0]*/AnsiballZ_")
        return [pid for pid in descendants(self.process.pid)
                if pattern.match(Path(f"/proc/{pid}/cmdline").read_bytes())]


def reached(base: Path, sshd: Sshd | None) -> list[str]:
    """How `ansible` reaches this machine."""
    if sshd is None:
        return ["-c", "local"]
    return [
        "-c", "ssh", "-u", sshd.user, "--private-key", sshd.private_key, "-e", "ansible_host=127.0.0.1",
        "-e", f"ansible_port={sshd.port}", "-e", f"ansible_ssh_common_args='-o UserKnownHostsFile={sshd.known_hosts}'",
        "-e", f"ansible_control_path_dir={base / 'cp'}",
    ]


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            children.setdefault(int(state_of(int(one.name))[1]), []).append(int(one.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found[1:]


def state_of(pid: int) -> list[str]:
    """What the kernel says of a process: its state, its parent, and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def until(true: Callable[[], bool]) -> None:
    """Wait for something that has to come."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def workers(job: Change) -> list[_worker_view.WorkerView]:
    """Living workers on this host."""
    return _worker_view.living(str(job.ledger.parent / "workers"))


def stopped(job: Change) -> int:
    """The process of the one worker, once it stands still at its failpoint."""
    until(lambda: bool(workers(job)))
    (one,) = workers(job)
    pid = int(one.record()["pid"])
    until(lambda: state_of(pid)[0] == "T")
    return pid


def acts(job: Change) -> list[tuple[str, str]]:
    """What the ledger says was done."""
    return [(act["module"], act["outcome"]) for act in job.read_ledger().acts()]


@pytest.mark.parametrize("pipelining", [True, False])
def test_t39_the_worker_needs_nothing_of_a_module_that_has_ended(
    job: Change, start: Callable[..., Call], pipelining: bool
) -> None:
    call = start(failpoint=BEGUN, pipelining=pipelining)
    pid = stopped(job)
    (payload,) = call.tmp.glob("ansible_*payload*")
    call.wait_for("backup_set: begins")
    until(lambda: not payload.exists())
    os.kill(pid, signal.SIGCONT)
    result = call.result()
    assert result["changed"], call.text()
    assert not result["worker"]["joined"]
    assert acts(job) == [("backup_set", "done")]
    assert job.look(path=str(job.path()), verify=True)["sets"][0]["verified"]
    assert workers(job) == []
    assert list(job.ledger.parent.glob("workers/*/scratch")) == []


def test_e2_a_lost_controller_leaves_the_worker_which_the_next_run_joins(
    job: Change, start: Callable[..., Call]
) -> None:
    lost = start(failpoint=AT_WORK)
    pid = stopped(job)
    lost.kill()
    record = workers(job)[0].record()
    assert record["lease"] == 1

    ledger = Ledger(str(job.ledger))
    ledger.take_lease(CHANGE, {"user": "maria.lopez"}, 2)
    ledger.close()
    job.common["lease"] = 2
    again = start()
    until(lambda: len(workers(job)[0].record()["calls"]) == 2)
    os.kill(pid, signal.SIGCONT)
    result = again.result()
    assert result["changed"], again.text()
    assert result["worker"] == {"id": record["id"], "since": record["since"], "lease": 1, "joined": True}
    assert "another run began under lease 1" in result["msg"]
    assert acts(job) == [("backup_set", "done")]

    # What is over is evidence, and never the answer to a later call.
    third = start().result()
    assert not third["changed"]
    assert not third["worker"]["joined"]


def test_a_killed_module_is_asked_again(job: Change, start: Callable[..., Call]) -> None:
    call = start(failpoint=BEGUN, pipelining=False)
    pid = stopped(job)
    call.wait_for("backup_set: begins")
    until(lambda: bool(call.modules()))
    for one in call.modules():
        os.kill(one, signal.SIGKILL)
    os.kill(pid, signal.SIGCONT)
    assert call.result()["changed"], call.text()
    assert acts(job) == [("backup_set", "done")]


def test_e4_a_lost_connection_is_renewed_and_asked_again(
    job: Change, start: Callable[..., Call], tmp_path: Path
) -> None:
    go, waits = tmp_path / "go", tmp_path / "waits"
    options = with_mupip(job, f"touch {waits}; while [ ! -e {go} ] && kill -0 $PPID; do sleep 0.05; done")
    sshd = start_sshd(tmp_path / "sshd")
    try:
        call = start(sshd=sshd, instance=options)
        until(waits.exists)
        call.wait_for("[localhost] backup_set: ")
        (worker,) = workers(job)
        cut_off = sshd.sessions()
        assert cut_off
        assert worker.record()["pid"] not in cut_off
        for pid in cut_off:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        go.touch()
        assert call.result()["changed"], call.text()
    finally:
        sshd.stop()
    assert acts(job) == [("backup_set", "done")]


def with_mupip(job: Change, before: str) -> dict[str, Any]:
    """The instance's options with a mupip that does more before `backup`."""
    fake, real = job.ledger.parents[1] / "dist", Path(job.gtm.dist)
    fake.mkdir()
    for one in real.iterdir():
        if one.name != "mupip":
            (fake / one.name).symlink_to(one)
    script = f'#!/bin/sh\nexport gtm_dist={real}\n[ "$1" != backup ] || {{ {before}; }}\nexec {real}/mupip "$@"\n'
    (fake / "mupip").write_text(script)
    (fake / "mupip").chmod(0o755)
    options: dict[str, Any] = json.loads(json.dumps(job.gtm.instance))
    options["gtm"]["dist"] = str(fake)
    return options


def test_a_worker_that_died_is_told_and_blocks_nobody(job: Change, start: Callable[..., Call]) -> None:
    call = start(failpoint="worker:unnamed")
    result = call.result()
    assert "ended without a result" in result["msg"]
    assert "run again" in result["msg"]
    assert start().result()["worker"]["joined"] is False


def test_other_work_waits_and_is_never_begun_for_a_caller_who_has_left(job: Change, start: Callable[..., Call]) -> None:
    first = start(failpoint=BEGUN)
    pid = stopped(job)
    seen = run_module("release_info", {"ledger": str(job.ledger)})["workers"]
    assert [(one["module"], one["change"], one["attempt"], one["pid"]) for one in seen] == [
        ("backup_set", CHANGE, 1, pid)]
    refused = run_module_raw("backup_set", {**job.common, "root": str(job.root), "point": "installed"})
    assert f"backup_set of {CHANGE} is still at work" in refused["msg"]

    left, stays = (start(point=point) for point in ("installed", "before"))
    other = start("rollback")
    for waiting in (left, other):
        waiting.wait_for(f"waits until backup_set of {CHANGE} has ended")
    left.kill()
    os.kill(pid, signal.SIGCONT)
    assert first.result()["changed"]
    assert stays.result()["worker"]["joined"]
    assert not other.result()["changed"]
    assert acts(job) == [("backup_set", "done")]


def test_check_mode_works_apart_and_leaves_no_trace_in_the_state(job: Change, start: Callable[..., Call]) -> None:
    before = tree(job.ledger.parent)
    result = start(check=True).result()
    assert result["changed"]
    assert result["worker"]["joined"] is False
    assert tree(job.ledger.parent) == before
    assert not (job.ledger.parent / "workers").exists()
    assert not job.root.exists()
