# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes compared as exports write them."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.class_element import (
    canonical,
    same_element,
    storage_of,
    without_times,
)

ONE = b'<Class name="A" x="1"><D>a &lt; b</D>\n<TimeChanged>1,2</TimeChanged>\n</Class>'


@pytest.mark.parametrize("other, same", [
    (b"<Class x='1' name='A'><D><![CDATA[a < b]]></D></Class>", True),
    (b'<Class name="A" x="1">\n  <D>a &lt; <![CDATA[b]]></D><TimeChanged>9,9</TimeChanged></Class>', True),
    (b'<Class name="A" x="1"><D>a &lt; c</D></Class>', False),
    (b'<Class name="A" x="2"><D>a &lt; b</D></Class>', False),
    (b'<Class name="A" x="1"><D>a &lt; b</D><D></D></Class>', False),
    (b'<Class name="A" x="1"><D>a &lt; b', False),
])
def test_elements_are_the_same_if_they_say_the_same(other, same):
    assert same_element(ONE, other) is same


def test_nesting_counts():
    assert canonical(b"<Class><a/><b/></Class>") != canonical(b"<Class><a><b/></a></Class>")


def test_the_storage_of_a_class_is_looked_at_alone():
    storage = b'<Storage name="D"><Data name="x"><Value>1</Value></Data></Storage>'
    first = storage_of(b"<Class><P/>" + storage + b"</Class>")
    assert first
    assert storage_of(b"<Class><Q/>" + storage.replace(b'"', b"'") + b"</Class>") == first
    assert storage_of(b"<Class>" + storage.replace(b">1<", b">2<") + b"</Class>") != first
    assert storage_of(b"<Class><D><![CDATA[<Storage >]]></D></Class>") == ""
    assert storage_of(b"<Class/>") == ""


def test_people_do_not_see_times():
    lines = ("<Class name='A'>", "<TimeChanged>1</TimeChanged>", "<TimeCreated>2</TimeCreated>", "", "</Class>")
    assert without_times(lines) == ("<Class name='A'>", "", "</Class>")
    code = ("A ;<TimeChanged>1</TimeChanged>",)
    assert without_times(code) == code
