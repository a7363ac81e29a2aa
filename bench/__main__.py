# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m bench``: run the benchmarks, or show what they gave."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import rows, table

HERE = Path(__file__).resolve().parent
RESULTS, ROUNDS = "results.json", "rounds.json"
EPILOG = """examples:
  python -m bench                                 everything: 4 GiB, five rounds, an hour; needs root
  python -m bench --rows "restore, 5 %"           only these rows; results.json keeps the others
  python -m bench --quick --directory /var/tmp/b  64 MiB, one round: does everything run? writes nothing to bench/
  python -m bench table                           what bench/results.json and rounds.json say
  python -m bench table --into docs/benchmarks.md the same, written into the documentation
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or show; 0 if every row that was asked for was measured."""
    given = _parser().parse_args(arguments)
    if given.command == "table":
        return _show(given)
    # The product and the sandbox are needed only to run.
    from .runs import run

    return run(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Benchmarks against peers: same work, same files, same run.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=["run", "table"], default="run")
    parser.add_argument("--rows", action="append", default=[], metavar="TEXT", help="only rows with this in their name")
    parser.add_argument("--rounds", type=int, help="how often everybody runs (5)")
    parser.add_argument("--size", type=int, metavar="MIB", help="size of the dataset in MiB (4096)")
    parser.add_argument("--directory", type=Path, default=HERE.parent / ".cache" / "bench", help="where files are made")
    parser.add_argument("--output", type=Path, help="where results.json and rounds.json are kept (bench/)")
    parser.add_argument("--quick", action="store_true", help="64 MiB, one round; what it gives is no result")
    parser.add_argument("--keep", action="store_true", help="leave the dataset for another run")
    parser.add_argument("--list", action="store_true", help="name the rows and say how long they take")
    parser.add_argument("--into", type=Path, metavar="FILE", help="write the results between this document's marks")
    return parser


def _show(given: argparse.Namespace) -> int:
    place = given.output or HERE
    found, rounds = rows.read(place / RESULTS), rows.read_rounds(place / ROUNDS)
    if given.into:
        text = given.into.read_text(encoding="utf-8")
        given.into.write_text(table.document(text, found, rounds), encoding="utf-8")
        return 0
    if not found:
        print(f"there is no {place / RESULTS}; run `make bench`", file=sys.stderr)
        return 1
    print(table.render(found, rounds.get("notes", {})))
    print("\n" + table.render_rounds(rounds.get("suites", {})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
