# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's arithmetic, its files, and its harness with plain peers on a tiny file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

# The package lies beside the tests' other paths, and is not part of what is shipped.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from bench import datasets, ours, peers, rows, runs, table
from bench.__main__ import main
from bench.backup_rows import plain_file, require_second
from bench.datasets import BLOCK, CLUSTERED, SCATTERED, Changes, Material
from bench.errors import BenchError
from bench.harness import Contestant, Harness, Run, Step
from bench.plain_storage import take_proof_back
from bench.rows import KEYS, NO_PEER, Promise, Row, seconds
from bench.suites import FULL_SIZE, Files, Setting

SIZE = 1 << 20
#: the issues' tables; works and peers are exact
PROMISED = {
    ("backup, proven by read-back, throttled", "floor: max(read, write) then read", 1.05),
    ("backup, proven", "cp --reflink=never then cmp", 0.95),
    ("backup, proven", "borg + check", 0.65),
    ("backup, proven", "restic + check", 0.4),
    ("backup, second point, 5 % scattered, proven", "floor: one read plus the changed blocks", 1.2),
    ("restore, 0.1 % scattered, verified, throttled", "floor: one read", 1.05),
    ("restore, 5 % scattered, verified, throttled", "floor", 1.2),
    ("restore, 5 % scattered, verified, throttled", "copy back and verify", 0.4),
    ("restore, bytes written", "changed bytes", 1.05),
    ("restore, 5 % scattered, un-throttled", "the fastest of dd, cp, rsync, restic, borg", 1.1),
    ("backup on XFS with reflink, frozen time, 4 GiB", NO_PEER, 1.0),
    ("backup on XFS with reflink, frozen time, 16 GiB", NO_PEER, 1.0),
    ("backup, memory, 4 GiB", NO_PEER, 64),
    ("backup, memory, 16 GiB", NO_PEER, 64),
    ("package, 100 MB export, verify with item digests", "bare expat parse", 2.0),
    ("package, 100 MB export, verify with item digests, memory", NO_PEER, 32),
    ("web, lost requests", NO_PEER, 0),
    ("web, wrong-version requests", NO_PEER, 0),
    ("web, no-op re-run", "stock modules", 0.1),
    ("web, no-op re-run", "pyinfra", 1.1),
    ("web, 60 MB WAR to 4 servers", "stock modules", 1.5),
    ("web, 60 MB WAR to 4 servers", "pyinfra", 4.0),
}


@pytest.fixture(scope="module")
def material() -> Material:
    """The pool that blocks are cut from."""
    return Material()


@pytest.fixture
def dataset(tmp_path: Path, material: Material) -> Path:
    """A dataset of one MiB."""
    path = tmp_path / "before.dat"
    datasets.make_dataset(path, SIZE, material)
    return path


def suites(tmp_path: Path) -> list[Any]:
    """Every suite, over a dataset that nobody makes."""
    setting = Setting(tmp_path, SIZE, 2)
    return [kind(setting, Files(setting)) for kind in runs.SUITES]


def run(seconds: float, **more: Any) -> Run:
    """One run of somebody."""
    return Run(seconds, **{"read": 0, "written": 0, "memory": 0, "facts": {}, **more})


# -- rows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row, ratio, met",
    [
        (Row("w", "p", 2.0, 4.0, "s", 0.5), 0.5, True),
        (Row("w", "p", 2.1, 4.0, "s", 0.5), 0.525, False),
        (Row("w", NO_PEER, 0.9, None, "s", 1.0), None, True),
        (Row("w", NO_PEER, 65.0, None, "MiB", 64), None, False),
        (Row("w", "p", None, None, "s", 9.0), None, False),
        (Row("w", NO_PEER, None, None, "s", 9.0), None, False),
    ],
)
def test_a_row_is_met_by_its_ratio_or_by_its_bound(row: Row, ratio: float | None, met: bool) -> None:
    shown = row.as_dict()
    assert tuple(shown) == KEYS == ("work", "peer", "ours", "theirs", "unit", "ratio", "target", "met")
    assert (shown["ratio"], shown["met"]) == (ratio, met)


def test_figures_are_medians_and_the_fastest_peer_counts() -> None:
    found = {"ours": [run(3), run(1), run(2)], "a": [run(4), run(5), run(9)], "b": [run(1), run(8), run(7)]}
    promise = Promise("w", "fastest", "s", 0.5, ("ours", "a", "b"), seconds("ours"), rows.fastest(["a", "b"]))
    assert (promise.row(found).ours, promise.row(found).theirs) == (2, 5)


def test_memory_is_the_largest_and_bytes_are_the_median() -> None:
    found = {"ours": [run(1, memory=60 << 20, written=5), run(1, memory=70 << 20, written=1), run(1, written=3)]}
    assert rows.memory("ours")(found) == 70
    assert rows.written("ours")(found) == 3


