# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of a worker: its lock, its record, its progress, its result (T5, invariants 8 and 11)."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils import _worker
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused
from ansible_collections.relmgmt.release.plugins.module_utils._worker import WorkerDirectory
from ansible_collections.relmgmt.release.plugins.module_utils._worker_view import living, refuse_while_at_work

COLLECTIONS = Path(_worker.__file__).parents[5]
RECORD = {"id": "x-1", "module": "backup_set", "change": "CHG1", "calls": ["a"]}
WORKER = """
import sys
from ansible_collections.relmgmt.release.plugins.module_utils._worker import WorkerDirectory
def work(progress):
    progress.begin("copying", 100)
    progress.add(60)
    print("at work", flush=True)
    sys.stdin.read()
    return {"changed": True, "msg": "done"}
WorkerDirectory(sys.argv[1]).work(work, lambda: None)
"""


@contextmanager
def a_worker(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is the worker of this directory until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    try:
        yield process
    finally:
        process.communicate()


@pytest.fixture
def place(tmp_path: Path) -> WorkerDirectory:
    _worker.private_directory(str(tmp_path / "workers"))
    made = WorkerDirectory(str(tmp_path / "workers" / "x-1"))
    made.begin(dict(RECORD))
    return made


def test_a_worker_lives_until_its_process_ends_and_leaves_its_result(place: WorkerDirectory) -> None:
    assert not place.is_alive()
    assert place.result() is None
    with a_worker(Path(place.path)) as process:
        assert place.is_alive()
        assert [one.path for one in living(os.path.dirname(place.path))] == [place.path]
        assert place.record() == {**RECORD, "pid": process.pid}
        assert place.progress()["what"] == "copying"
        place.join("b")
        assert place.record()["calls"] == ["a", "b"]
    assert not place.is_alive()
    assert place.result() == {"changed": True, "msg": "done"}
    assert not os.path.exists(place.scratch)


def test_t5_a_killed_worker_leaves_neither_lock_nor_result(place: WorkerDirectory) -> None:
    with a_worker(Path(place.path)) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not place.is_alive()
        assert place.result() is None
    place.begin(dict(RECORD))
    assert place.record() == RECORD


def test_a_new_worker_never_finds_what_an_old_one_left(place: WorkerDirectory) -> None:
    with a_worker(Path(place.path)):
        Path(place.scratch, "left").touch()
    assert place.result()
    place.begin({**RECORD, "calls": ["b"]})
    assert place.result() is None
    assert place.progress() == {}
    assert place.record()["calls"] == ["b"]
    assert os.listdir(place.scratch) == []


def test_who_asks_for_its_own_lock_keeps_it(place: WorkerDirectory) -> None:
    def work(progress: object) -> dict[str, Any]:
        del progress
        assert place.is_alive()
        check = subprocess.run(
            [sys.executable, "-c", "import sys\n"
             "from ansible_collections.relmgmt.release.plugins.module_utils._worker import WorkerDirectory\n"
             "sys.exit(not WorkerDirectory(sys.argv[1]).is_alive())", place.path],
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)}, check=False,
        )
        return {"alive": check.returncode == 0}

    refuse_while_at_work(os.path.dirname(place.path))
    place.work(work, lambda: None)
    assert place.result() == {"alive": True}


def test_a_worker_long_gone_with_the_number_of_this_process_is_not_alive(place: WorkerDirectory) -> None:
    with a_worker(Path(place.path)):
        pass
    Path(place.path, "worker.json").write_text(json.dumps({**RECORD, "pid": os.getpid()}))
    assert not place.is_alive()
    with a_worker(Path(place.path)) as process:
        Path(place.path, "worker.json").write_text(json.dumps({**RECORD, "pid": os.getpid()}))
        with pytest.raises(Refused, match="still at work"):
            refuse_while_at_work(os.path.dirname(place.path))
        assert process.poll() is None


def test_other_work_is_refused_while_a_worker_lives(place: WorkerDirectory) -> None:
    workers = os.path.dirname(place.path)
    with a_worker(Path(place.path)) as process, pytest.raises(Refused, match=f"still at work.*process {process.pid}"):
        refuse_while_at_work(workers)
    refuse_while_at_work(workers)


def test_a_directory_that_is_just_being_removed_hides_no_worker(
    place: WorkerDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, real = os.path.dirname(place.path), os.scandir
    old = Path(workers, "x-0")
    old.mkdir()

    @contextmanager
    def listing(path: str) -> Iterator[list[os.DirEntry[str]]]:
        with real(path) as found:
            entries = list(found)
        if path.rstrip("/") == workers and old.exists():
            old.rmdir()
        yield entries

    with a_worker(Path(place.path)):
        monkeypatch.setattr(os, "scandir", listing)
        assert [one.path for one in living(workers)] == [place.path]
    assert not old.exists()


def test_nobody_else_can_read_it(place: WorkerDirectory) -> None:
    with a_worker(Path(place.path)):
        pass
    for folder, _folders, names in os.walk(os.path.dirname(place.path)):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert {stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in names} <= {0o600}


def test_a_directory_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    open_one, link = tmp_path / "open", tmp_path / "link"
    open_one.mkdir()
    open_one.chmod(0o777)
    (tmp_path / "own").mkdir(0o700)
    link.symlink_to(tmp_path / "own")
    for path in (open_one, link):
        with pytest.raises(Refused, match="not this user's alone"):
            _worker.private_directory(str(path))


def test_progress_needs_no_space_once_the_work_has_begun(place: WorkerDirectory) -> None:
    path = Path(place.path, "progress")
    progress = _worker.ProgressFile(str(path))
    for number in range(200):
        progress.begin("x" * 200 + str(number), 10)
    assert path.stat().st_size == _worker.RECORD_SIZE
    progress.begin("short", 10)
    assert place.progress()["what"] in ("short", "x" * 200 + "199")


def test_a_torn_record_is_no_record(place: WorkerDirectory) -> None:
    Path(place.path, "progress").write_text('{"what": "cop')
    Path(place.path, "worker.json").write_text("")
    assert place.progress() == {}
    assert place.record() == {}


def test_the_oldest_that_have_ended_are_forgotten(tmp_path: Path) -> None:
    workers = tmp_path / "workers"
    _worker.private_directory(str(workers))
    for number in range(_worker.KEPT + 3):
        made = WorkerDirectory(str(workers / f"x-{number}"))
        made.begin(dict(RECORD))
        os.utime(made.path, (number, number))
    with a_worker(workers / "x-0"):
        os.utime(workers / "x-0", (0, 0))
        _worker.prune(str(workers))
        left = {path.name for path in workers.iterdir() if path.is_dir()}
    assert left == {"x-0", *(f"x-{number}" for number in range(3, _worker.KEPT + 3))}


def test_a_result_larger_than_its_reserve_is_whole(place: WorkerDirectory) -> None:
    large = {"msg": "x" * (_worker.RESERVE + 1)}
    place.work(lambda progress: large, lambda: None)
    assert json.loads(Path(place.path, "result.json").read_text()) == large
    assert not Path(place.path, "result.part").exists()
