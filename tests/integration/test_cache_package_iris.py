# SPDX-License-Identifier: GPL-3.0-or-later
"""cache_package on Caché and IRIS: classes, routines and globals (A5, T28, T31, T32; FACTS 2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from iris_instance import IrisSandbox, Make, products
from module_runner import run_module
from package_cycle import Cycle, global_xml, routine_xml

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item

CASE1 = "RELMGMTCASE ;cases\n quit\nV() quit \"case 1\"\n"
CASE2 = "RELMGMTCASE ;cases\n quit\nV() quit \"case 2\"\n"
OLD = "RELMGMTOLD ;old\n quit\n"
BAD = "RELMGMTNEW ;bad\n quit\nV() quit (1\n"
CFG = {(): "config", ("cats", "port"): "9001"}
MERGE = {"globals": [{"name": "^RELMGMTCFG", "mode": "merge"}]}


def class_xml(name: str, version: str, super_: str = "%RegisteredObject") -> str:
    # As an exporter of another version may write it: without times, without blank lines.
    return (
        f'<Class name="RelMgmt.{name}">\n<Super>{super_}</Super>\n'
        '<Method name="Version">\n<ClassMethod>1</ClassMethod>\n'
        f'<ReturnType>%String</ReturnType>\n<Implementation><![CDATA[\tquit "{version}"\n]]></Implementation>\n'
        "</Method>\n</Class>\n"
    )


class IrisCycle(Cycle):
    """Change after change on an instance."""

    NAMES = (
        "RELMGMTCASE.MAC", "RELMGMTCASE.INT", "RELMGMTOLD.MAC", "RELMGMTNEW.MAC",
        "RelMgmt.Base.CLS", "RelMgmt.Case.CLS",
    )

    def __init__(self, base: Path, iris: IrisSandbox) -> None:
        super().__init__(base, iris)
        self.iris = iris

    def state(self):
        """Live items and the nodes of the global."""
        items = self.iris.engine.read_items(list(self.NAMES))
        return {name: (item.lines, item.stale) for name, item in items.items()}, self.iris.nodes("^RELMGMTCFG")

    def next_release(self, **options):
        return self.begin(
            "CFIS002", class_xml("Base", "2"), class_xml("Case", "2", "RelMgmt.Base"),
            routine_xml("RELMGMTCASE.MAC", CASE2), global_xml("^RELMGMTCFG", CFG),
            **{"drops": ["RELMGMTOLD.MAC"], **MERGE, **options},
        )


@pytest.fixture(scope="module", params=products("cache2018"))
def shared(make_shared_iris: Make, request: pytest.FixtureRequest) -> IrisSandbox:
    return make_shared_iris(request.param)


@pytest.fixture
def cycle(tmp_path: Path, shared: IrisSandbox) -> IrisCycle:
    if shared.emulated:
        shared.settle()
    shared.clear()
    made = IrisCycle(tmp_path, shared)
    items = (class_xml("Base", "1"), routine_xml("RELMGMTCASE.MAC", CASE1), routine_xml("RELMGMTOLD.MAC", OLD))
    first = made.begin("CFIS001", *items)
    made.install(first)
    made.close(first)
    shared.set("^RELMGMTCFG", "own", value="kept")
    return made


def states(result):
    return {item["name"]: item["state"] for item in result["items"]}


NEXT = {
    "RelMgmt.Base.CLS": "changed", "RelMgmt.Case.CLS": "added", "RELMGMTCASE.MAC": "changed",
    "^RELMGMTCFG": "added", "RELMGMTOLD.MAC": "dropped",
}


def test_twelve_steps_of_a_package(cycle):
    args = cycle.next_release()
    before = cycle.state()
    for _ in range(2):
        planned = cycle.install(args, check=True)
        assert planned["changed"] is True
        assert states(planned) == NEXT
        assert 'quit "1"' in planned["diff"]["before"]
        assert 'quit "2"' in planned["diff"]["after"]
    assert cycle.state() == before
    done = cycle.install(args)
    assert (done["changed"], states(done)) == (True, NEXT)
    call = cycle.iris.engine.call
    assert call("##class(RelMgmt.Case).Version", [], 60).result == "2"
    assert call("$$V^RELMGMTCASE", [], 60).result == "case 2"
    assert cycle.iris.engine.read_items(["RELMGMTOLD.MAC", "RELMGMTOLD.INT"]) == {}
    assert cycle.iris.nodes("^RELMGMTCFG") == {**CFG, ("own",): "kept"}
    after = cycle.state()
    for check in (False, True):
        again = cycle.install(args, check=check)
        assert again["changed"] is False, states(again)
        assert set(states(again).values()) == {"same"}
    assert cycle.state() == after


def test_going_back_is_exact_and_idempotent(cycle):
    before = cycle.state()
    args = cycle.next_release()
    cycle.install(args)
    assert cycle.state() != before
    details = cycle.roll_back(args)
    assert [detail["overwritten"] for detail in details if detail.get("overwritten")] == []
    assert cycle.state() == before
    assert cycle.iris.engine.call("$$V^RELMGMTCASE", [], 60).result == "case 1"
    for detail in cycle.undo_again(args):
        assert detail["put_back"] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_compile_error_names_item_and_line_and_goes_back(cycle, language):
    cycle.iris.scenario(language=language)
    before = cycle.state()
    args = cycle.begin("CFIS002", class_xml("Base", "2"), routine_xml("RELMGMTNEW.MAC", BAD))
    error = cycle.refused(args)
    assert error["kind"] == "CompileFailed"
    assert ("RELMGMTNEW.MAC", 3) in [(one["item"], one["line"]) for one in error["errors"]]
    cycle.roll_back(args)
    assert cycle.state() == before


def test_t32_a_hot_fix_on_the_target_is_not_overwritten(cycle):
    lines = tuple(CASE1.replace("case 1", "hot fix").splitlines())
    cycle.iris.engine.load_items([Item("RELMGMTCASE.MAC", lines)], [])
    error = cycle.refused(cycle.next_release())
    assert error["kind"] == "Refused"
    assert "RELMGMTCASE.MAC" in error["newer"]


def dated_xml(name, text, time):
    return routine_xml(name, text).replace(' languagemode', f' timestamp="{time}" languagemode')


MINE = Item("RELMGMTNEW.MAC", ("RELMGMTNEW ;mine", " quit"), changed="64000,100")
OURS = "RELMGMTNEW ;release\n quit\n"


def test_t32_what_no_release_installed_goes_by_its_own_time(cycle):
    cycle.iris.engine.load_items([MINE], [])
    error = cycle.refused(cycle.begin("CFIS002", dated_xml(MINE.name, OURS, "64000,99")))
    assert (error["kind"], error["newer"]) == ("Refused", [MINE.name])


def test_t32_an_item_that_was_put_back_is_not_newer_than_before(cycle):
    cycle.iris.engine.load_items([MINE], [])
    for _attempt in range(2):
        args = cycle.begin("CFIS002", dated_xml(MINE.name, OURS, "64000,101"))
        assert states(cycle.install(args)) == {MINE.name: "changed"}
        cycle.roll_back(args)
        cycle.close(args)


def test_a_language_mode_is_loaded_and_compared(cycle):
    usual = routine_xml("RELMGMTNEW.MAC", "RELMGMTNEW ;old\n quit\n")
    args = cycle.begin("CFIS002", usual.replace('languagemode="0"', 'languagemode="1"'))
    assert states(cycle.install(args)) == {"RELMGMTNEW.MAC": "added"}
    assert cycle.iris.engine.read_items(["RELMGMTNEW.MAC"])["RELMGMTNEW.MAC"].mode == "1"
    assert cycle.install(args)["changed"] is False
    cycle.close(args)
    args = cycle.begin("CFIS003", usual)
    done = cycle.install(args)
    assert [(one["state"], one["reason"]) for one in done["items"]] == [
        ("changed", "its language mode is 1, in the package 0"),
    ]
    assert cycle.install(args)["changed"] is False
    cycle.roll_back(args)
    assert cycle.iris.engine.read_items(["RELMGMTNEW.MAC"])["RELMGMTNEW.MAC"].mode == "1"


def test_t28_the_ledger_keeps_no_password(cycle):
    cycle.iris.scenario(credentials=("deploy", "s3cret-pass"))
    options = {**cycle.iris.instance["iris"], "username": "deploy", "password": "s3cret-pass"}
    args = {**cycle.next_release(), "instance": {**cycle.iris.instance, "iris": options}}
    result = cycle.install(args)
    assert result["changed"]
    kept = json.dumps([cycle.ledger().acts(args["change"]), cycle.ledger().currents(), result])
    assert "s3cret-pass" not in kept
    assert b"s3cret-pass" not in cycle.ledger_path.read_bytes()


def test_looking_needs_no_permit_and_changes_nothing(cycle):
    before = cycle.state()
    args = cycle.next_release()
    looked = run_module("cache_package_info", {k: v for k, v in args.items() if k not in ("change", "lease")})
    assert (looked["changed"], states(looked)) == (False, NEXT)
    assert cycle.state() == before
