# SPDX-License-Identifier: GPL-3.0-or-later
"""How a contestant is run: cold cache, memory pre-faulted, device throttled, clock and counters read.

The rules, each of which changes results by 1.5 to 4 times where it is broken: rounds are
interleaved (A B C A B C); the page cache is empty before each step; the guest's memory is
faulted in before a step that uses the page cache, for a hypervisor takes free pages back and
gives them again at a third of the disk's speed; what is written is synced inside the timing
and compared outside it; every exit status is looked at.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .errors import BenchError, NotMeasurable

MIB = 1 << 20
READ_RATE, WRITE_RATE = 500 * MIB, 250 * MIB
BLKIO = Path("/sys/fs/cgroup/blkio")
LAUNCH = Path(__file__).with_name("launch.py")
MESSAGE = 300
_SECTOR = 512


class Step(NamedTuple):
    """Commands that start together; the step ends when the last one has.

    ``sync``: the file system of this path is synced inside the timing. ``memory``: bytes of
    page cache that the commands will fill. ``says``: must stand in the output. ``warm``: run
    before the clock starts, so that no program is timed for being loaded from a cold disk.
    """

    commands: Sequence[Sequence[str]]
    sync: Path | None = None
    memory: int = 0
    says: str = ""
    directory: Path | None = None
    environment: Mapping[str, str] = {}
    warm: Sequence[str] = ()


class Run(NamedTuple):
    """One run of a contestant: seconds, bytes of the device, its largest process's peak in bytes, and what it said."""

    seconds: float
    read: int
    written: int
    memory: int
    facts: Mapping[str, float]


def _nothing() -> None:
    return


def _no_facts(output: str) -> dict[str, float]:
    return {}


class Contestant(NamedTuple):
    """Who does the work, and how.

    ``prepare`` and ``check`` are outside the timing; ``check`` raises BenchError unless the
    work was done. ``facts``: further figures, from the output. For the estimate: ``seconds``,
    about how long one run takes; ``compared``, whether ``check`` reads the whole dataset.
    """

    name: str
    steps: Sequence[Step]
    seconds: float
    prepare: Callable[[], None] = _nothing
    check: Callable[[], None] = _nothing
    facts: Callable[[str], dict[str, float]] = _no_facts
    compared: bool = False

    def described(self) -> str:
        """Its commands, as a shell would take them."""
        return " && ".join(" & ".join(" ".join(argv) for argv in step.commands) for step in self.steps)


class Device(NamedTuple):
    """The disk below a directory."""

    number: str
    name: str

    @classmethod
    def below(cls, path: Path) -> Device:
        """Raises NotMeasurable where the file system names no disk (overlay, btrfs, NFS)."""
        found = os.stat(path).st_dev
        place = Path(f"/sys/dev/block/{os.major(found)}:{os.minor(found)}")
        if not place.exists():
            raise NotMeasurable(f"the file system of {path} is on no single disk")
        place = place.resolve()
        # A partition cannot be throttled, its disk can.
        disk = place.parent if (place / "partition").exists() else place
        return cls((disk / "dev").read_text().strip(), disk.name)

    def moved(self) -> tuple[int, int]:
        """Bytes read and written since the machine started."""
        for line in Path("/proc/diskstats").read_text().splitlines():
            words = line.split()
            if words[2] == self.name:
                return int(words[5]) * _SECTOR, int(words[9]) * _SECTOR
        raise BenchError(f"{self.name} is not in /proc/diskstats")


class Memory:
    """Keeps memory faulted in between the runs, and lets it go the moment one starts."""

    def __init__(self) -> None:
        self._held: mmap.mmap | None = None

    def hold(self, size: int) -> None:
        """Fault ``size`` bytes in. Cheap if they were in use a moment ago."""
        self.release()
        if size:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
            self._held = mmap.mmap(-1, min(size, _most()), flags=flags)

    def release(self) -> None:
        """Free them: the page cache of the next program takes these pages."""
        if self._held is not None:
            self._held.close()
            self._held = None


def _most() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 * 8 // 10
    raise BenchError("MemAvailable is not in /proc/meminfo")


