# SPDX-License-Identifier: GPL-3.0-or-later
"""Package, live system and ledger compared (T31, T32, T35)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core import package_plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item, Node, digest_lines
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_lint import Terms
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_plan import Recorded, Rules
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused

RULES = Rules(frozenset(["MAC", "INT"]), lambda name: name.rpartition(".")[0], lambda name: None)
NEW, OLD, FIX = ("A ;new",), ("A ;old",), ("A ;hot fix",)


def routine(name, lines=NEW):
    return ExportItem("routine", name, 1, digest_lines(lines), "\n".join(lines))


def config(*nodes):
    return ExportItem("global", "^CFG", 9, "d", "", tuple(Node((key,), value) for key, value in nodes))


def recorded(release="CFIS001", orphans=(), **items):
    detail = {name.replace("_", "."): {"digest": digest_lines(lines), "release": release}
              for name, lines in items.items()}
    return Recorded(release, detail, orphans)


def plan(code=(), drops=(), modes=None, live=None, nodes=None, ledger=None, release="CFIS002"):
    selection = package_plan.select(code, Terms(tuple(drops), modes or {}), RULES, "P.xml")
    items = {name: Item(name, lines) for name, lines in (live or {}).items()}
    return package_plan.compare(selection, items, nodes or {}, ledger or Recorded(), release, RULES)


@pytest.mark.parametrize("live, ledger, state", [
    ({}, {}, "added"),
    ({"A.MAC": NEW}, {}, "same"),
    ({"A.MAC": OLD}, {}, "changed"),
    ({"A.MAC": OLD}, {"A_MAC": OLD}, "changed"),
    ({"A.MAC": FIX}, {"A_MAC": OLD}, "newer"),
    ({"A.MAC": NEW}, {"A_MAC": OLD}, "same"),
    ({"A.MAC": FIX}, {"A_INT": OLD}, "newer"),
    ({"A.MAC": ("A ;new", "")}, {}, "same"),
])
def test_each_state_of_a_routine(live, ledger, state):
    made = plan([routine("A.MAC")], live=live, ledger=recorded(**ledger))
    assert [entry.state for entry in made.entries] == [state]
    assert made.changed is (state != "same")
    assert [item.lines for item in made.loads] == ([] if state == "same" else [NEW])


def test_a_stale_object_is_compiled_again():
    selection = package_plan.select([routine("A.MAC")], Terms(), RULES, "P.xml")
    made = package_plan.compare(selection, {"A.MAC": Item("A.MAC", NEW, stale=True)}, {}, Recorded(), "R", RULES)
    assert made.entries[0].state == "changed"
    assert "object" in made.entries[0].reason


@pytest.mark.parametrize("live, wanted, state", [
    ("0", "1", "changed"), ("1", "0", "changed"), ("1", "1", "same"), ("", "1", "same"), ("1", "", "same"),
])
def test_a_routine_in_another_language_mode_is_another_one(live, wanted, state):
    selection = package_plan.select([routine("A.MAC")._replace(mode=wanted)], Terms(), RULES, "P.xml")
    there = Item("A.MAC", NEW, mode=live)
    made = package_plan.compare(selection, {"A.MAC": there}, {}, Recorded(), "R", RULES)
    assert made.entries[0].state == state
    assert [item.mode for item in made.loads] == ([wanted] if state == "changed" else [])
    assert package_plan.is_loaded(Item("A.MAC", NEW, mode=wanted), there) is (state == "same")


@pytest.mark.parametrize("live, ledger, state", [
    ({"B.MAC": OLD}, {}, "dropped"), ({}, {"B_MAC": OLD}, "same"),
    ({"B.MAC": FIX}, {"B_MAC": OLD}, "newer"), ({"B.MAC": ()}, {"B_MAC": OLD}, "dropped"),
])
def test_each_state_of_a_drop(live, ledger, state):
    made = plan(drops=["B.MAC"], live=live, ledger=recorded(**ledger))
    assert [entry.state for entry in made.entries] == [state]
    assert made.removes == (() if state == "same" else ("B.MAC",))


def test_a_hot_fix_is_refused_unless_the_policy_says_overwrite():
    made = plan([routine("A.MAC")], live={"A.MAC": FIX}, ledger=recorded(A_MAC=OLD))
    with pytest.raises(Refused, match=r"A\.MAC") as caught:
        package_plan.refuse_newer(made, "refuse", "P.xml")
    assert caught.value.detail["newer"] == ["A.MAC"]
    package_plan.refuse_newer(made, "overwrite", "P.xml")


def test_orphans_are_named_and_stay():
    ledger = recorded(A_MAC=OLD, GONE_MAC=OLD, KEPT_MAC=OLD, B_MAC=OLD)
    live = {"A.MAC": OLD, "KEPT.MAC": OLD, "B.MAC": OLD}
    made = plan([routine("A.INT")], drops=["B.MAC"], live=live, ledger=ledger)
    assert made.orphans == ("KEPT.MAC",)
    assert made.removes == ("B.MAC",)
    assert made.detail["orphans"] == ["KEPT.MAC"]


def test_orphans_stay_known_until_dropped():
    ledger = Recorded("CFIS002", {"KEPT.MAC": {"digest": digest_lines(OLD), "release": "CFIS001"}}, ("KEPT.MAC",))
    live = {"KEPT.MAC": OLD}
    assert plan(live=live, ledger=ledger, release="CFIS003").orphans == ("KEPT.MAC",)
    dropped = plan(drops=["KEPT.MAC"], live=live, ledger=ledger, release="CFIS003")
    assert dropped.orphans == ()
    assert "KEPT.MAC" not in dropped.detail["items"]


def test_a_second_package_of_the_same_release_makes_no_orphans():
    ledger = recorded("CFIS002", A_MAC=NEW)
    assert plan([routine("B.MAC")], live={"A.MAC": NEW}, ledger=ledger).orphans == ()


def test_the_ledgers_detail_is_the_same_again_after_a_second_look():
    first = plan([routine("A.MAC")], ledger=recorded(B_MAC=OLD)).detail
    again = Recorded("CFIS002", first["items"], tuple(first["orphans"]))
    assert plan([routine("A.MAC")], live={"A.MAC": NEW}, ledger=again).detail == first


@pytest.mark.parametrize("item, named", [
    (ExportItem("class", "App.Case.CLS", 7, "d"), "App.Case.CLS (line 7)"),
    (ExportItem("csp", "/csp/a.csp", 8, "d"), "/csp/a.csp (line 8)"),
    (routine("MACROS.INC"), "MACROS.INC"),
    (ExportItem("project", "P.PRJ", 3, "d"), "P.PRJ"),
])
def test_what_the_engine_cannot_hold_is_refused_by_name(item, named):
    with pytest.raises(InvalidInput) as caught:
        plan([routine("A.MAC"), item])
    assert named in caught.value.message
    assert caught.value.detail["items"] == [item.name]


@pytest.mark.parametrize("code, drops, said", [
    (["A.MAC", "A.INT"], [], "compiles to"), (["A.MAC"], ["A.MAC"], "dropped by it"),
    (["A.MAC"], ["A.INT"], "same place"), ([], ["A.MAC", "A.MAC"], "same place"),
])
def test_two_items_in_one_place_are_refused(code, drops, said):
    with pytest.raises(InvalidInput, match=said):
        plan([routine(name) for name in code], drops)


def test_a_global_that_the_release_does_not_name_is_refused():
    with pytest.raises(Refused, match=r"\^CFG \(line 9\)") as caught:
        plan([config(("a", "1"))])
    assert "merge or replace" in caught.value.cure


def test_a_named_global_that_the_package_lacks_is_refused():
    with pytest.raises(InvalidInput, match=r"\^CFG"):
        plan([routine("A.MAC")], modes={"^CFG": "merge"})


@pytest.mark.parametrize("mode, live, state", [
    ("merge", [], "added"), ("merge", [("a", "1")], "same"), ("merge", [("a", "0")], "changed"),
    ("replace", [("a", "1"), ("b", "2")], "changed"), ("replace", [("a", "1")], "same"),
])
def test_each_state_of_a_global(mode, live, state):
    nodes = {"^CFG": [Node((key,), value) for key, value in live]}
    made = plan([config(("a", "1"))], modes={"^CFG": mode}, nodes=nodes)
    assert [(entry.state, entry.reason) for entry in made.entries] == [(state, mode)]
    assert bool(made.changes) is (state != "same")


def test_the_diff_shows_what_differs_and_only_that():
    nodes = {"^CFG": [Node(("a",), "0")]}
    made = plan(
        [routine("A.MAC"), routine("S.MAC"), config(("a", "1\x01"))], ["B.MAC"], {"^CFG": "merge"},
        {"A.MAC": OLD, "S.MAC": NEW, "B.MAC": OLD}, nodes,
    )
    before, after = package_plan.texts(made)
    assert before == "==> A.MAC <==\nA ;old\n==> B.MAC <==\nA ;old\n==> ^CFG <==\n^CFG(\"a\")='0'\n"
    assert after == "==> A.MAC <==\nA ;new\n==> ^CFG <==\n^CFG(\"a\")='1\\x01'\n"
    assert package_plan.texts(made, limit=5)[0] == "==> A\n(cut here)\n"


@pytest.mark.parametrize("live, package, state", [
    ("64092,1", "64091,50000.5", "newer"), ("64091,50000.25", "64091,50000.5", "changed"),
    ("64091,50001", "64091,50000.5", "newer"), ("", "64091,1", "changed"), ("64092,1", "", "changed"),
    ("64092,1", "2016-06-22", "changed"),
])
def test_without_a_record_an_items_own_time_says_what_is_newer(live, package, state):
    """T32; the time of the export as a whole is not looked at (T26)."""
    item = routine("A.MAC")._replace(changed=package)
    selection = package_plan.select([item], Terms(), RULES, "P.xml")
    made = package_plan.compare(selection, {"A.MAC": Item("A.MAC", FIX, False, live)}, {}, Recorded(), "R", RULES)
    assert made.entries[0].state == state
    known = recorded(A_MAC=FIX)
    again = package_plan.compare(selection, {"A.MAC": Item("A.MAC", FIX, False, live)}, {}, known, "R", RULES)
    assert again.entries[0].state == "changed", "the ledger's record counts more than times"


def test_a_node_that_is_not_what_the_last_release_wrote_is_newer():
    first = plan([config(("a", "1"), ("b", "1"), ("c", "1"))], modes={"^CFG": "merge"}, nodes={"^CFG": []})
    known = Recorded("CFIS001", first.detail["items"], (), first.written)
    live = {"^CFG": [Node(("a",), "fix"), Node(("b",), "1"), Node(("users",), "9")]}
    package = [config(("a", "2"), ("b", "2"), ("c", "2"), ("users", "2"))]
    made = plan(package, modes={"^CFG": "merge"}, nodes=live, ledger=known)
    assert made.newer == ('^CFG("a")', '^CFG("c")')
    assert [(entry.state, entry.reason.split(";")[0]) for entry in made.entries] == [("newer", "merge")]
    with pytest.raises(Refused, match=r'\^CFG\("a"\)'):
        package_plan.refuse_newer(made, "refuse", "P.xml")
    assert "==> ^CFG: newer on the target <==" in package_plan.texts(made)[0]


def test_what_a_release_wrote_stays_known_until_a_replace():
    one = plan([config(("a", "1"))], modes={"^CFG": "merge"}, nodes={"^CFG": []}).written
    two = plan([config(("b", "1"))], modes={"^CFG": "merge"}, nodes={"^CFG": []},
               ledger=Recorded("R1", {}, (), one)).written
    assert sorted(two["^CFG"]) == ['^CFG("a")', '^CFG("b")']
    three = plan([config(("b", "1"))], modes={"^CFG": "replace"}, nodes={"^CFG": []},
                 ledger=Recorded("R2", {}, (), two)).written
    assert sorted(three["^CFG"]) == ['^CFG("b")']


CLASSES = Rules(frozenset(["MAC", "INT", "CLS"]), lambda name: name, lambda name: None)
CLASS = (
    '<Class name="A"><TimeChanged>64091,1</TimeChanged>\n'
    '<Method name="M"><Impl><![CDATA[ q <1]]></Impl></Method>{}</Class>'
)


def class_item(more="", text=CLASS):
    export = f"<Export>{text.format(more)}</Export>".encode()
    return next(read_export([export], "P.xml"))


def class_plan(item, live, known=None):
    selection = package_plan.select([item], Terms(), CLASSES, "P.xml")
    there = {item.name: Item(item.name, tuple(live.split("\n")))} if live else {}
    return package_plan.compare(selection, there, {}, known or Recorded(), "CFIS002", CLASSES)


def test_a_class_is_the_same_however_its_element_is_written():
    other = CLASS.format("").replace("<![CDATA[ q <1]]>", " q &lt;1").replace("><", ">\n <").replace("64091", "65000")
    assert class_plan(class_item(), other).entries[0].state == "same"
    changed = class_plan(class_item(), other.replace(" q ", " k "))
    assert changed.entries[0].state == "changed"
    assert "TimeChanged" not in "".join(package_plan.texts(changed)), "times are no difference for people"


def test_what_compiling_made_of_a_class_is_no_hot_fix():
    """The engine completes a class while it compiles it: what it shows then is what was installed."""
    item, shown = class_item(), CLASS.format("<Storage name='D'><Type>T</Type></Storage>")
    first = class_plan(item, "")
    live = {item.name: Item(item.name, tuple(shown.split("\n")))}
    assert package_plan.is_loaded(first.loads[0], live[item.name])
    detail = package_plan.settled(first.detail, live)
    known = Recorded("CFIS001", detail["items"])
    assert class_plan(item, shown, known).entries[0].state == "same"
    newer = class_item(text=CLASS.replace(" q ", " k "))
    assert class_plan(newer, shown, known).entries[0].state == "changed"
    assert class_plan(newer, shown.replace(" q ", " x "), known).entries[0].state == "newer"


@pytest.mark.parametrize("package, live, told", [
    ("<Storage name='D'><Type>T</Type></Storage>", '<Storage name="D">\n<Type>T</Type></Storage>', False),
    ("<Storage name='D'><Type>U</Type></Storage>", "<Storage name='D'><Type>T</Type></Storage>", True),
    ("", "<Storage name='D'><Type>T</Type></Storage>", True), ("<Storage name='D'/>", "", False),
])
def test_a_class_that_would_store_its_data_otherwise_is_a_warning(package, live, told):
    found = class_plan(class_item(package), CLASS.format(live)).findings
    assert [(one.level, one.rule, one.item) for one in found] == [("warning", "storage", "A.CLS")] * told


def test_a_project_is_left_alone_where_classes_are_known():
    text = '<Export><Project name="P"><Items></Items></Project></Export>'
    (project,) = read_export([text.encode()], "P.xml")
    selection = package_plan.select([project, class_item()], Terms(), CLASSES, "P.xml")
    assert [item.name for item in selection.code] == ["A.CLS"]
    assert "only names other items" in selection.findings[0].message


def test_orphans_are_in_the_diff_of_what_changes():
    ledger = recorded(KEPT_MAC=OLD)
    made = plan([routine("A.MAC")], live={"KEPT.MAC": OLD}, ledger=ledger)
    assert package_plan.texts(made)[1].endswith("they stay <==\nKEPT.MAC\n")
    same = plan([routine("A.MAC")], live={"KEPT.MAC": OLD, "A.MAC": NEW}, ledger=ledger)
    assert package_plan.texts(same) == ("", "")
