# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of ``results.json``: what is compared, what is promised, and whether it holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .harness import MIB, Run, Spread

#: the keys of a row, in this order
KEYS = ("work", "peer", "ours", "theirs", "unit", "ratio", "target", "met")
NO_PEER = "–"
Runs = Mapping[str, Sequence[Run]]


class Row(NamedTuple):
    """A measured row. ``ours`` None: not measured; ``theirs`` None: a bound without a peer.

    ``target`` is an upper bound: of ours/theirs, or of ours where there is no peer.
    """

    work: str
    peer: str
    ours: float | None
    theirs: float | None
    unit: str
    target: float

    @property
    def ratio(self) -> float | None:
        """Ours by theirs, lower is better."""
        if self.ours is None or self.theirs is None:
            return None
        return round(self.ours / self.theirs, 4)

    @property
    def met(self) -> bool:
        """Whether the promise holds; what was not measured is not met."""
        value = self.ours if self.peer == NO_PEER else self.ratio
        return value is not None and value <= self.target

    def as_dict(self) -> dict[str, Any]:
        """The row as it stands in ``results.json``."""
        values = (self.work, self.peer, self.ours, self.theirs, self.unit, self.ratio, self.target, self.met)
        return dict(zip(KEYS, values, strict=True))


class Promise(NamedTuple):
    """A row before it is measured: names, bound, and how both figures come out of the runs.

    ``contestants``: who must have run. ``theirs`` is None where there is no peer. ``note``: what
    the figures alone do not tell.
    """

    work: str
    peer: str
    unit: str
    target: float
    contestants: tuple[str, ...]
    ours: Callable[[Runs], float]
    theirs: Callable[[Runs], float] | None = None
    note: Callable[[Runs], str] | None = None

    @property
    def key(self) -> str:
        """Its name in ``rounds.json`` and for ``--rows``."""
        return self.work if self.peer == NO_PEER else f"{self.work} | {self.peer}"

    def row(self, runs: Runs | None) -> Row:
        """The row of these runs; of None, one that says that nothing was measured."""
        ours = None if runs is None else _rounded(self.ours(runs))
        theirs = None if runs is None or self.theirs is None else _rounded(self.theirs(runs))
        return Row(self.work, self.peer, ours, theirs, self.unit, self.target)


def _rounded(value: float) -> float:
    return int(value) if value == int(value) else round(value, 4)


def seconds(name: str) -> Callable[[Runs], float]:
    """The median of a contestant's seconds."""
    return lambda runs: Spread.of([run.seconds for run in runs[name]]).median


def fastest(names: Sequence[str]) -> Callable[[Runs], float]:
    """The smallest of the contestants' median seconds."""
    return lambda runs: min(seconds(name)(runs) for name in names)


def which_is_fastest(names: Sequence[str]) -> Callable[[Runs], str]:
    """Whose median that is."""
    return lambda runs: "fastest: " + min(names, key=lambda name: seconds(name)(runs))


def memory(name: str) -> Callable[[Runs], float]:
    """The largest of a contestant's peak memory, in MiB."""
    return lambda runs: max(run.memory for run in runs[name]) / MIB


def written(name: str) -> Callable[[Runs], float]:
    """The median of the bytes that the device took."""
    return lambda runs: Spread.of([run.written for run in runs[name]]).median


def fact(name: str, key: str) -> Callable[[Runs], float]:
    """The median of a figure that a contestant told itself."""
    return lambda runs: Spread.of([run.facts[key] for run in runs[name]]).median


def constant(value: float) -> Callable[[Runs], float]:
    """A figure that needs no measurement: how many bytes were changed."""
    return lambda runs: value


def summary(runs: Sequence[Run], commands: str) -> dict[str, Any]:
    """A contestant's rounds as ``rounds.json`` keeps them: every figure's spread, and each round's seconds."""
    figures = sorted({name for run in runs for name in run.facts})
    return {
        "commands": commands,
        "seconds": {**Spread.of([run.seconds for run in runs])._asdict(), "rounds": [run.seconds for run in runs]},
        "read": Spread.of([run.read for run in runs]).median,
        "written": Spread.of([run.written for run in runs]).median,
        "memory": max(run.memory for run in runs),
        "facts": {name: Spread.of([run.facts[name] for run in runs])._asdict() for name in figures},
    }


def merge(path: Path, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Put the rows among those of the file, replacing those of the same work and peer; returns all."""
    known = read(path)
    for row in rows:
        new = row.as_dict()
        same = [index for index, old in enumerate(known) if _name(old) == _name(new)]
        if same:
            known[same[0]] = new
        else:
            known.append(new)
    write_json(path, known)
    return known


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, none if there is none."""
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def write_json(path: Path, values: object) -> None:
    """Replace a JSON file whole."""
    aside = path.with_name(path.name + ".part")
    aside.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["work"]), str(row["peer"])


def read_rounds(path: Path) -> dict[str, Any]:
    """The rounds of a file, nothing if there is none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
