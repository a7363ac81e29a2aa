# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong or unwise about a package, told offline (TRAPS, what users ask for, 7)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import errors
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_lint import (
    Terms,
    lint_package,
    lint_together,
    project_members,
    terms_of,
)

ROUTINE = '<Routine name="{}" type="{}"><![CDATA[\n{} ;\n q\n]]></Routine>\n'
CLASS = '<Class name="{}"><Super>%Base</Super></Class>\n'
GLOBAL = "<Global><Node><Sub>{}</Sub><Data>1</Data></Node></Global>\n"
PROJECT = '<Project name="P"><Items>{}</Items></Project>\n'
MEMBER = '<ProjectItem name="{}" type="{}"></ProjectItem>'


def routine(name, kind="MAC"):
    return ROUTINE.format(name, kind, name)


def look(*items, kind="cache_xml", head='<?xml version="1.0" encoding="UTF-8"?>\n', **terms):
    data = (head + '<Export generator="IRIS" version="26">\n' + "".join(items) + "</Export>\n").encode()
    return lint_package(kind, [data], Terms(**terms), "P.xml")


def rules(*items, **options):
    return [(one.level, one.rule, one.item, one.line) for one in look(*items, **options)[0]]


def test_a_sound_package_has_no_findings():
    findings, lines = look(routine("A"), CLASS.format("App.C"), GLOBAL.format("^G"), modes={"^G": "merge"})
    assert findings == []
    assert lines == {"A.MAC": 3, "App.C.CLS": 7, "^G": 8}


@pytest.mark.parametrize("items, terms, found", [
    ([GLOBAL.format("^G")], {}, ("error", "global", "^G", 3)),
    ([routine("A")], {"modes": {"^G": "merge"}}, ("error", "absent", "^G", 0)),
    ([routine("%A")], {}, ("error", "percent", "%A.MAC", 3)),
    ([CLASS.format("%App.C")], {"percent_items": ("%App.D.CLS",)}, ("error", "percent", "%App.C.CLS", 3)),
    ([GLOBAL.format("^%G")], {"modes": {"^%G": "merge"}}, ("error", "percent", "^%G", 3)),
    ([routine("A", "OBJ")], {}, ("error", "object_code", "A.OBJ", 3)),
    ([routine("A"), routine("A", "INT")], {}, ("error", "generated", "A.INT", 7)),
    ([routine("A")], {"drops": ("A.MAC",)}, ("error", "dropped", "A.MAC", 3)),
    ([routine("A").replace(" q", " q ;\ufffd")], {}, ("warning", "lost_characters", "A.MAC", 3)),
    ([CLASS.format("C").replace("%Base", "B\ufffd")], {}, ("warning", "lost_characters", "C.CLS", 3)),
    ([GLOBAL.format("^G").replace("</Node>", "</Node><Node><Sub>^H</Sub><Data>2</Data></Node>")],
     {"modes": {"^G": "merge"}}, ("error", "nodes", "^G", 3)),
])
def test_each_finding_names_item_and_line(items, terms, found):
    assert found in rules(*items, **terms)
    assert all(one.cure and one.file == "P.xml" for one in look(*items, **terms)[0])


@pytest.mark.parametrize("pattern", ["%A.MAC", "%*", "%?.MAC", "*"])
def test_percent_items_are_allowed_by_name_or_pattern(pattern):
    assert rules(routine("%A"), percent_items=(pattern,)) == []
    assert rules(routine("A"), percent_items=("%B.MAC",)) == [("warning", "absent", "%B.MAC", 0)]


@pytest.mark.parametrize("member, is_there", [
    (("App.C", "CLS"), True), (("app.c", "CLS"), True), (("App.D", "CLS"), False), (("A", "MAC"), True),
    (("A", "INT"), False), (("A.MAC", "MAC"), True), (("App", "PKG"), True), (("Ap", "PKG"), False),
    (("^G", "GBL"), True), (("G", "GBL"), True), (("G.GBL", "GBL"), True), (("^H.GBL", "GBL"), False),
    (("csp/app/x.csp", "CSP"), True), (("/csp/app/x.csp", "CSP"), True), (("csp/app/y.csp", "CSP"), False),
    (("csp/app", "DIR"), True), (("csp/other", "DIR"), False), (("T.LUT", "LUT"), True),
])
def test_members_of_a_project_are_in_the_package(member, is_there):
    page = '<CSP name="x.csp" application="/csp/app/"><![CDATA[<html>]]></CSP>'
    document = '<Document name="T.LUT"><lookupTable/></Document>'
    items = [PROJECT.format(MEMBER.format(*member)), CLASS.format("App.C"), routine("A"), GLOBAL.format("^G"), page,
             document]
    found = rules(*items, modes={"^G": "merge"})
    assert found == [] if is_there else found == [("error", "project", "P.PRJ", 3)]


def test_members_are_read_as_a_parser_reads_them():
    element = PROJECT.format(MEMBER.format("A&amp;B", "cls") + "<!-- " + MEMBER.format("no", "CLS") + " -->").encode()
    assert project_members(element) == [("A&B", "CLS")]


def test_a_file_that_cannot_be_read_is_one_finding():
    findings, lines = look(routine("A"), "<Rootine/>")
    assert [(one.level, one.rule, one.line) for one in findings] == [("error", "unreadable", 7)]
    assert lines == {}
    twice = look(routine("A"), routine("A"))[0]
    assert "twice, first at line 3" in twice[0].message


def test_a_label_that_strict_readers_do_not_know_is_a_warning():
    head = "<?xml version='1.0' encoding='UTF8'?>\n"
    assert rules(routine("A"), head=head) == [("warning", "encoding", "", 1)]
    assert rules(routine("A"), head="") == []


def test_the_type_of_a_package_is_what_the_release_says():
    assert "give its type in release.yml as cache_xml" in look(routine("A"), kind="routines")[0][0].cure
    data = b"x\n%RO on Jun 2 2000\nA^INT^1^59973,59905^0\n q\n"
    (wrong,), _lines = lint_package("cache_xml", [data], Terms(), "P.ro")
    assert "give its type in release.yml as routines" in wrong.cure
    assert lint_package("routines", [data], Terms(), "P.ro") == ([], {"A.INT": 3})


@pytest.mark.parametrize("steps, said", [
    ([{"name": "a", "call": "A^B(1)", "expect": "", "undo": {"reason": "x"}}], "not the name of an entry"),
    ([{"name": "a", "call": "A^B", "expect": "", "undo": {"reason": "x"}}] * 2, "two steps are called 'a'"),
])
def test_steps_are_looked_at(steps, said):
    (found,) = look(routine("A"), steps=tuple(steps))[0]
    assert said in found.message


def test_an_item_that_two_files_hold_is_told_with_both_places():
    (found,) = lint_together({"A.xml": {"X.MAC": 3, "Y.MAC": 9}, "B.xml": {"X.MAC": 7}})
    assert (found.item, found.file, found.line) == ("X.MAC", "B.xml", 7)
    assert "A.xml too, line 3" in found.message


def test_terms_come_from_a_packages_options():
    options = {"drops": ["A.MAC"], "globals": [{"name": "^G", "mode": "merge"}], "percent_items": None, "file": "x"}
    assert terms_of(options) == Terms(("A.MAC",), {"^G": "merge"}, (), ())


def test_errors_are_those_that_refuse():
    assert [one.rule for one in errors(look(routine("%A"), percent_items=("%B",))[0])] == ["percent"]
