# SPDX-License-Identifier: GPL-3.0-or-later
"""Items, globals and calls on Caché and IRIS, through the engine's port (FACTS 2.1, 2.2; T19, T27, T31, T35)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from iris_instance import IrisSandbox, Make, products

from ansible_collections.relmgmt.release.plugins.module_utils._core import class_element, objectscript
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    GlobalChange,
    Item,
    Node,
    digest_lines,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Script
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_items
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import IrisTerminal, Said
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    CompileFailed,
    EngineError,
    HostStateUnknown,
    InvalidInput,
)


def routine(name: str, *lines: str) -> Item:
    return Item(name, (f"{name.rpartition('.')[0]} ;", *lines))


def klass(name: str, version: str, super_: str = "%RegisteredObject", code: str = "") -> Item:
    element = (
        f'<Class name="RelMgmt.{name}">\n<Super>{super_}</Super>\n<TimeChanged>64091,56835.117773</TimeChanged>\n'
        f'<TimeCreated>64091,56835</TimeCreated>\n\n<Method name="Version">\n<ClassMethod>1</ClassMethod>\n'
        f'<ReturnType>%String</ReturnType>\n<Implementation><![CDATA[\tquit "{version}"{code}\n]]></Implementation>\n'
        "</Method>\n</Class>"
    )
    return Item(f"RelMgmt.{name}.CLS", tuple(element.split("\n")))


CASE = routine("RELMGMTCASE.MAC", " quit", "Open(x) quit \"opened \"_x", "Say write \"hello\",! quit")
INCLUDE = Item("RELMGMTCASE.INC", ("#define LIMIT 10",))
BASE = klass("Base", "1")
CASES = klass("Case", "2", "RelMgmt.Base")


@pytest.fixture(scope="module", params=products("cache2018"))
def shared(make_shared_iris: Make, request: pytest.FixtureRequest) -> IrisSandbox:
    return make_shared_iris(request.param)


@pytest.fixture
def iris(shared: IrisSandbox) -> IrisSandbox:
    if shared.emulated:
        shared.settle()
    shared.clear()
    return shared


def names(items: list[Item]) -> list[str]:
    return [item.name for item in items]


def same(live: Item, wanted: Item) -> bool:
    return digest_lines(live.lines) == digest_lines(wanted.lines)


def test_items_are_read_as_they_were_loaded(iris: IrisSandbox) -> None:
    items = [CASE, INCLUDE, BASE, CASES]
    assert iris.engine.read_items(names(items)) == {}
    assert iris.engine.check_items(items) == []
    assert iris.engine.read_items(names(items)) == {}, "listing loads nothing"
    written = iris.engine.load_items(items, [])
    assert set(written.names) == set(names(items))
    assert written.pids
    live = iris.engine.read_items([*names(items), "RELMGMTNEW.MAC", "RelMgmt.New.CLS"])
    assert sorted(live) == sorted(names(items))
    assert not [name for name, item in live.items() if item.stale]
    assert all(same(live[item.name], item) for item in items)


@pytest.mark.parametrize("switch", [{"routine_ts_exists": False}, {"cdata_split": False}, {"routine_base64": False}])
def test_what_nobody_has_confirmed_about_exports_does_not_matter(iris: IrisSandbox, switch: dict[str, bool]) -> None:
    iris.facts(**switch)
    odd = routine("RELMGMTCASE.MAC", " quit ;]]> & <é>", " ;\x0c" if switch.get("routine_base64", True) else " ;")
    iris.engine.load_items([odd], [])
    (live,) = iris.engine.read_items([odd.name]).values()
    assert live.lines == odd.lines
    assert not live.stale


def test_t35_line_ends_do_not_count(iris: IrisSandbox) -> None:
    iris.engine.load_items([CASE], [])
    windows = Item(CASE.name, tuple("\r\n".join(CASE.lines).split("\n")))
    (live,) = iris.engine.read_items([CASE.name]).values()
    assert digest_lines(live.lines) == digest_lines(windows.lines)


@pytest.mark.parametrize("place", ["label", "line"])
def test_a_routine_that_does_not_compile_is_told_by_line(iris: IrisSandbox, place: str) -> None:
    iris.facts(routine_error_place=place)
    bad = routine("RELMGMTNEW.MAC", " quit", "Open(x) set y=(x", " quit y")
    with pytest.raises(CompileFailed) as caught:
        iris.engine.load_items([CASE, bad], [])
    found = [(one["item"], one["line"]) for one in caught.value.detail["errors"]]
    assert (bad.name, 3) in found
    assert "RELMGMTNEW.MAC line 3" in caught.value.message


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_class_that_does_not_compile_is_told(iris: IrisSandbox, language: str) -> None:
    iris.scenario(language=language)
    bad = klass("New", "1", code="\n\tset x=(1")
    with pytest.raises(CompileFailed) as caught:
        iris.engine.load_items([BASE, bad], [])
    assert bad.name in {one["item"] for one in caught.value.detail["errors"]}


def test_a_class_whose_superclass_is_missing_is_no_success(iris: IrisSandbox) -> None:
    with pytest.raises((CompileFailed, EngineError)):
        iris.engine.load_items([CASE, klass("New", "1", "RelMgmt.Nowhere")], [])


def test_what_a_failed_load_left_is_stale(iris: IrisSandbox) -> None:
    iris.engine.load_items([CASE], [])
    broken = routine("RELMGMTCASE.MAC", " quit", "Open(x) quit (x")
    with pytest.raises(CompileFailed):
        iris.engine.load_items([broken], [])
    live = iris.engine.read_items([CASE.name])[CASE.name]
    assert live.lines == broken.lines
    assert live.stale


def test_the_loaded_list_has_to_be_the_expected_one(iris: IrisSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_less(items: list[Item], header: object) -> object:
        return real(items[:1], header)

    real = iris_items.write_export
    monkeypatch.setattr(iris_items, "write_export", one_less)
    with pytest.raises(EngineError, match=r"would load other items than the package holds; not RELMGMTCASE\.INC"):
        iris.engine.check_items([CASE, INCLUDE])
    with pytest.raises(EngineError, match=r"loaded other items than the package holds; not RELMGMTCASE\.INC"):
        iris.engine.load_items([CASE, INCLUDE], [])


def test_a_load_compiles_subclasses_too_and_deletes_no_data(iris: IrisSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def talk(self: IrisTerminal, script: Script, namespace: str = "", deadline: float = 0.0) -> Said:
        sent.extend(str(one) for one in script.statements)
        return real(self, script, namespace, deadline)

    real = IrisTerminal.talk
    monkeypatch.setattr(IrisTerminal, "talk", talk)
    iris.engine.load_items([BASE], [])
    iris.engine.load_items([], [BASE.name])
    (load,) = [one for one in sent if ".Load(" in one]
    (delete,) = [one for one in sent if "OBJ).Delete(" in one]
    assert '.Load(rmF,"cbk",.rmL,.rmA)' in load
    assert '.Delete(rmF,"-d",.rmL)' in delete


def test_subclasses_go_on_with_what_they_inherit_now(iris: IrisSandbox) -> None:
    inherits = Item("RelMgmt.Case.CLS", ('<Class name="RelMgmt.Case">', "<Super>RelMgmt.Base</Super>", "</Class>"))
    iris.engine.load_items([BASE, inherits], [])
    assert iris.engine.call("##class(RelMgmt.Case).Version", [], 60).result == "1"
    iris.engine.load_items([klass("Base", "9")], [])
    assert iris.engine.call("##class(RelMgmt.Case).Version", [], 60).result == "9"


def test_an_instance_that_hangs_is_not_changed(iris: IrisSandbox) -> None:
    if iris.emulator.settings.product.qlist_fields < 9:
        pytest.skip("untested: lines of this age have no health")
    iris.scenario(health="hung")
    with pytest.raises(HostStateUnknown, match="says of itself that it hangs"):
        iris.engine.load_items([CASE], [])


# -- removing, pre-images ---------------------------------------------------------------


def test_t19_items_are_removed_in_an_order_in_which_each_can_go(iris: IrisSandbox) -> None:
    items = [CASE, INCLUDE, BASE, CASES]
    iris.engine.load_items(items, [])
    iris.engine.load_items([], names(items))
    assert iris.engine.read_items([*names(items), "RELMGMTCASE.INT"]) == {}
    with pytest.raises(EngineError, match="NOROUTINE"):
        iris.engine.call("$$Open^RELMGMTCASE", ["x"], 60)


def test_removing_a_class_leaves_its_data(iris: IrisSandbox) -> None:
    iris.engine.load_items([BASE], [])
    iris.set("^RELMGMTDATA", "1", value="kept")
    iris.engine.load_items([], [BASE.name])
    assert iris.nodes("^RELMGMTDATA") == {("1",): "kept"}


def test_going_back_is_exact_and_idempotent(iris: IrisSandbox, tmp_path: Path) -> None:
    before = [CASE, BASE, routine("RELMGMTOLD.INT", " quit", "V() quit \"old\"")]
    after = [
        routine("RELMGMTCASE.MAC", " quit", "Open(x) quit \"new \"_x"), klass("Base", "7"), CASES, INCLUDE,
        routine("RELMGMTOLD.MAC", " quit", "V() quit \"new\""),
    ]
    iris.engine.load_items(before, [])
    iris.engine.save_items(names(after), str(tmp_path))
    assert (tmp_path / "items.xml").stat().st_mode & 0o077 == 0
    iris.engine.load_items(after, [])
    assert iris.engine.call("$$V^RELMGMTOLD", [], 60).result == "new"
    changed = iris.engine.put_back_items(names(after), str(tmp_path))
    assert set(changed.names) == set(names(after))
    live = iris.engine.read_items([*names(before), *names(after)])
    assert sorted(live) == sorted(names(before))
    assert all(same(live[item.name], item) and not live[item.name].stale for item in before)
    assert iris.engine.call("$$Open^RELMGMTCASE", ["x"], 60).result == "opened x"
    assert iris.engine.call("$$V^RELMGMTOLD", [], 60).result == "old"
    assert iris.engine.put_back_items(names(after), str(tmp_path)).names == ()


def page(tag: str, name: str, text: str) -> Item:
    element = f'<{tag} name="{name}" application="/csp/cfis/">{text}</{tag}>'
    return Item(f"/csp/cfis/{name}", tuple(element.split("\n")))


def test_pages_go_and_come_back_byte_for_byte(iris: IrisSandbox, tmp_path: Path) -> None:
    image = b"GIF89a\r\n\x00\xff\r\n\n"
    before = [
        page("CSP", "relmgmt/x.csp", "<![CDATA[\n<html>\n</html>\n]]>"),
        page("CSPBase64", "relmgmt.gif", base64.b64encode(image).decode()),
    ]
    after = [page("CSP", "relmgmt/x.csp", "<![CDATA[\n<p>\n]]>"), page("CSPBase64", "relmgmt.gif", "R0lG")]
    iris.engine.load_items(before, [])
    iris.engine.save_items(names(after), str(tmp_path))
    iris.engine.load_items(after, [])
    assert set(iris.engine.put_back_items(names(after), str(tmp_path)).names) == set(names(after))
    live = iris.engine.read_items(names(before))
    assert all(class_element.same_element(text(live[item.name]), text(item)) for item in before)
    if iris.emulated:
        folder = Path(iris.emulated.settings.install) / "csp" / "cfis"
        assert (folder / "relmgmt.gif").read_bytes() == image
        assert (folder / "relmgmt" / "x.csp").read_bytes() == b"<html>\n</html>\n"


def text(item: Item) -> bytes:
    return "\n".join(item.lines).encode()


def test_language_mode_and_time_go_back_too(iris: IrisSandbox, tmp_path: Path) -> None:
    old = CASE._replace(mode="1", changed="60000,1")
    iris.engine.load_items([old], [])
    assert iris.engine.read_items([CASE.name])[CASE.name] == old
    iris.engine.save_items([CASE.name], str(tmp_path))
    iris.engine.load_items([CASE], [])
    assert iris.engine.read_items([CASE.name])[CASE.name].mode == "0", "one item, two modes"
    assert iris.engine.put_back_items([CASE.name], str(tmp_path)).names == (CASE.name,)
    assert iris.engine.read_items([CASE.name])[CASE.name] == old


def test_putting_back_that_was_cut_off_before_it_compiled_is_completed(
    iris: IrisSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*given: Any) -> int:
        monkeypatch.setattr(iris_items, "LOAD_FLAGS", "bk-c")
        real(*given)
        raise KeyboardInterrupt

    real = iris_items.load
    before = [CASE._replace(changed="60000,1"), BASE]
    iris.engine.load_items(before, [])
    iris.engine.save_items(names(before), str(tmp_path))
    iris.engine.load_items([routine(CASE.name, " quit", "Open(x) quit \"new\""), klass("Base", "7")], [])
    with monkeypatch.context() as cut:
        cut.setattr(iris_items, "load", cut_off)
        with pytest.raises(KeyboardInterrupt):
            iris.engine.put_back_items(names(before), str(tmp_path))
    monkeypatch.undo()
    assert iris.engine.call("##class(RelMgmt.Base).Version", [], 60).result == "7"
    iris.engine.put_back_items(names(before), str(tmp_path))
    assert iris.engine.call("##class(RelMgmt.Base).Version", [], 60).result == "1"
    assert iris.engine.call("$$Open^RELMGMTCASE", ["x"], 60).result == "opened x"
    assert iris.engine.put_back_items(names(before), str(tmp_path)).names == ()


def test_a_pre_image_that_never_compiled_goes_back_too(iris: IrisSandbox, tmp_path: Path) -> None:
    broken = routine("RELMGMTCASE.MAC", " quit", "Open(x) quit (x")._replace(changed="60000,1")
    with pytest.raises(CompileFailed):
        iris.engine.load_items([broken], [])
    iris.engine.save_items([CASE.name], str(tmp_path))
    iris.engine.load_items([CASE], [])
    assert iris.engine.put_back_items([CASE.name], str(tmp_path)).names == (CASE.name,)
    live = iris.engine.read_items([CASE.name])[CASE.name]
    assert (live.lines, live.stale) == (broken.lines, True), "what runs is not its source"
    assert live.changed != broken.changed, "with its old time it would look compiled"


def test_pre_images_that_were_tampered_with_are_not_used(iris: IrisSandbox, tmp_path: Path) -> None:
    iris.engine.load_items([CASE], [])
    iris.engine.save_items([CASE.name], str(tmp_path))
    with pytest.raises(HostStateUnknown, match=r"no pre-image of RELMGMTNEW\.MAC"):
        iris.engine.put_back_items(["RELMGMTNEW.MAC"], str(tmp_path))
    kept = tmp_path / "items.xml"
    kept.write_bytes(kept.read_bytes().replace(b"opened", b"owned!"))
    with pytest.raises(HostStateUnknown, match="not what was kept"):
        iris.engine.put_back_items([CASE.name], str(tmp_path))
    (tmp_path / "items.json").unlink()
    with pytest.raises(HostStateUnknown, match="cannot be read"):
        iris.engine.put_back_items([CASE.name], str(tmp_path))


def test_what_is_exported_is_read_by_our_own_reader(iris: IrisSandbox, tmp_path: Path) -> None:
    iris.engine.load_items([CASE, BASE], [])
    iris.engine.save_items([CASE.name, BASE.name], str(tmp_path))
    found = list(read_export([(tmp_path / "items.xml").read_bytes()], "items.xml"))
    assert {one.name for one in found} >= {CASE.name, BASE.name}
    assert json.loads((tmp_path / "items.json").read_text())["stale"][CASE.name] is False


# -- globals ----------------------------------------------------------------------------

NODES = [
    Node((), "root"), Node(("9",), "nine"), Node(("10",), "ten"), Node(("cats", "port"), "9001"),
    Node(("quo\"te", "é€"), "x" * 700 + "\"\n\t{}%:" + "😀"), Node(("z",), ""),
]


def test_globals_are_written_and_read_in_collating_order(iris: IrisSandbox) -> None:
    written = iris.engine.write_globals([GlobalChange("^RELMGMTCFG", tuple(NODES), (), {})])
    assert (written.names, len(written.pids)) == (("^RELMGMTCFG",), 1)
    assert iris.engine.read_global("^RELMGMTCFG") == NODES
    asked = [("9",), ("nope",), (), ("quo\"te", "é€"), ("cats",)]
    assert iris.engine.read_nodes("^RELMGMTCFG", asked) == [NODES[1], NODES[0], NODES[4]]
    assert iris.engine.read_nodes("^RELMGMTCFG", []) == []


def change(**more: object) -> GlobalChange:
    sets, removes = (Node(("a",), "new"), Node(("b",), "new")), (("c",),)
    return GlobalChange("^RELMGMTCFG", sets, removes, **{"expected": {("a",): "old"}, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("expected,whole,place", [
    ({("a",): "other"}, False, "a"), ({("a",): None}, False, "a"), ({("b",): "old"}, False, "b"),
    ({("a",): "old"}, True, ""),
])
def test_a_global_that_changed_meanwhile_is_left_alone(
    iris: IrisSandbox, expected: dict[tuple[str, ...], str | None], whole: bool, place: str
) -> None:
    iris.set("^RELMGMTCFG", "a", value="old")
    iris.set("^RELMGMTCFG", "c", value="old")
    iris.set("^RELMGMTDATA", "1", value="old")
    other = GlobalChange("^RELMGMTDATA", (Node(("1",), "new"),), (), {})
    with pytest.raises(EngineError, match="changed between looking and writing; nothing was written") as caught:
        iris.engine.write_globals([other, change(expected=expected, whole=whole)])
    assert (f'"{place}"' in caught.value.message) == bool(place)
    assert iris.nodes("^RELMGMTCFG") == {("a",): "old", ("c",): "old"}
    assert iris.nodes("^RELMGMTDATA") == {("1",): "old"}


def test_a_change_is_whole(iris: IrisSandbox) -> None:
    iris.set("^RELMGMTCFG", "a", value="old")
    iris.set("^RELMGMTCFG", "c", value="old")
    iris.set("^RELMGMTCFG", "c", "below", value="stays")
    seen = {("a",): "old", ("b",): None, ("c",): "old", ("c", "below"): "stays"}
    iris.engine.write_globals([change(expected=seen, whole=True)])
    assert iris.nodes("^RELMGMTCFG") == {("a",): "new", ("b",): "new", ("c", "below"): "stays"}


@pytest.mark.parametrize("node", [Node(("a",), "by\udce9te"), Node(("by\udce9te",), "x")])
def test_bytes_that_are_no_text_are_refused_before_a_session_begins(iris: IrisSandbox, node: Node) -> None:
    with pytest.raises(InvalidInput, match="cannot be held"):
        iris.engine.write_globals([GlobalChange("^RELMGMTCFG", (node,), (), {})])


# -- what nobody has confirmed --------------------------------------------------------------

#: facts marked [M] that a session, a load or an export meets, the other way round (FACTS, section 10)
OTHER_WAY = {
    "heredoc_error_status": 1, "entry_error_status": 1, "qlist_unknown_status": 0, "multiline_blocks": True,
    "longest_line": 255, "stack_kept": False, "status_5002_words": "Cache error", "load_takes_more": False,
    "delete_flag_2_drops_objects": False, "routine_ts_exists": False, "cdata_split": False, "base64_names": False,
    "newline_after_input": False, "banner": False, "routine_error_place": "line",
}
ONE_BY_ONE = [{name: value} for name, value in OTHER_WAY.items()] if os.environ.get("RELMGMT_ENGINES") == "all" else []


@pytest.mark.parametrize("switches", [OTHER_WAY, *ONE_BY_ONE], ids=lambda one: "+".join(one)[:40])
def test_a_round_with_facts_the_other_way(iris: IrisSandbox, tmp_path: Path, switches: dict[str, Any]) -> None:
    iris.facts(**switches)
    _round(iris, tmp_path)


@pytest.mark.parametrize("product", products("cache2008"))
def test_a_round_as_versions_without_try_and_catch_are_spoken_to(
    make_iris: Make, product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objectscript, "form_of", lambda _version: objectscript.OLD)
    _round(make_iris(product), tmp_path)


def _round(iris: IrisSandbox, tmp_path: Path) -> None:
    """Read, check, load, fail, read, keep, write, call, put back."""
    engine, bad = iris.engine, routine("RELMGMTNEW.MAC", " quit", "Open(x) set y=(x", " quit y")
    assert engine.check_items([CASE, BASE]) == []
    engine.load_items([CASE, BASE], [])
    assert sorted(engine.read_items([CASE.name, BASE.name, bad.name])) == sorted([CASE.name, BASE.name])
    engine.save_items([CASE.name, bad.name], str(tmp_path))
    with pytest.raises(CompileFailed) as caught:
        engine.load_items([bad], [])
    assert (bad.name, 3) in [(one["item"], one["line"]) for one in caught.value.detail["errors"]]
    assert engine.put_back_items([CASE.name, bad.name], str(tmp_path)).names == (bad.name,)
    engine.write_globals([GlobalChange("^RELMGMTCFG", tuple(NODES), (), {("9",): None})])
    with pytest.raises(EngineError, match="changed between looking and writing"):
        engine.write_globals([GlobalChange("^RELMGMTCFG", (), (("9",),), {("9",): None})])
    assert engine.read_global("^RELMGMTCFG") == NODES
    assert engine.call("$$Open^RELMGMTCASE", ["x"], 60).result == "opened x"
    with pytest.raises(EngineError, match="NOLINE"):
        engine.call("$$None^RELMGMTCASE", [], 60)
    assert engine.info().state == "running"


# -- calls --------------------------------------------------------------------------------

STEPS = routine(
    "RELMGMTNEW.MAC", " quit", "Add(a,b) quit a+b", "Echo(x) quit x", "Wipe() kill  quit \"gone\"", "Leave() halt",
    "Fail() quit 1/0", "Ask() read x quit x", "Wait() hang 30 quit 1", "Say write \"line 1\",!,\"line 2\",! quit",
    "Hush kill  quit",
)


def test_a_step_answers_with_its_value_or_with_what_it_wrote(iris: IrisSandbox) -> None:
    iris.engine.load_items([STEPS, BASE], [])
    call = iris.engine.call
    assert call("$$Add^RELMGMTNEW", ["2", "3"], 60).result == "5"
    assert call("$$Echo^RELMGMTNEW", ["quo\"te\né€😀 %"], 60).result == "quo\"te\né€😀 %"
    assert call("##class(RelMgmt.Base).Version", [], 60).result == "1"
    assert call("Say^RELMGMTNEW", [], 60).result == "line 1\nline 2"
    assert call("$$Wipe^RELMGMTNEW", [], 60).result == "gone"
    assert call("Hush^RELMGMTNEW", [], 60).result == ""
    assert call("$$Add^RELMGMTNEW", ["1", "1"], 60).pid > 1


@pytest.mark.parametrize("entry,said", [
    ("$$Fail^RELMGMTNEW", "DIVIDE"), ("$$Leave^RELMGMTNEW", "did not come to its end"),
    ("$$None^RELMGMTNEW", "NOLINE"), ("^RELMGMTGONE", "NOROUTINE"), ("##class(RelMgmt.Gone).M", "CLASS DOES NOT EXIST"),
])
def test_a_step_that_fails_says_why_and_which_process_it_was(iris: IrisSandbox, entry: str, said: str) -> None:
    iris.engine.load_items([STEPS], [])
    with pytest.raises(EngineError, match=said) as caught:
        iris.engine.call(entry, [], 60)
    assert caught.value.message.startswith(entry)
    assert caught.value.detail["pid"] > 1


def test_t27_a_step_that_does_not_return_is_ended(iris: IrisSandbox) -> None:
    iris.engine.load_items([STEPS], [])
    with pytest.raises(EngineError, match="did not end within 1 s") as caught:
        iris.engine.call("$$Wait^RELMGMTNEW", [], 1)
    assert caught.value.detail["pid"] > 1
    assert iris.engine.attached().processes == 0
    with contextlib.suppress(EngineError):
        # What it reads is at its end: an error or nothing, never a line of ours.
        assert iris.engine.call("$$Ask^RELMGMTNEW", [], 60).result == ""


def test_the_emulator_knew_everything_that_was_asked(iris: IrisSandbox) -> None:
    iris.engine.load_items([STEPS, BASE], [])
    assert iris.emulator.refused() == ""
