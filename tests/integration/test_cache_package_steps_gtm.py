# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-install steps, and all or nothing, on a real GT.M instance (A5, A15, invariants 10 and 13, FACTS 5.2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from gtm_instance import GtmSandbox
from module_runner import run_module, run_module_raw
from package_cycle import Cycle, global_xml, routine_xml

from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput

CALLED = """CALLED ;
\twrite "top",!
\tquit
F(a,b) quit "["_a_"]["_$get(b)_"]"
P(a)\twrite "hello ",a,!
\tquit
K()\tkill  quit 7
E()\tset x=1/0 quit 1
H()\thalt
R()\tread x read x quit 1
L()\thang 60 quit 1
B(a)\tquit a_a
T()\ttstart ():serial  set ^Y=1 quit 9
W()\tset ^Z=$job quit 1
"""
CASE1 = "CASE ;cases\n write \"case 1\",!\n quit\n"
CASE2 = "CASE ;cases\n write \"case 2\",!\n quit\n"
CONVERT = """CNV ;converts data
BUILD(name) ;
 new n,c set n="",c=0
 for  set n=$order(^CASE(n)) quit:n=""  set ^IDX(^CASE(n),n)=name,c=c+1
 quit c
DROP(name) kill ^IDX quit $data(^IDX)
SAY(text) write "built by ",text,!
 quit
"""
STEPS = [
    {"name": "build the index", "call": "$$BUILD^CNV", "arguments": ["CFIS\"002\""], "expect": "2", "timeout": 20,
     "undo": {"call": "$$DROP^CNV", "arguments": ["x"], "expect": "0"}},
    {"name": "say so", "call": "SAY^CNV", "arguments": ["%41 é\nlines"], "expect": "built by %41 é\nlines",
     "undo": {"reason": "writes nothing"}},
]


@pytest.fixture
def cycle(tmp_path: Path, gtm: GtmSandbox) -> Cycle:
    gtm.routine("CASE", CASE1)
    gtm.m('set ^CASE(1)="open",^CASE(2)="closed",^CFG("a")=0')
    return Cycle(tmp_path, gtm)


def release(cycle, steps=STEPS, **options):
    config = global_xml("^CFG", {("a",): "1"})
    return cycle.begin(
        "CFIS002", routine_xml("CASE.MAC", CASE2), routine_xml("CNV.MAC", CONVERT), config, steps=steps,
        **{"globals": [{"name": "^CFG", "mode": "merge"}], **options},
    )


def test_entries_are_called_with_their_arguments_as_data(gtm):
    gtm.routine("CALLED", CALLED)
    engine = open_engine(gtm.instance)
    for entry, arguments, result in [
        ("$$F^CALLED", ['a"b\n%41 é\udcff', '"_$zhalt(9)_"'], '[a"b\n%41 é\udcff]["_$zhalt(9)_"]'),
        ("$$F^CALLED", ["x"], "[x][]"),
        ("P^CALLED", ["you\n\n"], "hello you"), ("^CALLED", [], "top"), ("$$K^CALLED", [], "7"),
        ("$$B^CALLED", ["v" * 9000], "v" * 18000),
    ]:
        assert engine.call(entry, arguments, 20).result == result
    called = engine.call("$$W^CALLED", [], 20)
    assert (called.result, gtm.m("write ^Z")) == ("1", str(called.pid))


def test_a_call_that_does_not_return_is_an_error_that_names_its_process(gtm):
    gtm.routine("CALLED", CALLED)
    engine = open_engine(gtm.instance)
    for entry, timeout, said in [
        ("$$E^CALLED", 20, "DIVZERO"), ("$$H^CALLED", 20, "ended its process instead of returning"),
        ("$$R^CALLED", 20, "let it read nothing"), ("$$L^CALLED", 1, "did not end within 1 s"),
        ("$$T^CALLED", 20, "TPQUIT"), ("NOPE^CALLED", 20, "LABELMISSING"), ("^NOPE", 20, "ZLINKFILE"),
    ]:
        with pytest.raises(EngineError) as caught:
            engine.call(entry, [], timeout)
        assert said in str(caught.value)
        assert caught.value.detail["pid"] > 0
    assert gtm.m("write $data(^Y)") == "0"


def test_gtm_has_no_classes_to_call(gtm):
    with pytest.raises(InvalidInput, match=r"GT\.M has no classes"):
        open_engine(gtm.instance).check_entry("##class(App.C).M")
    with pytest.raises(InvalidInput, match="cannot be a routine"):
        open_engine(gtm.instance).check_entry("A^App.R")


def test_steps_run_after_the_load_once_and_their_undo_takes_them_back(cycle):
    before = cycle.state()
    args = release(cycle)
    planned = cycle.install(args, check=True)
    assert [one["state"] for one in planned["steps"]] == ["pending", "pending"]
    assert cycle.state() == before
    made = cycle.install(args)
    assert [one["state"] for one in made["steps"]] == ["done", "done"]
    assert cycle.gtm.m('write ^IDX("open",1)') == 'CFIS"002"'
    acts = cycle.ledger().acts(args["change"])
    assert [act["undo"]["kind"] for act in acts] == ["step", "step", "globals", "cache_items"]
    assert [pid for act in reversed(acts) for pid in act["detail"].get("writer_pids", [])] == made["writer_pids"]
    cycle.gtm.m('kill ^IDX("open",1)')
    again = cycle.install(args)
    assert (again["changed"], cycle.gtm.m('write $data(^IDX("open",1))')) == (False, "0")
    cycle.roll_back(args)
    assert cycle.state() == before
    assert cycle.gtm.run("CASE") == "case 1\n"