def test_merging_replaces_the_same_row_and_keeps_the_others(tmp_path: Path) -> None:
    place = tmp_path / "results.json"
    rows.merge(place, [Row("w", "p", 1.0, 2.0, "s", 1.0), Row("w", "q", 1.0, 2.0, "s", 1.0)])
    rows.merge(place, [Row("w", "q", 3.0, 2.0, "s", 1.0), Row("v", NO_PEER, 1.0, None, "s", 1.0)])
    found = json.loads(place.read_text(encoding="utf-8"))
    assert [(one["work"], one["peer"], one["ours"]) for one in found] == [("w", "p", 1), ("w", "q", 3), ("v", "–", 1)]


def test_the_rows_are_those_of_the_issue(tmp_path: Path) -> None:
    promises = [one for suite in suites(tmp_path) for one in suite.promises]
    assert {(one.work, one.peer, one.target) for one in promises} == PROMISED
    assert len(promises) == len(PROMISED)


def test_every_row_names_contestants_of_its_suite(tmp_path: Path) -> None:
    for suite in suites(tmp_path):
        names = {one.name for one in suite.contestants}
        assert {name for promise in suite.promises for name in promise.contestants} <= names


def test_what_did_not_run_is_a_row_without_figures_and_with_its_reason(tmp_path: Path) -> None:
    free = next(one for one in suites(tmp_path) if one.name == "backup, proven")
    found = {"ours": [run(1.0)], "cp": [run(2.0)], "restic": [run(4.0)]}
    made, lost = runs.measured(free.promises, found, {"borg": "borg is not installed"})
    assert [one.ours for one in made] == [1, None, 1]
    assert lost == {"backup, proven | borg + check": "borg: borg is not installed"}
    shown = table.render([one.as_dict() for one in made], lost)
    assert "not measured: borg: borg is not installed" in shown
    assert shown.count(" met") == 2


# -- files -------------------------------------------------------------------------------


