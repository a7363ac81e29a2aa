# SPDX-License-Identifier: GPL-3.0-or-later
"""The results as a table: on a terminal with every round's spread, or in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import BenchError
from .rows import NO_PEER

BEGIN, END = "<!-- results -->", "<!-- end of results -->"

HEADS = ("work", "peer", "ours", "theirs", "ratio", "target", "")
ROUNDS = ("contestant", "min", "median", "max", "read", "written", "memory")
MIB = 1 << 20


def render(rows: Sequence[Mapping[str, Any]], notes: Mapping[str, str] | None = None, markdown: bool = False) -> str:
    """The rows of ``results.json``; ``notes``: why a row was not measured, or more about it, by its key."""
    cells = [_cells(row, (notes or {}).get(key(row), "")) for row in rows]
    return _markdown(HEADS, cells) if markdown else _plain(HEADS, cells)


def render_rounds(suites: Mapping[str, Any], markdown: bool = False) -> str:
    """Minimum, median and maximum of every contestant, and the bytes that it moved."""
    parts = []
    for name, suite in suites.items():
        cells = [_round_cells(who, one) for who, one in suite["contestants"].items()]
        text = _markdown(ROUNDS, cells) if markdown else _plain(ROUNDS, cells)
        parts.append(f"{'### ' if markdown else ''}{name}\n\n{text}")
    return "\n\n".join(parts)


def document(text: str, rows: Sequence[Mapping[str, Any]], rounds: Mapping[str, Any]) -> str:
    """A document with everything between its two marks replaced by the results."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"the document has no {BEGIN} and {END}")
    return f"{before}{begin}\n\n{_results(rows, rounds)}\n\n{end}{after}"


def _results(rows: Sequence[Mapping[str, Any]], rounds: Mapping[str, Any]) -> str:
    if not rows:
        return "Nothing has been measured yet."
    machine = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in rounds.get("machine", {}).items())
    versions = "; ".join(rounds.get("versions", {}).values())
    parts = [
        render(rows, rounds.get("notes", {}), markdown=True), f"Machine: {machine}.", f"Peers: {versions}.",
        render_rounds(rounds.get("suites", {}), markdown=True),
    ]
    return "\n\n".join(part for part in parts if part)


def key(row: Mapping[str, Any]) -> str:
    """The row's name in ``rounds.json``."""
    return str(row["work"]) if row["peer"] == NO_PEER else f"{row['work']} | {row['peer']}"


def _cells(row: Mapping[str, Any], note: str) -> list[str]:
    unit = row["unit"]
    verdict = "not measured" if row["ours"] is None else "met" if row["met"] else "NOT MET"
    verdict += f": {note}" if note else ""
    return [
        str(row["work"]), str(row["peer"]), _figure(row["ours"], unit), _figure(row["theirs"], unit),
        NO_PEER if row["ratio"] is None else f"{row['ratio']:.3f}",
        f"{row['target']:g} {unit}" if row["peer"] == NO_PEER else f"{row['target']:g}", verdict,
    ]


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return NO_PEER
    if unit == "bytes":
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g} {unit}" if value < 10 else f"{value:.1f} {unit}"


def _round_cells(name: str, one: Mapping[str, Any]) -> list[str]:
    spread = one["seconds"]
    return [
        name, *(f"{spread[which]:.2f} s" for which in ("minimum", "median", "maximum")),
        *(f"{one[which] / MIB:.0f} MiB" for which in ("read", "written", "memory")),
    ]


def _plain(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in [heads, *cells]) for at in range(len(heads))]
    lines = [[*heads], ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _markdown(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [[*heads], ["---"] * len(heads), *[[cell.replace("|", "\\|") for cell in row] for row in cells]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
