# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the benchmark: which suites, in what order, and where their figures go."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import machine, peers, rows, table
from .__main__ import HERE, RESULTS, ROUNDS
from .backup_rows import FirstFree, FirstThrottled, SecondPoint
from .errors import BenchError, NotMeasurable
from .harness import READ_RATE, WRITE_RATE, Contestant, Device, Harness, Run, Step, throttle
from .package_rows import Package
from .restore_rows import RestoreFree, RestoreThrottled
from .rows import Promise, Row
from .suites import FREE_RATE, FULL_SIZE, GIB, REPOSITORY, Files, Setting, Suite
from .web_rows import LargeWar, NoOp, Rollout
from .xfs_rows import LargeOnXfs, OnXfs

SUITES: tuple[type[Suite], ...] = (
    FirstThrottled, FirstFree, SecondPoint, RestoreThrottled, RestoreFree, OnXfs, LargeOnXfs, Package,
    Rollout, NoOp, LargeWar,
)
FULL_ROUNDS = 5
QUICK_SIZE = 64 << 20
PROBE = 128 << 20


class Chosen(NamedTuple):
    """A suite, the rows that are wanted of it, and who has to run for them."""

    suite: Suite
    promises: list[Promise]
    contestants: list[Contestant]

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        per_round = sum(one.seconds + _aside(self.suite, one) for one in self.contestants)
        return self.suite.setup_seconds + self.suite.setting.rounds * per_round


class Report:
    """Tells how far the run is, and about how long it will take still."""

    def __init__(self, total: float) -> None:
        self._begin = time.monotonic()
        self._left = total

    def __call__(self, text: str) -> None:
        passed = time.monotonic() - self._begin
        left = max(0.0, self._left - passed)
        print(f"[{passed / 60:5.1f} min, about {left / 60:.0f} more]  {text}", flush=True)


def run(given: argparse.Namespace) -> int:
    """Run what was asked for; 0 if all of it was measured."""
    setting = _setting(given)
    output = output_of(given.output, setting)
    files = Files(setting)
    chosen = [one for one in (_choose(kind(setting, files), given.rows) for kind in SUITES) if one]
    if not chosen:
        print(f"no row has {' or '.join(given.rows)} in its name; see --list", file=sys.stderr)
        return 2
    if given.list:
        return _list(chosen)
    try:
        return 0 if _all(chosen, setting, output) else 1
    finally:
        if not given.keep:
            shutil.rmtree(setting.directory, ignore_errors=True)


def _setting(given: argparse.Namespace) -> Setting:
    size = given.size << 20 if given.size else QUICK_SIZE if given.quick else FULL_SIZE
    directory = given.directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return Setting(directory, size, given.rounds or (1 if given.quick else FULL_ROUNDS), given.keep)


def output_of(wanted: Path | None, setting: Setting) -> Path:
    """Where results are kept. What a try gives must never be taken for a result."""
    result = setting.full and setting.rounds >= FULL_ROUNDS
    place = wanted or (HERE if result else setting.directory.with_name(setting.directory.name + "-try"))
    place.mkdir(parents=True, exist_ok=True)
    return place


def _choose(suite: Suite, wanted: Sequence[str]) -> Chosen | None:
    promises = [one for one in suite.promises if not wanted or any(text in one.key for text in wanted)]
    if not promises:
        return None
    names = {name for promise in promises for name in promise.contestants}
    return Chosen(suite, promises, [one for one in suite.contestants if one.name in names or not wanted])


def _list(chosen: Sequence[Chosen]) -> int:
    for one in chosen:
        print(f"{one.seconds / 60:5.1f} min  {one.suite.name}")
        for promise in one.promises:
            print(f"            {promise.key}")
    print(f"{sum(one.seconds for one in chosen) / 60:5.1f} min  altogether")
    return 0


def _all(chosen: Sequence[Chosen], setting: Setting, output: Path) -> bool:
    """Run every suite; whether all rows were measured."""
    tell = Report(sum(one.seconds for one in chosen))
    tell(f"{setting.size >> 20} MiB, {setting.rounds} rounds, in {setting.directory}")
    peers.install([name for one in chosen for who in one.contestants for name in one.suite.needs(who.name)])
    all_rows: list[Row] = []
    all_notes: dict[str, str] = {}
    for one in chosen:
        runs, reasons = _one(one, tell)
        found, notes = measured(one.promises, runs, reasons)
        _keep(output, one, runs, found, notes)
        all_rows += found
        all_notes.update(notes)
    print("\n" + table.render([row.as_dict() for row in all_rows], all_notes))
    print(f"\n{output / RESULTS} and {output / ROUNDS} hold these figures and every round's.")
    return all(row.ours is not None for row in all_rows)