@pytest.mark.parametrize("place", ["package.step", "package.stepped"])
def test_a_step_that_was_cut_off_is_undone_by_the_rollback_and_never_guessed_at(cycle, place):
    before = cycle.state()
    args = release(cycle)
    with pytest.raises(AssertionError, match="no JSON"):
        run_module("cache_package", args, environment={"RELMGMT_FAILPOINT": place})
    error = cycle.refused(args)
    assert "the step 'build the index' cut off before" in error["message"]
    cycle.roll_back(args)
    assert cycle.state() == before
    cycle.install(args)
    assert cycle.gtm.m('write $data(^IDX("open",1))') == "1"


def test_a_step_with_another_answer_fails_the_module_and_keeps_what_it_answered(cycle):
    steps = [{**STEPS[0], "expect": "3"}, STEPS[1]]
    args = release(cycle, steps)
    error = cycle.refused(args)
    assert "$$BUILD^CNV answered '2', not '3'" in error["message"]
    act = cycle.ledger().acts(args["change"])[0]
    assert (act["outcome"], act["detail"]["result"], len(act["detail"]["writer_pids"])) == ("failed", "2", 1)
    assert cycle.gtm.m("write $data(^IDX)") == "10"
    cycle.roll_back(args)
    assert cycle.gtm.m("write $data(^IDX)") == "0"


def test_nothing_is_touched_for_an_entry_that_gtm_cannot_call(cycle):
    before = cycle.state()
    for call in ("##class(App.C).M", "$$BUILD^CNV(1)"):
        assert cycle.refused(release(cycle, [{**STEPS[0], "call": call}]))["kind"] == "InvalidInput"
    assert cycle.state() == before


def test_a_failing_disk_in_the_middle_of_a_load_puts_everything_back(cycle):
    before = cycle.state()
    args = release(cycle)
    for place in ("package.source", "package.written"):
        result = run_module_raw("cache_package", args, environment={"RELMGMT_FAILPOINT": place + ":error"})
        assert result["error"]["put_back"] is True
        assert "everything was put back" in result["msg"]
        assert cycle.state() == before
        assert cycle.gtm.run("CASE") == "case 1\n"
        assert cycle.ledger().current("cache_package:CFIS") is None
        assert all(act["undone_at"] for act in cycle.ledger().acts(args["change"]))
    assert cycle.install(args)["changed"] is True


def test_a_node_that_a_user_mended_is_newer_and_refused(cycle):
    first = release(cycle, [])
    cycle.install(first)
    cycle.close(first)
    cycle.gtm.m('set ^CFG("a")="mended"')
    second = cycle.begin("CFIS003", global_xml("^CFG", {("a",): "2"}), globals=[{"name": "^CFG", "mode": "merge"}])
    error = cycle.refused(second)
    assert (error["kind"], error["newer"]) == ("Refused", ['^CFG("a")'])
    cycle.install({**second, "newer_on_target": "overwrite"})
    cycle.roll_back(second)
    assert cycle.gtm.m('write ^CFG("a")') == "mended"


def test_real_exports_with_classes_and_pages_are_refused_by_name_before_anything_is_loaded(cycle):
    before = cycle.state()
    items = [
        routine_xml("CASE.MAC", CASE2),
        '<Class name="App.Case">\n<Super>%Persistent</Super>\n<Storage name="D"><Type>T</Type></Storage>\n</Class>\n',
        '<CSP name="x.csp" application="/csp/app/" default="1"><![CDATA[<html>]]></CSP>\n',
        '<Project name="P"><Items><ProjectItem name="CASE" type="MAC"></ProjectItem></Items></Project>\n',
        '<Document name="T.LUT"><lookupTable/></Document>\n', routine_xml("MACROS.INC", "#define X 1\n"),
    ]
    error = cycle.refused(cycle.begin("CFIS002", *items))
    for named in ("App.Case.CLS (line 8)", "/csp/app/x.csp (line 12)", "P.PRJ", "T.LUT", "MACROS.INC"):
        assert named in error["message"]
    assert cycle.state() == before


@pytest.mark.parametrize("somebody_wrote", [False, True])
def test_a_rollback_restores_the_datasets_or_calls_the_undo_but_never_both(cycle, tmp_path, somebody_wrote):
    """The journal knows a step's process as the release's own (invariant 13)."""
    undo = {"call": "$$UNDO^CNV", "arguments": ["x"], "expect": "0"}
    text = CONVERT + 'UNDO(x) kill ^IDX set ^UNDONE=1 quit $data(^IDX)\n'
    args = cycle.begin(
        "CFIS002", routine_xml("CASE.MAC", CASE2), routine_xml("CNV.MAC", text), steps=[{**STEPS[0], "undo": undo}],
        backup=False,
    )
    common = {key: args[key] for key in ("change", "lease", "ledger")}
    run_module("backup_set", {**common, "instance": args["instance"], "root": str(tmp_path / "backup")})
    cycle.install(args)
    if somebody_wrote:
        cycle.gtm.m('set ^USER(1)="data"')
    done = run_module("rollback", common)
    assert done["way"] == ("items" if somebody_wrote else "restore")
    assert cycle.gtm.m("write $data(^IDX),$data(^UNDONE),$data(^USER)") == ("0110" if somebody_wrote else "000")
    assert [row["what"] for row in done["undone"]] == ["build the index", "CASE.MAC, CNV.MAC"]
    assert cycle.gtm.run("CASE") == "case 1\n"
