# SPDX-License-Identifier: GPL-3.0-or-later
"""cache_package on an engine that answers what a test tells it: all or nothing, and the release's steps."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item, Node
from ansible_collections.relmgmt.release.plugins.module_utils._engines import choose
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    RUNNING,
    Attached,
    Called,
    Engine,
    InstanceInfo,
    Written,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    CompileFailed,
    EngineError,
    InvalidInput,
    Refused,
)
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package import inspect, install
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, UndoContext
from ansible_collections.relmgmt.release.plugins.module_utils._module.undo import undo
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView

spec = importlib.util.spec_from_file_location("module_double", Path(__file__).with_name("module_double.py"))
assert spec is not None
assert spec.loader is not None
doubles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doubles)

OLD, NEW = ("A ;old",), ("A ;new",)
INSTANCE = {"name": "CFIS", "engine": "fake"}
STEP = {"name": "index", "call": "$$INDEX^A", "arguments": ["x"], "expect": "1", "timeout": 5,
        "undo": {"call": "$$DROP^A", "arguments": ["x"], "expect": "0", "reason": None}}


class FakeEngine(Engine):
    """An instance in memory. ``misdo``: what to do instead of loading; ``answers``: what entries answer."""

    engine = "fake"
    loadable = frozenset(["MAC", "INT", "CLS"])
    code_in_datasets = True

    def __init__(self) -> None:
        self.items: dict[str, Item] = {"A.MAC": Item("A.MAC", OLD)}
        self.globals: dict[str, dict[tuple[str, ...], str]] = {"^G": {("a",): "0"}}
        self.misdo: Callable[[list[Item], list[str]], Written] | None = None
        self.breaks_putting_back = False
        self.breaks_globals = False
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, list[str], float]] = []

    def info(self) -> InstanceInfo:
        return InstanceInfo("fake", "CFIS", "1", RUNNING, (), (), True)

    def attached(self) -> Attached:
        return Attached(0, ())

    def home_of(self, name: str) -> str:
        return name

    def check_global_name(self, name: str) -> None:
        pass

    def read_items(self, names: list[str]) -> dict[str, Item]:
        return {name: self.items[name] for name in names if name in self.items}

    def check_items(self, items: list[Item]) -> list[Any]:
        return []

    def load_items(self, items: list[Item], removes: list[str]) -> Written:
        if self.misdo:
            return self.misdo(items, removes)
        return self.really_load(items, removes)

    def really_load(self, items: list[Item], removes: list[str]) -> Written:
        self.items.update({item.name: item for item in items})
        for name in removes:
            self.items.pop(name, None)
        return Written((*[item.name for item in items], *removes), (41,))

    def save_items(self, names: list[str], directory: str) -> None:
        kept = {name: list(self.items[name].lines) if name in self.items else None for name in names}
        (Path(directory) / "kept").write_text(json.dumps(kept))

    def put_back_items(self, names: list[str], directory: str) -> Written:
        if self.breaks_putting_back:
            raise EngineError("the licence limit is reached", place="the instance")
        for name, lines in json.loads((Path(directory) / "kept").read_text()).items():
            self.items.pop(name, None)
            if lines is not None:
                self.items[name] = Item(name, tuple(lines))
        return Written(tuple(names), (43,))

    def read_global(self, name: str) -> list[Node]:
        return [Node(path, value) for path, value in self.globals.get(name, {}).items()]

    def read_nodes(self, name: str, subscripts: list[tuple[str, ...]]) -> list[Node]:
        return [node for node in self.read_global(name) if node.subscripts in subscripts]

    def write_globals(self, changes: list[Any]) -> Written:
        if self.breaks_globals:
            raise EngineError("REC2BIG", place="the instance", pid=42)
        for change in changes:
            nodes = self.globals.setdefault(change.name, {})
            nodes.update({node.subscripts: node.value for node in change.sets})
            for path in change.removes:
                nodes.pop(path, None)
        return Written(tuple(change.name for change in changes), (42,))

    def call(self, entry: str, arguments: list[str], timeout: float) -> Called:
        self.calls.append((entry, arguments, timeout))
        answer = self.answers.get(entry, "1")
        if isinstance(answer, Exception):
            raise answer
        return Called(answer, 40 + len(self.calls))

    def state(self) -> tuple[dict[str, tuple[str, ...]], dict[str, dict[tuple[str, ...], str]]]:
        return {name: item.lines for name, item in self.items.items()}, json.loads(json.dumps(
            {name: {"/".join(path): value for path, value in nodes.items()} for name, nodes in self.globals.items()}
        ))


class Box:
    """A host with the fake instance, a drop and an open change."""

    def __init__(self, base: Path, engine: FakeEngine) -> None:
        self.engine = engine
        self.base = base
        self.path = base / "state" / "ledger.db"
        self.number = 0

    def begin(self, *items: str, release: str = "CFIS002", **options: Any) -> dict[str, Any]:
        self.number += 1
        change = f"CHG{self.number}"
        data = f"<Export>\n{''.join(items)}</Export>".encode()
        digest, folder = hashlib.sha256(data).hexdigest(), self.base / "drop" / f"{release}-0123456789ab"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "P.xml").write_bytes(data)
        entry = {"P.xml": {"sha256": digest, "size": len(data)}}
        (folder / "MANIFEST.json").write_text(json.dumps(
            {"release": release, "bundle_digest": "0123456789ab" + "0" * 52, "files": entry}
        ))
        ledger = self.ledger()
        ledger.set_host(environment="sandbox", protected=True, sandbox=True)
        ledger.take_lease(change, {"user": "maria"}, self.number)
        ledger.add_receipt(change=change, attempt=1, release=release, bundle_digest="b", plan_digest="p",
                           environment="sandbox", packages=[digest], report={}, clock="test", expires=4e9)
        ledger.add_point(change=change, attempt=1, instance="CFIS", point="before", path=str(self.base),
                         root_digest="d", taken_at=time.time(), detail={})
        return {
            "change": change, "lease": self.number, "ledger": str(self.path), "instance": INSTANCE, "type": "cache_xml",
            "drop": {"method": "path", "path": str(self.base / "drop")}, "bundle": folder.name, "file": "P.xml",
            "sha256": digest, "drops": [], "globals": [], "percent_items": [], "steps": [],
            "newer_on_target": "refuse", "max_backup_age": 3600, "backup_root": None, **options,
        }

    def ledger(self) -> Ledger:
        return Ledger(str(self.path))

    def install(self, args: dict[str, Any], check: bool = False) -> Outcome:
        return install(Host(doubles.ModuleDouble(check, **args), tmpdir=str(self.base)))

    def look(self, args: dict[str, Any]) -> Outcome:
        known = {key: value for key, value in args.items() if key not in ("change", "lease")}
        return inspect(HostView(doubles.ModuleDouble(**known), tmpdir=str(self.base)))

    def roll_back(self, args: dict[str, Any], restored: str = "") -> list[dict[str, Any]]:
        ledger, done = self.ledger(), []
        for act in ledger.acts(args["change"]):
            if act["undone_at"] is None:
                done.append(undo(act, UndoContext("", "", restored=restored)))
                ledger.undo_act(act["id"], done[-1])
        return done


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    engine = FakeEngine()
    monkeypatch.setitem(choose.ENGINES, "fake", choose.Ports(lambda instance: engine, None))  # type: ignore[arg-type]
    return Box(tmp_path, engine)


def routine(name: str, text: str) -> str:
    return f'<Routine name="{name}" type="MAC"><![CDATA[\n{text}\n]]></Routine>\n'


GLOBAL = "<Global><Node><Sub>^G</Sub><Node><Sub>a</Sub><Data>{}</Data></Node></Node></Global>\n"
MERGE = {"globals": [{"name": "^G", "mode": "merge"}]}
PACKAGE = (routine("A", "A ;new"), routine("B", "B ;new"))


def half(box: Box, error: Exception) -> Callable[[list[Item], list[str]], Written]:
    """Load the first item only, then fail as an engine does."""
    def misdo(items: list[Item], removes: list[str]) -> Written:
        box.engine.really_load(items[:1], [])
        raise error
    return misdo


def test_a_load_that_fails_in_the_middle_leaves_everything_as_it_was(box: Box) -> None:
    before = box.engine.state()
    errors = [{"item": "B.MAC", "line": 2, "text": "x", "message": "no"}]
    box.engine.misdo = half(box, CompileFailed("1 item does not compile", place="the instance", errors=errors, pid=41))
    args = box.begin(*PACKAGE)
    with pytest.raises(CompileFailed) as caught:
        box.install(args)
    assert caught.value.detail["errors"] == errors
    assert caught.value.detail["put_back"] is True
    assert caught.value.message.endswith("; everything was put back")
    assert box.engine.state() == before
    (act,) = box.ledger().acts(args["change"])
    assert (act["outcome"], act["detail"]["writer_pids"], act["undone_at"] is None) == ("failed", [41], False)
    assert act["undone"]["writer_pids"] == [43], "putting back writes to the datasets where code lies in them"
    assert box.ledger().current("cache_package:CFIS") is None
    box.engine.misdo = None
    assert box.install(args).changed is True, "the same attempt may go on"


def test_a_global_that_cannot_be_written_takes_the_code_back(box: Box) -> None:
    before = box.engine.state()
    box.engine.breaks_globals = True
    args = box.begin(*PACKAGE, GLOBAL.format(1), **MERGE)
    with pytest.raises(EngineError, match="REC2BIG; everything was put back"):
        box.install(args)
    assert box.engine.state() == before
    assert [(act["undo"]["kind"], act["outcome"], act["undone_at"] is None) for act in box.ledger().acts()] == [
        ("globals", "failed", False), ("cache_items", "done", False),
    ]


def test_what_could_not_be_put_back_waits_for_the_rollback(box: Box) -> None:
    before = box.engine.state()
    box.engine.misdo = half(box, OSError(28, "No space left on device"))
    box.engine.breaks_putting_back = True
    args = box.begin(*PACKAGE)
    with pytest.raises(EngineError, match="putting the items back failed as well: the licence limit") as caught:
        box.install(args)
    assert (caught.value.cure, caught.value.detail["put_back"]) == ("roll back", False)
    assert box.ledger().acts()[0]["undone_at"] is None
    box.engine.breaks_putting_back = False
    box.roll_back(args)
    assert box.engine.state() == before


@pytest.mark.parametrize("listed, said", [
    (["A.MAC"], "not loaded: B.MAC"), (["A.MAC", "B.MAC", "C.CLS"], "loaded beside it: C.CLS"),
    (["A.mac", "B.Mac"], ""), ([], "not loaded: A.MAC, B.MAC"),
])
def test_the_loaded_list_must_be_the_packages(box: Box, listed: list[str], said: str) -> None:
    box.engine.misdo = lambda items, removes: box.engine.really_load(items, removes)._replace(names=tuple(listed))
    args = box.begin(*PACKAGE)
    if said:
        with pytest.raises(EngineError, match=said):
            box.install(args)
        assert box.engine.items["A.MAC"].lines == OLD
    else:
        assert box.install(args).changed


def test_an_item_that_is_not_what_was_loaded_is_an_error(box: Box) -> None:
    def misdo(items: list[Item], removes: list[str]) -> Written:
        written = box.engine.really_load(items, removes)
        box.engine.items["B.MAC"] = Item("B.MAC", ("B ;other",))
        return written

    box.engine.misdo = misdo
    with pytest.raises(EngineError, match=r"not what the package says after loading: B\.MAC"):
        box.install(box.begin(*PACKAGE))


def test_what_another_package_of_the_release_brought_is_no_orphan(box: Box) -> None:
    box.install(box.begin(routine("A", "A ;new")))
    args = box.begin(routine("B", "B ;new"))
    assert box.look(args).record["orphans"] == []
    assert box.install({**args, "change": None, "lease": None}, check=True).record["orphans"] == []
    assert box.look(box.begin(routine("B", "B ;new"), release="CFIS003")).record["orphans"] == ["A.MAC"]


CLASS = '<Class name="App.C">\n<Description>{}</Description>\n</Class>\n'


def test_what_compiling_adds_to_a_class_is_no_mending(box: Box) -> None:
    def misdo(items: list[Item], removes: list[str]) -> Written:
        return box.engine.really_load([item._replace(lines=(*item.lines[:-1], "<Storage/>", "</Class>"))
                                       for item in items], removes)

    box.engine.misdo = misdo
    args = box.begin(CLASS.format("as delivered"))
    box.install(args)
    act = box.ledger().acts(args["change"])[0]
    mended = box.engine.items["App.C.CLS"]
    assert undo(act, UndoContext("", ""))["overwritten"] == []
    assert "App.C.CLS" not in box.engine.items
    box.engine.items["App.C.CLS"] = mended._replace(lines=(*mended.lines, " "))
    assert undo(act, UndoContext("", ""))["overwritten"] == []
    box.engine.items["App.C.CLS"] = Item("App.C.CLS", tuple(CLASS.format("mended").splitlines()))
    assert undo(act, UndoContext("", ""))["overwritten"] == ["App.C.CLS"]


def test_nodes_that_somebody_mended_are_refused_as_newer(box: Box) -> None:
    first = box.begin(GLOBAL.format(1), release="CFIS001", **MERGE)
    box.install(first)
    box.engine.globals["^G"][("a",)] = "hot fix"
    box.engine.globals["^G"][("users",)] = "1"
    args = box.begin(GLOBAL.format(2), **MERGE)
    looked = box.look(args)
    assert (looked.record["newer"], looked.record["items"][0]["state"]) == (['^G("a")'], "newer")
    assert "==> ^G: newer on the target <==\n^G(\"a\")='hot fix'\n" in looked.before
    with pytest.raises(Refused, match=r'newer on the target.*\^G\("a"\)'):
        box.install(args)
    assert box.install({**args, "newer_on_target": "overwrite"}).changed
    assert box.engine.globals["^G"] == {("a",): "2", ("users",): "1"}
    assert not box.install(args).changed
    box.roll_back(args)
    assert box.engine.globals["^G"][("a",)] == "hot fix"
    with pytest.raises(Refused, match="newer"):
        box.install(box.begin(GLOBAL.format(2), **MERGE))


def test_steps_run_once_in_order_after_the_load_and_are_undone_newest_first(box: Box) -> None:
    second = {**STEP, "name": "second", "call": "##class(App.C).M", "arguments": [], "undo": {"reason": "reads only"}}
    third = {**STEP, "name": "third", "call": "T^A", "undo": {"call": "U^A", "arguments": [], "expect": "back"}}
    box.engine.answers = {"T^A": "1\n", "U^A": "back", "$$DROP^A": "0"}
    args = box.begin(*PACKAGE, steps=[STEP, second, third])
    planned = box.install(args, check=True)
    assert (planned.changed, [one["state"] for one in planned.record["steps"]]) == (True, ["pending"] * 3)
    assert box.engine.calls == []
    made = box.install(args)
    assert [call[0] for call in box.engine.calls] == ["$$INDEX^A", "##class(App.C).M", "T^A"]
    assert box.engine.calls[0][1:] == (["x"], 5.0)
    assert made.record["writer_pids"] == [41, 41, 42, 43]
    assert [one["state"] for one in made.record["steps"]] == ["done"] * 3
    acts = box.ledger().acts(args["change"])
    assert [act["undo"]["kind"] for act in acts] == ["step", "step", "step", "cache_items"]
    assert acts[0]["detail"] == {"names": ["third"], "writer_pids": [43], "result": "1\n"}
    assert [one["state"] for one in box.look(args).record["steps"]] == ["done"] * 3
    again = box.install(args)
    assert (again.changed, len(box.engine.calls)) == (False, 3)
    other = box.begin(*PACKAGE, steps=[STEP, second, third])
    assert box.install(other).changed is False, "another change of the same release"
    box.roll_back(args)
    assert [call[0] for call in box.engine.calls[3:]] == ["U^A", "$$DROP^A"]
    assert box.install(other).changed, "after a rollback it is as if it had never run"


def test_a_step_alone_changes_something_and_needs_a_backup(box: Box) -> None:
    plain = box.begin(*PACKAGE)
    box.install(plain)
    args = box.begin(*PACKAGE, steps=[STEP])
    outcome = box.install(args)
    assert (outcome.changed, outcome.message.endswith("steps: index")) == (True, True)
    late = box.begin(*PACKAGE, steps=[{**STEP, "name": "late"}], max_backup_age=-1)
    with pytest.raises(Refused, match="point `before`"):
        box.install(late)


@pytest.mark.parametrize("answer, said", [
    ("2", "answered '2', not '1'"), ("", "answered ''"), (EngineError("DIVZERO", place="x", pid=77), "DIVZERO"),
])
def test_a_step_that_fails_ends_the_phase_and_its_undo_runs(box: Box, answer: Any, said: str) -> None:
    box.engine.answers = {"$$INDEX^A": answer, "$$DROP^A": "0"}
    args = box.begin(*PACKAGE, steps=[{**STEP, "name": "first", "call": "$$F^A"}, STEP, {**STEP, "name": "never"}])
    with pytest.raises(EngineError, match=said) as caught:
        box.install(args)
    assert "index" in caught.value.message
    assert [call[0] for call in box.engine.calls] == ["$$F^A", "$$INDEX^A"]
    act = box.ledger().acts()[0]
    assert (act["outcome"], len(act["detail"]["writer_pids"])) == ("failed", 1)
    with pytest.raises(Refused, match="the step 'index' failed before") as refused:
        box.install(args)
    assert "roll back" in refused.value.cure
    assert box.roll_back(args)[0]["put_back"] == ["index"]
    assert [call[0] for call in box.engine.calls[2:]] == ["$$DROP^A", "$$DROP^A"]
    assert box.engine.items["A.MAC"].lines == OLD


def test_an_undo_that_answers_otherwise_is_an_error(box: Box) -> None:
    box.engine.answers = {"$$DROP^A": "9"}
    args = box.begin(*PACKAGE, steps=[STEP])
    box.install(args)
    with pytest.raises(EngineError, match=r"undoing the step 'index'.*answered '9', not '0'"):
        box.roll_back(args)


def test_a_restore_of_the_datasets_has_undone_the_steps(box: Box) -> None:
    args = box.begin(*PACKAGE, steps=[STEP])
    box.install(args)
    calls = len(box.engine.calls)
    assert box.roll_back(args, restored="CFIS")[0] == {"put_back": [], "reason": "the datasets were restored"}
    assert len(box.engine.calls) == calls


def test_an_entry_that_cannot_be_called_is_refused_before_anything_is_touched(box: Box) -> None:
    before = box.engine.state()
    args = box.begin(*PACKAGE, steps=[{**STEP, "call": "A^B(1)"}])
    with pytest.raises(InvalidInput, match="not the name of an entry"):
        box.install(args)
    assert (box.engine.state(), box.ledger().acts(), box.engine.calls) == (before, [], [])


def test_what_is_unwise_is_a_warning_of_the_result(box: Box) -> None:
    args = box.begin(routine("A", "A ;\ufffd"), '<Project name="P"><Items></Items></Project>\n')
    record = box.install(args).record
    assert [(one["rule"], one["item"], one["line"]) for one in record["findings"]] == [
        ("lost_characters", "A.MAC", 2), ("project", "P.PRJ", 5),
    ]
    assert record["warnings"][0].startswith("A.MAC (P.xml line 2) holds U+FFFD")


def test_what_is_wrong_is_refused_with_every_finding(box: Box) -> None:
    twin = routine("A", "A ;").replace("MAC", "INT")
    args = box.begin(routine("%A", "A ;"), GLOBAL.format(1), routine("A", "A ;"), twin)
    with pytest.raises(InvalidInput) as caught:
        box.install(args)
    assert [one["rule"] for one in caught.value.detail["findings"]] == ["percent", "global", "generated"]
    assert "%A.MAC (line 2)" in caught.value.message
