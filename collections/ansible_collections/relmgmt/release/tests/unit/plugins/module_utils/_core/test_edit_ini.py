# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of an INI file, held against configparser."""

from __future__ import annotations

import configparser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

PORT = Key("port", "cats")


@pytest.mark.parametrize(
    "before,value,after",
    [
        (b"[cats]\nport=5100\n", "5101", b"[cats]\nport=5101\n"),
        (b"port=1\n[a]\nport=1\n[ cats ] ; c\n# x\n  port : 5100  ; prod\n[b]\nport=1", "5101",
         b"port=1\n[a]\nport=1\n[ cats ] ; c\n# x\n  port : 5101  ; prod\n[b]\nport=1"),
        (b"[cats]\r\nport = '5100' # x\r\n", "a ; b", b"[cats]\r\nport = 'a ; b' # x\r\n"),
        (b'[cats]\nport = "5100"', "it's", b'[cats]\nport = "it\'s"'),
        (b"[cats]\nport = a;b#c\n", "5101", b"[cats]\nport = 5101\n"),
        (b"[cats]\nport =\nx=1\n", "5101", b"[cats]\nport =5101\nx=1\n"),
        (b"[cats]\nhost=h:1=2\nport=h:5100\n", "h:5101", b"[cats]\nhost=h:1=2\nport=h:5101\n"),
        (b"[cats]\n\tport = 5100\n\thost = x\n", "5101", b"[cats]\n\tport = 5101\n\thost = x\n"),
        (b"[cats]\nport = 5100\n[x]\n[cats]\nhost = y\n", "5101", b"[cats]\nport = 5101\n[x]\n[cats]\nhost = y\n"),
        (b"\xef\xbb\xbf[cats]\nport = 5100\n", "5101", b"\xef\xbb\xbf[cats]\nport = 5101\n"),
    ],
)
def test_the_value_is_replaced_and_nothing_else(replaced, before, value, after):
    assert replaced(before, "ini", PORT, value) == after


def test_a_key_may_hold_what_separates_others(replaced):
    assert replaced(b"[s]\na:b = 1\n", "ini", Key("a:b", "s"), "2") == b"[s]\na:b = 2\n"
    assert replaced(b"[s]\na=b : 1\n", "ini", Key("a=b", "s"), "2") == b"[s]\na=b : 2\n"


@pytest.mark.parametrize("data", [b"", b"port=1\n", b"[x]\nport=1\n", b"[cats]\n;port=1\n", b"[cats]\nports=1\n"])
def test_what_is_not_there_is_none(data):
    assert find(data, "ini", PORT) is None


@pytest.mark.parametrize(
    "data,value,what",
    [
        (b"[cats]\nport=1\nport=2\n", "3", "more than once in [cats], in lines 2, 3"),
        (b"[cats]\nport=1\n[x]\n[cats]\nPort=2\n", "3", "more than once"),
        (b"[cats]\nPort=1\n", "3", "the key is 'Port'"),
        (b"[cats]\nport\n", "3", "without a value"),
        (b"[cats]\nport=1\n  more\n", "3", "the next line is a part"),
        (b"[cats]\nx=1\n  port=1\n", "3", "the line is a part"),
        (b"[cats]\nx=1\\\nport=1\n", "3", "the line is a part"),
        (b"[cats]\nport=1\\\n", "3", "ends in a backslash"),
        (b"[cats]\nport='1\n", "3", "a quote which is not closed"),
        (b"[cats]\nport='1\\'\n", "3", "differ over quotes"),
        (b"[cats]\nport='1' x '2'\n", "3", "differ over quotes"),
        (b"[x]\ny=1\n  [cats]\nport=1\n", "3", "a part of the value before"),
        (b"[cats] x\nport=1\n", "3", "not plainly the name of a section"),
        (b"[cats]\nport=1\n", "3 ; x", "without quotes"),
        (b"[cats]\nport=1\n", " 3", "without quotes"),
        (b"[cats]\nport=1\n", "'3", "not closed"),
        (b"[cats]\nport='1'\n", "it's", "within '"),
        (b"[cats]\nport=1\n", "a\nb", "no single line"),
        (b"[cats]\nhost=x\n", "3", "[cats] port is not there"),
        ("[cats]\nport=1\n".encode("latin-1"), "ż", "lacks characters"),
    ],
)
def test_what_readers_would_take_differently_is_refused(refused, data, value, what):
    assert what in refused(data, "ini", PORT, value, "latin-1")


pieces = st.sampled_from(
    ["[cats]\n", "[x]\n", "port", "host", "=", " = ", ":", " ", "  ", "\n", "\n", "\r\n", ";", " ; c", "# c\n", "5100",
     "'a'", '"', "\\", "[", "]", "port=1\n", "Port=2\n", "\tport = 3\n"]
)


def parsed(text):
    parser = configparser.RawConfigParser(
        inline_comment_prefixes=(";", "#"), allow_no_value=True, empty_lines_in_values=True
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign] # configparser's way to keep letter case
    try:
        parser.read_string(text.replace("\r\n", "\n"))
    except (configparser.Error, AttributeError):  # the latter is its answer to a continued key without a value
        return None
    return {section: dict(parser[section]) for section in parser.sections()}


@given(text=st.lists(pieces, max_size=14).map(lambda parts: "[cats]\n" + "".join(parts)))
@settings(max_examples=2000, deadline=None)
def test_configparser_sees_the_one_value_changed(replaced, text):
    before = parsed(text)
    try:
        span = find(text.encode(), "ini", PORT)
        after = None if span is None else replaced(text.encode(), "ini", PORT, "5101")
    except InvalidInput:
        return
    if before is None:
        return
    if after is None:
        assert "port" not in before.get("cats", {})
        return
    quote = text[span.start - 1] if text[span.start - 1] in "'\"" and span.start else ""
    assert before["cats"]["port"] == quote + span.value + quote
    assert parsed(after.decode()) == {**before, "cats": {**before["cats"], "port": quote + "5101" + quote}}
