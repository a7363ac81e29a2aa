# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for $SYSTEM.OBJ.Load reads back as the items it was made from (FACTS 2.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_write import (
    Header,
    header_for,
    write_export,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item, digest_lines

HEADER = Header("IRIS", "26")
LINE = st.text(st.characters(exclude_characters="\r\n\x85\u2028\u2029", exclude_categories=["Cs"]), max_size=40)
CLASS = (
    '<Class name="App.Case">\n<Description><![CDATA[a ]]]]><![CDATA[> b]]></Description>\n'
    "<Super>%Persistent</Super>\n</Class>"
)


def back(*items):
    return list(read_export(write_export(items, HEADER), "x.xml"))


@given(st.lists(LINE, min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_a_routine_of_any_text_comes_back(lines):
    source = ["CASE ;", *lines, " quit"]
    found, = back(Item("CASE.MAC", tuple(source)))
    assert found.name == "CASE.MAC"
    assert found.digest == digest_lines(source)


@pytest.mark.parametrize("odd", ["]]>", "]]]]>>", "\x0c", "\x1b[1m", "&amp; <x>", "a\udce9b", "😀"])
def test_what_xml_minds(odd):
    found, = back(Item("CASE.INT", ("CASE ;", f" ;{odd}")))
    assert found.lines == ("CASE ;", f" ;{odd}")


@pytest.mark.parametrize("name,element", [
    ("App.Case.CLS", CLASS),
    ("/csp/cfis/d/x.csp",
     '<CSP name="d/x.csp" application="/csp/cfis/" default="1"><![CDATA[\n<html>\n</html>\n]]></CSP>'),
    ("/csp/cfis/x.gif", '<CSPBase64 name="x.gif" application="/csp/cfis/">\nR0lGDQoNCg0=\n</CSPBase64>'),
])
def test_a_class_and_a_page_go_as_their_element(name, element):
    found, = back(Item(name, tuple(element.split("\n"))))
    assert (found.name, "\n".join(found.lines)) == (name, element)
    assert found.digest == digest_lines(found.lines)


def test_a_routine_keeps_language_mode_and_time():
    plain, old = back(Item("CASE.MAC", ("CASE ;",)), Item("OLD.INT", ("OLD ;",), changed="64091,56835.1", mode="1"))
    assert (plain.mode, plain.changed) == ("0", "")
    assert (old.mode, old.changed) == ("1", "64091,56835.1")


@pytest.mark.parametrize("is_iris,version,expected", [
    (True, "2025.3.0.226.0", ("IRIS", "26")), (False, "2018.1.1.643.0", ("Cache", "25")),
    (False, "2014.1.3", ("Cache", "25")), (False, "2008.1.1.310.0", ("Cache", "22")),
    (False, "5.0.21", ("Cache", "22")),
])
def test_an_instance_gets_a_header_that_it_takes(is_iris, version, expected):
    assert tuple(header_for(is_iris, version)) == expected