def drop_caches() -> None:
    """Nothing dirty, nothing cached."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError as error:
        raise NotMeasurable("the page cache can be emptied by root only") from error


@contextlib.contextmanager
def throttle(device: Device) -> Iterator[str]:
    """A control group whose processes read 500 and write 250 MiB/s, past the page cache; yields its directory."""
    if os.geteuid() != 0:
        raise NotMeasurable("a device is throttled by root only")
    if not (BLKIO / "blkio.throttle.read_bps_device").exists():
        raise NotMeasurable(f"there is no blkio controller of control groups v1 at {BLKIO}")
    group = BLKIO / f"relmgmt-bench-{os.getpid()}"
    group.mkdir()
    try:
        for what, rate in (("read", READ_RATE), ("write", WRITE_RATE)):
            (group / f"blkio.throttle.{what}_bps_device").write_text(f"{device.number} {rate}\n")
        yield str(group)
    except OSError as error:
        raise NotMeasurable(f"{device.name} cannot be throttled: {error}") from error
    finally:
        _remove_group(group)


def _remove_group(group: Path) -> None:
    # The group stays busy for a moment after its last process has ended.
    for _ in range(50):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
    print(f"{group} is still in use", file=sys.stderr)


class Harness:
    """Runs contestants under one set of rules.

    ``cold``: empty the page cache and fault memory in, for which root is needed.
    ``group``: the throttling control group, or "".
    """

    def __init__(self, scratch: Path, device: Device | None, cold: bool = True, group: str = "") -> None:
        self.scratch = scratch
        self.device = device
        self.cold = cold
        self.group = group
        self._memory = Memory()

    def run(self, contestant: Contestant) -> Run:
        """Prepare, time, check; raises BenchError if a step fails or its work was not done."""
        contestant.prepare()
        steps = [self._step(step) for step in contestant.steps]
        contestant.check()
        said = "".join(output for _, output in steps)
        runs = [one for one, _ in steps]
        return Run(
            sum(one.seconds for one in runs), sum(one.read for one in runs), sum(one.written for one in runs),
            max(one.memory for one in runs), contestant.facts(said),
        )

    def _step(self, step: Step) -> tuple[Run, str]:
        self._ready(step)
        before = self.device.moved() if self.device else (0, 0)
        report, output = self._launch(step)
        after = self.device.moved() if self.device else (0, 0)
        if self.cold and step.memory:
            # Pages that were in use a moment ago are still the guest's: keeping them is cheap.
            drop_caches()
            self._memory.hold(step.memory)
        if step.says not in output:
            raise BenchError(f"{step.says!r} was expected, and this was said: {_reason(output)}")
        run = Run(report["seconds"], after[0] - before[0], after[1] - before[1], int(report["memory"]), {})
        return run, output

    def _ready(self, step: Step) -> None:
        if self.cold:
            self._memory.release()
            drop_caches()
            self._memory.hold(step.memory)
            if step.warm:
                subprocess.run(
                    step.warm, env={**os.environ, **step.environment}, stdin=subprocess.DEVNULL, capture_output=True,
                    check=False,
                )
            self._memory.release()

    def _launch(self, step: Step) -> tuple[dict[str, float], str]:
        output = self.scratch / "output"
        output.unlink(missing_ok=True)
        job = {
            "commands": [list(argv) for argv in step.commands], "cgroup": self.group, "output": str(output),
            "sync": str(step.sync or ""), "directory": str(step.directory or ""),
            "environment": dict(step.environment),
        }
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCH)], input=json.dumps(job).encode(), stdout=subprocess.PIPE,
            check=True,
        )
        report = json.loads(done.stdout)
        said = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
        if any(report["status"]):
            raise BenchError(f"status {report['status']}: {_reason(said)}")
        return report, said


def _reason(said: str) -> str:
    """Why a command failed, in one line: a module's message, or the last thing that was said."""
    lines = [line for line in said.splitlines() if line.strip()] or ["no message"]
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(line)["msg"])[:MESSAGE]
    return lines[-1].strip()[:MESSAGE]


class Spread(NamedTuple):
    """Minimum, median and maximum of the rounds."""

    minimum: float
    median: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(min(values), statistics.median(values), max(values))

