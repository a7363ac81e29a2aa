# SPDX-License-Identifier: GPL-3.0-or-later
"""The digests of a file by helper processes, each case in a process of its own: one with threads does not fork."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import helpers, scanning
from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout, block_digests

SIZE = (9 << 20) + 8192 + 77
SETTING = """
import hashlib, os, signal, sys, time
from ansible_collections.relmgmt.release.plugins.module_utils._backup import helpers, scanning
from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import SHA256, Layout
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

scanning.WORTH = 0
helpers._may_fork = lambda: True
found, pids, whole = [], [], hashlib.sha256()
start = helpers._start

def started(*given):
    crew = start(*given)
    pids.extend(one.pid for one in crew)
    return crew

helpers._start = started

def use(stripe, digests):
    found.append(stripe.offset)
    whole.update(digests)
    at_stripe(len(found))

def scan():
    with BlockFile(sys.argv[1]) as file:
        scanning.scan(file, Layout(8192, SHA256), use)

def no_child_is_left():
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True

at_stripe = lambda count: None
"""


def case(path: Path, body: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SETTING + body, str(path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def said(path: Path, body: str) -> str:
    with case(path, body) as running:
        output = running.communicate()[0]
    assert running.returncode == 0
    return output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "d"
    path.write_bytes(os.urandom(SIZE))
    return path


def expected(path: Path) -> str:
    return hashlib.sha256(block_digests(path.read_bytes(), Layout(8192, SHA256))).hexdigest()


def test_helpers_find_the_same_in_the_same_order(file: Path) -> None:
    body = "scan(); print(whole.hexdigest(), len(pids), found == sorted(found), no_child_is_left())"
    assert said(file, body).split() == [expected(file), str(scanning.CREW.helpers), "True", "True"]


@pytest.mark.parametrize("victims", ["pids[:1]", "pids"])
def test_what_a_lost_helper_leaves_is_done_here(file: Path, victims: str) -> None:
    body = f"""
def at_stripe(count):
    if count == 1:
        for pid in {victims}:
            os.kill(pid, signal.SIGKILL)
scan(); print(whole.hexdigest(), no_child_is_left())
"""
    assert said(file, body).split() == [expected(file), "True"]


def test_the_error_that_ends_a_helper_is_raised_here(file: Path) -> None:
    body = """
def broken(self, buffer, offset, length):
    if offset == 4 << 20:
        raise DatasetError("bytes cannot be read", place=self.path)
    return read(self, buffer, offset, length)
read, BlockFile.read = BlockFile.read, broken
try:
    scan()
except DatasetError as error:
    print(error.message, error.place == sys.argv[1], found, no_child_is_left())
"""
    assert said(file, body) == f"bytes cannot be read True [0, {2 << 20}] True\n"


def test_an_error_here_leaves_no_helper(file: Path) -> None:
    body = """
def at_stripe(count):
    raise KeyError
try:
    scan()
except KeyError:
    print(len(pids), no_child_is_left())
"""
    assert said(file, body) == f"{scanning.CREW.helpers} True\n"


def test_helpers_end_with_the_process_they_help(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    body = "at_stripe = lambda count: (print(*pids, flush=True), time.sleep(60))\nscan()"
    with case(path, body) as running:
        assert running.stdout
        pids = [int(word) for word in running.stdout.readline().split()]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        running.kill()
    deadline = time.monotonic() + 20
    while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_without_room_for_processes_threads_do_it(file: Path) -> None:
    body = """
def no_fork():
    raise BlockingIOError
os.fork = no_fork
scan(); print(whole.hexdigest(), pids)
"""
    assert said(file, body).split() == [expected(file), "[]"]


def test_a_process_with_threads_does_not_fork() -> None:
    leave = threading.Event()
    other = threading.Thread(target=leave.wait)
    other.start()
    try:
        assert not helpers._may_fork()
    finally:
        leave.set()
        other.join()


def test_a_short_file_is_done_without_helpers(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "_may_fork", lambda: pytest.fail("asked"))
    whole = hashlib.sha256()
    with BlockFile(str(file)) as opened:
        scanning.scan(opened, Layout(8192, SHA256), lambda _stripe, digests: whole.update(digests))
    assert whole.hexdigest() == expected(file)
