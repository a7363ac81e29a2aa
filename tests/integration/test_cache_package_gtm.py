# SPDX-License-Identifier: GPL-3.0-or-later
"""cache_package and cache_package_info on a real GT.M instance (A5, T31, T32, T35, FACTS 5.3)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from gtm_instance import GtmSandbox
from module_runner import run_module, run_module_raw
from package_cycle import Cycle, global_xml, routine_xml

from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import observe_cache_items

CASE1 = "CASE ;cases\n write \"case 1\",!\n quit\n"
CASE2 = "CASE ;cases\n write \"case 2\",!\n quit\nTAIL ;text\n write $text(+0),\" \",$text(TAIL),!\n quit\n"
UTIL = "%CFUTIL ;utility\n write \"util\",!\n quit\n"
OLD = "CASEOLD ;old\n write \"old\",!\n quit\n"
CFG = {(): "config", ("cats", "port"): "9001", ("meds",): "quote \" and % and é"}
MERGE = {"globals": [{"name": "^CFISCFG", "mode": "merge"}]}
REPLACE = {"globals": [{"name": "^CFISCFG", "mode": "replace"}]}
BAD = "BAD ;bad\n write \"x\n set x=$$$MACRO\n quit\n"


@pytest.fixture
def cycle(tmp_path: Path, gtm: GtmSandbox) -> Cycle:
    gtm.routine("CASE", CASE1)
    gtm.routine("CASEOLD", OLD)
    gtm.m('set ^CFISCFG("cats","port")=7001,^CFISCFG("own")="kept",^USER(1)="data"')
    return Cycle(tmp_path, gtm)


def next_release(cycle, mode=None, **options):
    return cycle.begin(
        "CFIS002", routine_xml("CASE.MAC", CASE2), routine_xml("%CFUTIL.INT", UTIL),
        global_xml("^CFISCFG", CFG),
        **{"drops": ["CASEOLD.MAC"], "percent_items": ["%CFUTIL.INT"], **(mode or MERGE), **options},
    )


def states(result):
    return {item["name"]: item["state"] for item in result["items"]}


NEXT = {"CASE.MAC": "changed", "%CFUTIL.INT": "added", "^CFISCFG": "changed", "CASEOLD.MAC": "dropped"}


def test_check_mode_says_what_would_happen_and_touches_nothing(cycle):
    args = next_release(cycle)
    files, state = cycle.files(), cycle.state()
    for _time in range(2):
        result = cycle.install(args, check=True)
        assert result["changed"] is True
        assert states(result) == NEXT
        assert "==> CASE.MAC <==\nCASE ;cases\n write \"case 1\"" in result["diff"]["before"]
        assert "^CFISCFG(\"cats\",\"port\")='9001'" in result["diff"]["after"]
        assert "CASEOLD" not in result["diff"]["after"]
    looked = run_module("cache_package_info", {k: v for k, v in args.items() if k not in ("change", "lease")})
    assert (looked["changed"], states(looked)) == (False, NEXT)
    assert cycle.files() == files
    assert cycle.state() == state


def test_install_creates_modifies_and_deletes_and_a_second_run_changes_nothing(cycle):
    args = next_release(cycle)
    result = cycle.install(args)
    assert result["changed"] is True
    assert states(result) == NEXT
    assert cycle.gtm.run("CASE") == "case 2\n"
    assert cycle.gtm.run("TAIL^CASE") == "CASE TAIL ;text\n"
    assert cycle.gtm.run("%CFUTIL") == "util\n"
    assert not (cycle.gtm.sources / "CASEOLD.m").exists()
    assert not (cycle.gtm.objects / "CASEOLD.o").exists()
    assert cycle.gtm.extract() == [
        '^CFISCFG="config"', '^CFISCFG("cats","port")="9001"',
        '^CFISCFG("meds")="quote "" and % and é"', '^CFISCFG("own")="kept"', '^USER(1)="data"',
    ]
    files = cycle.files()
    for check in (False, True):
        again = cycle.install(args, check=check)
        assert again["changed"] is False
        assert set(states(again).values()) == {"same"}
        assert "diff" not in again
    assert cycle.files() == files


def test_the_ledger_says_what_is_current_and_who_wrote(cycle):
    args = next_release(cycle)
    result = cycle.install(args)
    current = cycle.ledger().current("cache_package:CFIS")
    assert (current["release"], current["digest"]) == ("CFIS002", args["sha256"])
    assert set(current["detail"]["items"]) == {"CASE.MAC", "%CFUTIL.INT", "^CFISCFG"}
    acts = cycle.ledger().acts(args["change"])
    assert [act["undo"]["kind"] for act in acts] == ["globals", "cache_items"]
    assert acts[0]["detail"]["writer_pids"] == result["writer_pids"] != []


@pytest.mark.parametrize("mode", [MERGE, REPLACE], ids=["merge", "replace"])
def test_going_back_is_exact_and_idempotent(cycle, mode):
    before = cycle.state()
    args = next_release(cycle, mode)
    cycle.install(args)
    assert cycle.state() != before
    cycle.roll_back(args)
    assert cycle.state() == before
    assert cycle.gtm.run("CASE") == "case 1\n"
    assert cycle.gtm.run("CASEOLD") == "old\n"
    assert not (cycle.gtm.objects / "_CFUTIL.o").exists()
    assert cycle.ledger().current("cache_package:CFIS") is None
    for detail in cycle.undo_again(args):
        assert detail["put_back"] == []
    assert cycle.state() == before


def test_replace_makes_the_global_exactly_the_packages(cycle):
    result = cycle.install(next_release(cycle, REPLACE))
    assert states(result)["^CFISCFG"] == "changed"
    assert cycle.gtm.m('write $data(^CFISCFG("own")),^CFISCFG("cats","port"),^USER(1)') == "09001data"


def test_a_users_write_after_the_install_survives_going_back(cycle):
    args = next_release(cycle, REPLACE)
    cycle.install(args)
    cycle.gtm.m('set ^CFISCFG("cats","port")=4444,^CFISCFG("late")="user",^USER(2)="more"')
    (data, _code) = cycle.roll_back(args)
    assert data["kept"] == ['^CFISCFG("cats","port")']
    assert cycle.gtm.extract() == [
        '^CFISCFG("cats","port")="4444"', '^CFISCFG("late")="user"', '^CFISCFG("own")="kept"',
        '^USER(1)="data"', '^USER(2)="more"',
    ]


@pytest.mark.parametrize("check", [True, False])
def test_a_compile_error_names_routine_and_line_and_leaves_the_old_one_running(cycle, check):
    before = cycle.state()
    args = cycle.begin("CFIS002", routine_xml("CASE.MAC", CASE2), routine_xml("BAD.MAC", BAD), backup=False)
    error = cycle.refused(args, check)
    assert error["kind"] == "CompileFailed"
    assert [(one["item"], one["line"]) for one in error["errors"]] == [("BAD.MAC", 2), ("BAD.MAC", 3)]
    assert error["errors"][0]["text"] == 'write "x'
    assert "SPOREOL" in error["errors"][0]["message"]
    assert cycle.state() == before
    assert cycle.gtm.run("CASE") == "case 1\n"
    assert cycle.ledger().acts(args["change"]) == []


def test_what_gt_m_cannot_hold_is_refused_by_name_before_anything_is_touched(cycle):
    before = cycle.state()
    args = cycle.begin("CFIS002", routine_xml("CASE.MAC", CASE2), '<Class name="App.Case"/>\n')
    error = cycle.refused(args)
    assert "App.Case.CLS (line 11)" in error["message"]
    assert cycle.state() == before


def test_a_global_is_refused_unless_the_release_names_it(cycle):
    before = cycle.state()
    error = cycle.refused(cycle.begin("CFIS002", global_xml("^CFISCFG", CFG)))
    assert "^CFISCFG" in error["message"]
    assert "merge or replace" in error["cure"]
    assert cycle.state() == before


def test_a_hot_fix_on_the_target_is_refused_unless_told_otherwise(cycle):
    first = cycle.begin("CFIS001", routine_xml("CASE.MAC", CASE1))
    assert cycle.install(first)["changed"] is False
    cycle.close(first)
    cycle.gtm.routine("CASE", CASE1.replace("case 1", "hot fix"))
    args = next_release(cycle)
    error = cycle.refused(args)
    assert (error["kind"], error["newer"]) == ("Refused", ["CASE.MAC"])
    assert cycle.gtm.run("CASE") == "hot fix\n"
    result = cycle.install({**args, "newer_on_target": "overwrite"})
    assert result["newer"] == ["CASE.MAC"]
    assert cycle.gtm.run("CASE") == "case 2\n"
    cycle.roll_back(args)
    assert cycle.gtm.run("CASE") == "hot fix\n"


def test_orphans_are_reported_and_removed_only_when_named(cycle):
    cycle.close(first := cycle.begin("CFIS001", routine_xml("CASE.MAC", CASE1), routine_xml("CASEOLD.MAC", OLD)))
    cycle.ledger().close_receipt(first["change"], 1, "not_started")
    first = cycle.begin("CFIS001", routine_xml("CASE.MAC", CASE1), routine_xml("CASEOLD.MAC", OLD))
    cycle.install(first)
    second = cycle.begin("CFIS002", routine_xml("CASE.MAC", CASE2))
    assert cycle.install(second)["orphans"] == ["CASEOLD.MAC"]
    assert cycle.install(second)["orphans"] == ["CASEOLD.MAC"]
    assert cycle.gtm.run("CASEOLD") == "old\n"
    third = cycle.begin("CFIS003", routine_xml("CASE.MAC", CASE2), drops=["CASEOLD.MAC"])
    result = cycle.install(third)
    assert (result["orphans"], states(result)) == ([], {"CASE.MAC": "same", "CASEOLD.MAC": "dropped"})
    cycle.roll_back(third)
    assert cycle.gtm.run("CASEOLD") == "old\n"
    assert cycle.ledger().current("cache_package:CFIS")["release"] == "CFIS002"


def test_line_ends_alone_are_no_change(cycle):
    """T35: the live source has CRLF, the package LF."""
    cycle.gtm.routine("CASE", CASE1.replace("\n", "\r\n"))
    args = cycle.begin("CFIS002", routine_xml("CASE.MAC", CASE1))
    assert cycle.install(args)["changed"] is False
    assert b"\r\n" in (cycle.gtm.sources / "CASE.m").read_bytes()


def test_a_stale_object_is_noticed_and_compiled_again(cycle):
    source = cycle.gtm.routine("CASE", CASE2, compiled=False)
    os.utime(source, (1000000000, 1000000000))
    assert cycle.gtm.run("CASE") == "case 1\n", "GT.M runs the object of another source"
    args = cycle.begin("CFIS002", routine_xml("CASE.MAC", CASE2))
    result = cycle.install(args)
    assert (result["changed"], states(result)) == (True, {"CASE.MAC": "changed"})
    assert "object" in result["items"][0]["reason"]
    assert cycle.gtm.run("CASE") == "case 2\n"
    assert cycle.install(args)["changed"] is False


def test_going_back_runs_the_older_source_again(cycle):
    os.utime(cycle.gtm.sources / "CASE.m", (1000000000, 1000000000))
    args = next_release(cycle)
    cycle.install(args)
    cycle.roll_back(args)
    live = open_engine(cycle.gtm.instance).read_items(["CASE.MAC", "CASEOLD.MAC", "%CFUTIL.INT"])
    assert {name: item.stale for name, item in live.items()} == {"CASE.MAC": False, "CASEOLD.MAC": False}
    assert cycle.gtm.run("CASE") == "case 1\n"


@pytest.mark.parametrize("problem", ["none", "old", "gone", "elsewhere"])
def test_nothing_is_changed_without_a_good_backup_point(cycle, problem, tmp_path):
    before = cycle.state()
    args = next_release(cycle, backup=False)
    if problem != "none":
        path = cycle.add_backup(args["change"], 5000 if problem == "old" else 0)
    if problem == "old":
        args["max_backup_age"] = 4000
    if problem == "gone":
        path.rmdir()
    if problem == "elsewhere":
        args["backup_root"] = str(tmp_path / "other")
    error = cycle.refused(args)
    assert (error["kind"], "backup phase" in error["cure"]) == ("Refused", True)
    assert "before" in error["message"]
    assert cycle.state() == before
    assert cycle.install(args, check=True)["changed"] is True


def test_a_package_that_was_not_approved_is_refused(cycle):
    approved = next_release(cycle)
    other = cycle.deliver("CFIS003", b"<Export/>", "0" * 64)
    error = cycle.refused({**approved, "bundle": other, "file": "CFIS003.xml", "sha256": "0" * 64})
    assert error["kind"] == "Refused"


@pytest.mark.parametrize("place", [
    "package.begun", "package.source", "package.compiled", "package.removed", "package.globals", "package.written",
])
def test_a_load_that_was_killed_is_undone_or_finished(cycle, place):
    """kill -9 at each named place; then back, and then the whole way."""
    before = cycle.state()
    args = next_release(cycle)
    with pytest.raises(AssertionError, match="no JSON"):
        run_module("cache_package", args, environment={"RELMGMT_FAILPOINT": place})
    assert cycle.ledger().acts(args["change"])[0]["outcome"] is None
    cycle.roll_back(args)
    assert cycle.state() == before
    assert (cycle.gtm.run("CASE"), cycle.gtm.run("CASEOLD")) == ("case 1\n", "old\n")
    assert cycle.ledger().current("cache_package:CFIS") is None
    with pytest.raises(AssertionError, match="no JSON"):
        run_module("cache_package", args, environment={"RELMGMT_FAILPOINT": place})
    cycle.install(args)
    assert set(states(cycle.install(args)).values()) == {"same"}
    assert cycle.gtm.run("CASE") == "case 2\n"
    assert not (cycle.gtm.objects / "CASEOLD.o").exists()
    cycle.roll_back(args)
    assert cycle.state() == before
    assert cycle.gtm.run("CASE") == "case 1\n"


def test_a_full_or_failing_disk_is_an_error_with_a_cure(cycle):
    args = next_release(cycle)
    result = run_module_raw("cache_package", args, environment={"RELMGMT_FAILPOINT": "package.source:error"})
    assert result["failed"] is True
    assert (result["error"]["kind"], "space" in result["error"]["cure"]) == ("EngineError", True)
    cycle.roll_back(args)
    assert cycle.gtm.run("CASE") == "case 1\n"


def test_a_frozen_dataset_is_refused_and_never_waited_for(cycle):
    args = next_release(cycle)
    cycle.gtm.engine.require(cycle.gtm.engine.mupip("freeze", "-on", "DEFAULT"), "freeze")
    try:
        error = cycle.refused(args)
    finally:
        cycle.gtm.engine.require(cycle.gtm.engine.mupip("freeze", "-off", "DEFAULT"), "thaw")
    assert "frozen" in error["message"]
    assert cycle.ledger().acts(args["change"]) == []


def test_a_routine_mended_after_the_install_is_kept_aside_when_going_back(cycle):
    args = next_release(cycle)
    cycle.install(args)
    cycle.gtm.routine("CASE", CASE2.replace("case 2", "mended"))
    details = cycle.roll_back(args)
    assert details[-1]["overwritten"] == ["CASE.MAC"]
    kept = list((cycle.ledger_path.parent / "preimages").rglob("overwritten/CASE.m"))
    assert [path.read_text() for path in kept] == [CASE2.replace("case 2", "mended")]


def test_drift_is_seen_by_what_the_ledger_keeps(cycle):
    args = next_release(cycle)
    cycle.install(args)
    current = cycle.ledger().current("cache_package:CFIS")
    recipe = current["detail"]["observe"]
    assert observe_cache_items(recipe).digest == recipe["digest"]
    cycle.gtm.routine("CASE", CASE1)
    assert observe_cache_items(recipe).digest != recipe["digest"]


def test_the_engines_own_utilities_are_a_package_like_any_other(cycle):
    """Routines that nobody here wrote: Debian's fis-gtm ships utilities in source."""
    texts = {path.stem.replace("_", "%"): path.read_text(errors="surrogateescape")
             for path in sorted(Path(cycle.gtm.dist).glob("_[A-Z]*.m"))}
    items = [routine_xml(f"{name}.INT", text) for name, text in texts.items()]
    args = cycle.begin("CFIS002", *items, percent_items=["%*.INT"])
    result = cycle.install(args)
    assert (result["compiled"], set(states(result).values())) == (len(texts), {"added"})
    assert cycle.install(args)["changed"] is False
    cycle.roll_back(args)
    assert sorted(path.name for path in cycle.gtm.sources.iterdir()) == ["CASE.m", "CASEOLD.m"]