def test_the_dataset_is_the_same_each_time_and_ends_in_zeros(tmp_path: Path, dataset: Path) -> None:
    other = tmp_path / "other.dat"
    datasets.make_dataset(other, SIZE, Material())
    assert other.read_bytes() == dataset.read_bytes()
    assert not any(dataset.read_bytes()[-SIZE // 10 + BLOCK:])
    blocks = [dataset.read_bytes()[at:at + BLOCK] for at in range(0, int(SIZE * 0.9) - BLOCK, BLOCK)]
    assert len(set(blocks)) == len(blocks)


def test_changes_replace_exactly_their_blocks(dataset: Path, material: Material) -> None:
    before = dataset.read_bytes()
    changes = Changes.of(SCATTERED, 0.05, SIZE)
    datasets.apply_changes(dataset, changes, material)
    after = dataset.read_bytes()
    differ = [n for n in range(SIZE // BLOCK) if before[n * BLOCK:][:BLOCK] != after[n * BLOCK:][:BLOCK]]
    assert tuple(differ) == changes.numbers
    assert len(differ) == round(SIZE // BLOCK * 0.05)


def test_clustered_changes_come_in_runs_of_64() -> None:
    changes = Changes.of(CLUSTERED, 0.05, 64 << 20)
    assert all(set(range(n // 64 * 64, n // 64 * 64 + 64)) <= set(changes.numbers) for n in changes.numbers)
    assert changes.bytes == pytest.approx((64 << 20) * 0.05, rel=0.2)


def test_one_flipped_bit_is_found(dataset: Path) -> None:
    known = datasets.fingerprint(dataset)
    datasets.require_same(dataset, known)
    with dataset.open("r+b") as stream:
        stream.seek(SIZE - 1)
        stream.write(b"\x01")
    with pytest.raises(BenchError, match="differs first in the 4 MiB at 0"):
        datasets.require_same(dataset, known)


# -- harness -----------------------------------------------------------------------------


def test_plain_peers_are_timed_and_their_work_is_looked_at(tmp_path: Path, dataset: Path) -> None:
    copy, known = tmp_path / "copy.dat", datasets.fingerprint(dataset)
    harness = Harness(tmp_path, None, cold=False)
    direct = Step([peers.dd_copy(dataset, copy)], sync=tmp_path)
    contestants = [
        Contestant("cp", [peers.copy_step(dataset, copy, SIZE), peers.compare_step(dataset, copy, SIZE)], 1.0),
        Contestant("dd", [direct], 1.0, copy.unlink, lambda: datasets.require_same(copy, known)),
    ]
    found, reasons = runs.interleaved(harness, contestants, 2, runs.Report(0), {})
    assert reasons == {}
    assert {name: len(one) for name, one in found.items()} == {"cp": 2, "dd": 2}
    assert all(one.seconds > 0 and one.memory > 0 for who in found.values() for one in who)


def test_memory_is_that_of_the_command_and_not_of_the_benchmark(tmp_path: Path, material: Material) -> None:
    assert len(material._random) == 64 << 20
    found = Harness(tmp_path, None, cold=False).run(Contestant("true", [Step([["true"]])], 0.0))
    assert found.memory < 32 << 20


@pytest.mark.parametrize(
    "step, reason",
    [
        (Step([["false"]]), r"status \[1\]"),
        (Step([["true"], ["sh", "-c", "echo no space; exit 3"]]), r"status \[0, 3\]: no space"),
        (Step([["echo", "other"]], says="digest"), "'digest' was expected"),
        (Step([["no-such-program"]]), "no-such-program"),
    ],
)
def test_a_step_that_fails_puts_its_contestant_out(tmp_path: Path, step: Step, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        Harness(tmp_path, None, cold=False).run(Contestant("it", [step], 0.0))


def test_who_does_not_do_the_work_has_no_figures(tmp_path: Path, dataset: Path) -> None:
    known, wrong = datasets.fingerprint(dataset), tmp_path / "wrong.dat"
    wrong.write_bytes(bytes(SIZE))
    idle = Contestant("idle", [Step([["true"]])], 0.0, check=lambda: datasets.require_same(wrong, known))
    found, reasons = runs.interleaved(Harness(tmp_path, None, cold=False), [idle], 3, runs.Report(0), {})
    assert found == {}
    assert "is not what it should be" in reasons["idle"]


def test_a_try_is_never_kept_as_a_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--list", "--rows", "package", "--directory", str(tmp_path / "b")]) == 0
    assert "bare expat parse" in capsys.readouterr().out
    for size, rounds in ((SIZE, 5), (FULL_SIZE, 1)):
        assert runs.output_of(None, Setting(tmp_path / "b", size, rounds)) == tmp_path / "b-try"
    assert runs.output_of(None, Setting(tmp_path / "b", FULL_SIZE, 5)) == runs.HERE


def test_without_root_every_row_says_that_it_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    place = tmp_path / "b"
    assert main(["--quick", "--directory", str(place)]) == 1
    found = rows.read(tmp_path / "b-try" / "results.json")
    assert len(found) == len(PROMISED)
    assert all(one["ours"] is None and one["ratio"] is None and not one["met"] for one in found)
    assert capsys.readouterr().out.count("not measured: ") == len(PROMISED)
    assert not place.exists()


def test_no_such_row_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", "no such row", "--directory", str(tmp_path / "b")]) == 2
    assert "no row has no such row in its name" in capsys.readouterr().err


def test_the_table_comes_from_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "--output", str(tmp_path)]) == 1
    rows.merge(tmp_path / "results.json", [Row("w", "p", 1.0, 2.0, "s", 1.0), Row("v", NO_PEER, None, None, "s", 1.0)])
    rows.write_json(tmp_path / "rounds.json", {"notes": {"v": "no loop device", "w | p": "fastest: dd"}})
    assert main(["table", "--output", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "not measured: no loop device" in shown
    assert "met: fastest: dd" in shown


def test_the_documentation_says_what_the_results_say() -> None:
    here = Path(runs.HERE)
    text = (here.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found, rounds = rows.read(here / "results.json"), rows.read_rounds(here / "rounds.json")
    assert table.document(text, found, rounds) == text, "run: python -m bench table --into docs/benchmarks.md"


def test_results_name_no_place_of_this_machine(tmp_path: Path) -> None:
    setting = Setting(tmp_path, SIZE, 1)
    for suite in suites(tmp_path):
        told = " ".join(runs._anywhere(one.described(), setting) for one in suite.contestants)
        assert str(tmp_path) not in told
        assert str(runs.REPOSITORY) not in told


# -- the product at work -----------------------------------------------------------------


def test_the_product_backs_up_a_second_point_and_restores(
    tmp_path: Path, dataset: Path, material: Material, capsys: pytest.CaptureFixture[str]
) -> None:
    known, changes = datasets.fingerprint(dataset), Changes.of(SCATTERED, 0.05, SIZE)
    before, installed = tmp_path / "before", tmp_path / "installed"
    ours.main(["backup", str(dataset), str(before)])
    datasets.require_same(plain_file(before), known)
    datasets.apply_changes(dataset, changes, material)
    ours.main(["second", str(dataset), str(installed), "--base", str(before)])
    require_second(installed, dataset, changes)
    with pytest.raises(BenchError, match="holds 6 blocks, 1 were changed"):
        require_second(installed, dataset, Changes.of(SCATTERED, 0.001, SIZE))
    with pytest.raises(BenchError, match="is not what"):
        require_second(installed, plain_file(before), changes)
    ours.main(["restore", str(dataset), str(before)])
    take_proof_back(dataset)
    datasets.require_same(dataset, known)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one.get("provider") for one in said] == ["rest", "rest", None]
    assert said[2] == {"changed": len(changes.numbers), "ways": {"DATASET": "delta"}}