def _one(chosen: Chosen, tell: Report) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """The runs of a suite's contestants, and why some have none."""
    suite, reasons = chosen.suite, dict[str, str]()
    tell(f"— {suite.name}")
    for one in chosen.contestants:
        try:
            peers.require(*suite.needs(one.name))
        except NotMeasurable as error:
            reasons[one.name] = str(error)
    names = [one.name for one in chosen.contestants if one.name not in reasons]
    try:
        if os.geteuid() != 0:
            raise NotMeasurable("root alone empties the page cache, throttles a device and mounts file systems")
        with suite.opened(names), _harness(suite) as harness:
            # Made once more: some commands are known only now that the files are there.
            ready = [one for one in suite.contestants if one.name in names]
            return interleaved(harness, ready, suite.setting.rounds, tell, reasons)
    except (BenchError, OSError) as error:
        tell(f"{suite.name} cannot be measured: {error}")
        return {}, {**reasons, **dict.fromkeys(names, str(error))}


@contextlib.contextmanager
def _harness(suite: Suite) -> Iterator[Harness]:
    device = Device.below(suite.setting.directory)
    with throttle(device) if suite.throttled else contextlib.nullcontext("") as group:
        if group:
            _require_binding(Harness(suite.directory, device, group=group))
        yield Harness(suite.directory, device, suite.cold, group)


def _require_binding(harness: Harness) -> None:
    """A device may take the limits and not keep them."""
    probe = harness.scratch / "probe"
    took = harness.run(Contestant("probe", [Step([peers.dd_write(probe, PROBE)])], 0.0)).seconds
    probe.unlink()
    if took < 0.6 * PROBE / WRITE_RATE:
        raise NotMeasurable(f"the throttle does not bind: {PROBE >> 20} MiB were written in {took:.2f} s")


def interleaved(
    harness: Harness, contestants: Sequence[Contestant], rounds: int, tell: Report, reasons: dict[str, str]
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """A B C, A B C; who fails once is out, and says why."""
    runs: dict[str, list[Run]] = {one.name: [] for one in contestants}
    for number in range(1, rounds + 1):
        for one in contestants:
            if one.name in reasons:
                continue
            try:
                done = harness.run(one)
            except (BenchError, OSError) as error:
                reasons[one.name] = str(error)
                tell(f"round {number}/{rounds}  {one.name}: {error}")
                continue
            runs[one.name].append(done)
            moved = f"read {done.read >> 20}, wrote {done.written >> 20}, memory {done.memory >> 20} MiB"
            tell(f"round {number}/{rounds}  {one.name}: {done.seconds:.2f} s, {moved}")
    return {name: found for name, found in runs.items() if name not in reasons}, reasons


def measured(
    promises: Sequence[Promise], runs: Mapping[str, Sequence[Run]], reasons: Mapping[str, str]
) -> tuple[list[Row], dict[str, str]]:
    """The rows, and notes by their keys: why one was not measured, or what its figures do not tell."""
    found, notes = [], {}
    for promise in promises:
        absent = [name for name in promise.contestants if name not in runs]
        found.append(promise.row(None if absent else runs))
        if absent:
            notes[promise.key] = "; ".join(f"{name}: {reasons.get(name, 'did not run')}" for name in absent)
        elif promise.note:
            notes[promise.key] = promise.note(runs)
    return found, notes


def _keep(
    output: Path, chosen: Chosen, runs: Mapping[str, Sequence[Run]], found: Sequence[Row], notes: Mapping[str, str]
) -> None:
    """Each suite's figures are on disk when it ends, and replace only what it measured."""
    setting, name = chosen.suite.setting, chosen.suite.name
    rows.merge(output / RESULTS, found)
    known = rows.read_rounds(output / ROUNDS)
    suites: dict[str, Any] = known.get("suites", {})
    before = suites.get(name, {}).get("contestants", {})
    suites[name] = {
        "taken_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "size": setting.size, "rounds": setting.rounds,
        "throttled": [READ_RATE, WRITE_RATE] if chosen.suite.throttled else None,
        "contestants": {**before, **_summaries(chosen.suite, runs)},
    }
    asked = {promise.key for promise in chosen.promises}
    others = {key: text for key, text in known.get("notes", {}).items() if key not in asked}
    rows.write_json(output / ROUNDS, {
        "machine": machine.described(setting.directory), "versions": peers.versions(),
        "notes": {**others, **notes}, "suites": suites,
    })


def _summaries(suite: Suite, runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    commands = {one.name: _anywhere(one.described(), suite.setting) for one in suite.contestants}
    return {name: rows.summary(one, commands[name]) for name, one in runs.items()}


def _anywhere(commands: str, setting: Setting) -> str:
    """The commands without the places of this machine."""
    places = ((setting.directory, "DIRECTORY"), (REPOSITORY, "."), (sys.executable, "python"))
    for place, word in (*places, (f"{Path(sys.executable).parent}/", "")):
        commands = commands.replace(str(place), word)
    return commands


def _aside(suite: Suite, one: Contestant) -> float:
    """Seconds around a run: emptying the cache, faulting memory in, and comparing what came out."""
    memory = sum(step.memory for step in one.steps)
    compared = suite.at(FREE_RATE) if one.compared else 0.0
    return 0.7 * len(one.steps) + 0.8 * memory / GIB + compared