def test_values_of_globals_never_become_code(cycle):
    nasty = {('a")', '"_$zhalt(9)_"'): '"),^PWNED=1,("', ("%41", " "): "line\nfeed\ttab %zz", ("x" * 200,): "v" * 60000}
    args = cycle.begin("CFIS002", global_xml("^NASTY", nasty), globals=[{"name": "^NASTY", "mode": "replace"}])
    assert states(cycle.install(args)) == {"^NASTY": "added"}
    assert cycle.install(args)["changed"] is False
    assert cycle.gtm.m('write $data(^PWNED),$length(^NASTY($translate($justify("",200)," ","x")))') == "060000"
    cycle.roll_back(args)
    assert cycle.gtm.m("write $data(^NASTY)") == "0"


def test_all_globals_or_none(cycle):
    """The second global breaks the record size: the first one is not written either."""
    before = cycle.gtm.extract()
    args = cycle.begin(
        "CFIS002", global_xml("^ONE", {("a",): "1"}), global_xml("^TWO", {("a",): "v" * 200000}),
        globals=[{"name": "^ONE", "mode": "merge"}, {"name": "^TWO", "mode": "merge"}],
    )
    error = cycle.refused(args)
    assert "REC2BIG" in error["message"]
    assert cycle.gtm.extract() == before
    assert cycle.ledger().acts(args["change"])[0]["outcome"] == "failed"


