# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of routine files of both dialects (FACTS 2.4, 5.4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import normal_text
from ansible_collections.relmgmt.release.plugins.module_utils._core.routine_file import (
    RoutineLimits,
    is_routine_file,
    read_routines,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

CACHE = "Cache for Windows NT^INT^Routine Exported^~Format=Cache.S~\n%RO on Jun 2 2000   9:25 PM\n"
GTM = "my label\nGT.M 21-NOV-2026 23:18:55\n"
VISTA = "XUS ;SF/STAFF - SIGNON ;07/20/2007\n ;;8.0;KERNEL;**16,26**;Jul 10, 1995\n\tS X=$C(7) Q\n"

LIMITS = RoutineLimits()


def read(text, limits=LIMITS):
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_routines([data[:50], data[50:]], "P.ro", limits))


def refusal(text, limits=LIMITS):
    with pytest.raises(InvalidInput) as caught:
        read(text, limits)
    return caught.value


def test_caches_heads_say_name_type_time_and_whether_it_was_generated():
    items = read(CACHE + "A^INT^1^59973,59905^0\nA ;\n q\n\nPkg.B^MAC^^66647,52367.64^1\nB ;\n\n")
    assert [(one.name, one.line, one.changed, one.generated) for one in items] == [
        ("A.INT", 3, "59973,59905", False), ("Pkg.B.MAC", 7, "66647,52367.64", True),
    ]
    assert items[0].lines == ("A ;", " q")


@pytest.mark.parametrize("head", [
    "Cache for UNIX^INT^^~Format=Cache.S~\n%RO on 08 Feb 2010   4:19 PM\nA^INT^1^59973,59905^0\n",
    "IRIS for Windows^MAC^^~Format=IRIS.S~^RAW\n%RO on 22 Jun 2023 2:33 PM\nA^INT^^66647,52367.6489234^0\n",
    "^INT^Save for Source Control^^~Format=Cache.S~^UTF8\n%RO\nA^INT\n",
    "Title^INT^description\n%RO on date\nA^INT^1^57039,33072\n", GTM + "A\n", GTM + "A^INT^1\n",
    "label\nYottaDB 2-JAN-2027 03:04:05\nA\n", "\ufefflabel\nGT.M 21-NOV-2026 23:18:55\nA\n",
])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_variants_of_both_dialects_give_the_same_item(head, line_end, end):
    (item,) = read((head + VISTA + end).replace("\n", line_end))
    export = f'<Export><Routine name="A" type="INT"><![CDATA[\n{VISTA}]]></Routine></Export>'
    (same,) = read_export([export.encode()], "P.xml")
    assert (item.name, item.digest, item.lines) == (same.name, same.digest, same.lines)


def test_an_empty_line_in_cache_code_is_code():
    (one, two) = read(CACHE + "A^INT^1^1,1^0\nA ;\n\n q\nA2^INT\n\nB^INC^1^1,1^0\n#; x\n")
    assert (one.lines, two.name) == (("A ;", "", " q", "A2^INT"), "B.INC")


def test_gtm_ends_a_routine_with_an_empty_line_or_with_a_form_feed():
    plain = read(GTM + "%A\n%A ;x\n \n\tq\n\nB\nB ;\n q\n\n\n\n")
    assert [(one.name, one.line) for one in plain] == [("%A.INT", 3), ("B.INT", 8)]
    for feed in ("\r\f", "\f"):
        fed = read(GTM + f"%A\n%A ;x\n\n\tq\n{feed}\nB\nB ;\n q\n{feed}\n\n")
        assert [one.name for one in fed] == ["%A.INT", "B.INT"]
        assert fed[0].lines == ("%A ;x", "", "\tq")
    assert read((GTM + "A\nA ;\n\n q\n\f\n").replace("\n", "\r\n"))[0].lines == ("A ;", "", " q")


def test_bytes_that_are_not_utf_8_stay_what_they_are():
    (item,) = read((GTM + "A\nA ;Gem\xfcse\n").encode("latin-1"))
    assert item.lines[0].encode("utf-8", "surrogateescape") == b"A ;Gem\xfcse"
    told = refusal(("^INT^^~Format=Cache.S~^UTF8\n%RO\nA^INT\nA ;Gem\xfcse\n").encode("latin-1"))
    assert (told.place, "byte FC" in told.message) == ("P.ro line 4", True)


@pytest.mark.parametrize("text, said, place", [
    ("", "second line", "line 2"), ("a\nb\nc\n", "'b' is not the second line", "line 2"),
    ("<?xml version='1.0'?>\n<Export>", "an XML file", "line 1"),
    (GTM, "holds no routine", "P.ro"), (CACHE, "holds no routine", "P.ro"),
    (CACHE + " q\n", "' q' stands where", "line 3"), (GTM + "A\nA ;\n\n q\n", "' q' stands where", "line 6"),
    (GTM + "A B\nq\n", "stands where", "line 3"), (GTM + "A\n\nB\n q\n", "A.INT is empty", "line 3"),
    (CACHE + "A^INT^1^1,1^0\n\n\nB^INT^1^1,1^0\n q\n", "A.INT is empty", "line 3"),
    (GTM + "A\n q\n\nA\n q\n", "A.INT is in the package twice, first at line 3", "line 6"),
])
def test_what_is_no_routine_file_is_refused_with_its_line(text, said, place):
    error = refusal(text)
    assert said in error.message
    assert place in error.place
    assert error.cure


def test_limits_hold():
    assert "larger than 60" in refusal(GTM + "A\n" + " q\n" * 20, RoutineLimits(size=60)).message
    assert "more than 1 routines" in refusal(GTM + "A\n q\n\nB\n q\n", RoutineLimits(items=1)).message


def test_a_routine_file_is_known_by_its_second_line():
    assert is_routine_file(CACHE.encode())
    assert is_routine_file(GTM.replace("\n", "\r\n").encode())
    assert not is_routine_file(b"<Export>\n%ROUTINE\n")
    assert not is_routine_file(b"\xff\xfe")


CODE = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
                .map(lambda line: " " + line), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.from_regex(r"%?[A-Z][A-Z0-9]{0,7}", fullmatch=True), CODE, min_size=1, max_size=4))
def test_what_is_written_is_read_in_both_dialects(routines):
    bodies = {name: "\n".join([*lines, " q"]) for name, lines in routines.items()}
    cache = CACHE + "".join(f"{name}^INT^1^1,1^0\n{body}\n\n" for name, body in bodies.items())
    gtm = GTM + "".join(f"{name}\n{body}\n\n" for name, body in bodies.items()) + "\n\n"
    for text in (cache, gtm):
        assert {item.name: item.text for item in read(text)} == {
            f"{name}.INT": normal_text(body) for name, body in bodies.items()
        }
