# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of a properties file, held against java.util.Properties."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find, replace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

PORT = Key("cats.port")

# What makes reading hard is frequent here, as it is not in text that is drawn at random.
pieces = st.sampled_from(
    ["a", "b", "cats.port", "=", ":", " ", "\t", "\f", "\\", "\\\\", "\\\n", "\\\r\n  ", "\n", "\r", "\r\n", "#", "!",
     "\\u0061", "\\t", "é", "5100", "\\=", "\x0b", "\\\n#", "\n#x\\\n"]
)
documents = st.lists(pieces, max_size=25).map("".join)
values = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@pytest.mark.parametrize(
    "before,after",
    [
        (b"cats.port=5100\n", b"cats.port=5101\n"),
        (b"a=1\r\n  cats.port : 5100\r\n# c\r\n", b"a=1\r\n  cats.port : 5101\r\n# c\r\n"),
        (b"cats.port 5100", b"cats.port 5101"),
        (b"cats.port\t=\t5100\rb=2\r", b"cats.port\t=\t5101\rb=2\r"),
        (b"cats.port = 51\\\n     00\nb=2\n", b"cats.port = 5101\nb=2\n"),
        (b"cats.port = \\\n     5100\nb=2\n", b"cats.port = \\\n     5101\nb=2\n"),
        (b"cats.port=1\ncats.port=5100\n", b"cats.port=1\ncats.port=5101\n"),
        (b"cats\\u002eport=5100\n", b"cats\\u002eport=5101\n"),
        (b"#cats.port=1\n!cats.port=1\ncats.port=5100\n", b"#cats.port=1\n!cats.port=1\ncats.port=5101\n"),
        (b"!x=1\\\ncats.port=5100\n", b"!x=1\\\ncats.port=5101\n"),
        (b"x=1\\\ncats.port=1\ncats.port=5100\n", b"x=1\\\ncats.port=1\ncats.port=5101\n"),
        (b"cats.port", b"cats.port=5101"),
        (b"cats.port=\\", b"cats.port=5101"),
        (b"# caf\xe9\ncats.port=5100\n", b"# caf\xe9\ncats.port=5101\n"),
        ("\ufeff# x\ncats.port=5100\n".encode("utf-16-le"), "\ufeff# x\ncats.port=5101\n".encode("utf-16-le")),
    ],
)
def test_the_value_that_java_takes_is_replaced_and_nothing_else(replaced, before, after):
    assert replaced(before, "properties", PORT, "5101") == after


def test_what_is_not_there_is_none():
    assert find(b"# cats.port=5100\nx=cats.port=1\n", "properties", PORT) is None
    assert find(b"", "properties", PORT) is None
    assert replace(b"x=1\n", "properties", PORT, None) == b"x=1\n"


def test_a_value_is_escaped_so_that_every_reader_takes_it_alike(replaced):
    assert replaced(b"cats.port=5100\n", "properties", PORT, "= C:\\x é😀") == (
        b"cats.port=\\= C:\\\\x \\u00e9\\ud83d\\ude00\n"
    )
    assert replaced(b"cats.port 5100\n", "properties", PORT, " x") == b"cats.port \\ x\n"


@pytest.mark.parametrize(
    "data,what",
    [
        (b"x=1\n", "cats.port is not there"),
        (b"\xef\xbb\xbfcats.port=5100\n", "first key"),
        (b"cats.port=\\u51zz\n", "Java refuses"),
        (b"cats.port=\\u51", "Java refuses"),
        (b"cats.port=\\ud800\n", "half of a character"),
        (b"\\\n#x\ncats.port=1", "versions of Java differ"),
    ],
)
def test_what_is_uncertain_is_refused_with_a_cure(refused, data, what):
    assert what in refused(data, "properties", PORT)


def test_a_value_is_replaced_never_removed(refused):
    assert "by hand" in refused(b"cats.port=5100\n", "properties", PORT, None)


@given(data=documents)
@settings(max_examples=1500, deadline=None)
def test_java_reads_the_same_values(java_properties, data):
    encoded = data.encode("latin-1")
    expected = java_properties(encoded)
    for name in ("a", "b", "cats.port", "x", "aa"):
        try:
            span = find(encoded, "properties", Key(name), "latin-1")
        except InvalidInput:
            continue
        if expected is not None:
            assert (None if span is None else span.value) == expected.get(name)


@given(data=documents, name=st.sampled_from(["a", "b", "cats.port"]), value=values)
@settings(max_examples=1000, deadline=None)
def test_java_sees_the_one_value_changed(java_properties, replaced, data, name, value):
    encoded = data.encode("latin-1")
    before = java_properties(encoded)
    if before is None or name not in before:
        return
    try:
        after = replaced(encoded, "properties", Key(name), value, "latin-1")
    except InvalidInput as error:
        assert "versions of Java" in error.message  # noqa: PT017 - it may be refused, and for nothing else
        return
    assert java_properties(after) == {**before, name: value}