def icu_version() -> str:
    """What gtm_icu_version wants for the ICU that is installed, such as 7.2."""
    found = [path.name.rpartition(".")[2] for path in Path("/usr/lib").glob("*/libicuio.so.[0-9][0-9]")]
    return f"{found[0][0]}.{found[0][1]}" if found else ""


@pytest.mark.skipif(not icu_version(), reason="untested: no ICU for GT.M's UTF-8 mode")
def test_a_utf_8_instance_takes_text_and_bytes(tmp_path, gtm_dist):
    gtm = GtmSandbox(tmp_path / "utf", "CFIS", gtm_dist)
    gtm.instance["gtm"]["environment"] = {"gtm_chset": "UTF-8", "gtm_icu_version": icu_version()}
    gtm.engine = GtmInstance.of(gtm.instance)
    gtm.create()
    cycle = Cycle(tmp_path, gtm)
    raw = "<Global><Node><Sub>^RAW</Sub><DataBase64>/wA=</DataBase64></Node></Global>"
    args = cycle.begin(
        "CFIS002", routine_xml("A.MAC", 'A ;é\n write $length("é€"),!\n quit\n'), global_xml("^G", {("é",): "€"}), raw,
        globals=[{"name": "^G", "mode": "replace"}, {"name": "^RAW", "mode": "merge"}],
    )
    assert cycle.install(args)["changed"] is True
    assert cycle.install(args)["changed"] is False
    assert gtm.run("A") == "2\n"
    assert gtm.m('write ^G("é")') == "€"
    cycle.roll_back(args)
    assert cycle.state() == ({}, [])
    gtm.close()
