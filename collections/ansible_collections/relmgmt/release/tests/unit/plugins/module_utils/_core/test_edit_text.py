# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as text of which a part is replaced: encodings, line ends, and what is no text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import FORMATS, Key, find, replace
from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import LARGEST, text_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

KEY = Key("a", "s")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "data,what",
    [
        (b" " * (LARGEST + 1), "larger than 16 MiB"),
        (b"a=1\0\n", "so it is binary"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\xff", ""),
        (b"\xff\xfe\0\0a\0\0\0", "so it is binary"),
    ],
)
def test_hostile_files_are_refused_by_name(form, data, what):
    key = Key(("a",)) if form in ("json", "yaml") else Key("a/tcp" if form == "services" else "a", "s")
    with pytest.raises(InvalidInput) as caught:
        replace(data, form, key, "1", "", "/etc/FILE")
    assert caught.value.place.startswith("/etc/FILE")
    assert caught.value.cure
    assert what in caught.value.message


@pytest.mark.parametrize(
    "data,encoding,what",
    [
        (b"a=\xe9", "utf-8", "not text in utf-8"),
        (b"a=\xe9", "us-ascii", "not text in ascii"),
        (b"a=1", "klingon", "no encoding 'klingon'"),
        (b"a=1", "rot13", "no encoding 'rot13'"),
        (b"a=1", "undefined", "no encoding 'undefined'"),
        (b"\xef\xbb\xbfa=1", "latin-1", "begins with the mark of utf-8"),
        (b"\xff\xfea\0", "utf-16-be", "begins with the mark of utf-16-le"),
        (b"a\0", "utf-16", "no mark"),
        (b"+AGE-=1", "utf-7", "would not stay as it is"),
        (b"a\n=1", "unicode_escape", "would not stay as it is"),
    ],
)
def test_bytes_that_are_no_text_of_their_encoding_are_refused(data, encoding, what):
    with pytest.raises(InvalidInput) as caught:
        text_of(data, encoding, "/etc/FILE")
    assert what in caught.value.message
    assert caught.value.place == "/etc/FILE"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "cp037", "shift_jis", "iso2022_jp"],
)
def test_an_encoding_stays(encoding):
    text = "# x\r\na=5100\nb=2\r"
    data = text.encode(encoding)
    assert replace(data, "properties", KEY, "5101", encoding) == text.replace("5100", "5101").encode(encoding)


def test_a_file_in_a_double_byte_encoding_is_cut_between_characters():
    data = "[s]\n# 表示\na = 5100 ; 表\n".encode("shift_jis")
    assert replace(data, "ini", KEY, "5101", "shift_jis") == data.replace(b"5100", b"5101")


@pytest.mark.parametrize("form,key", [("properties", "a"), ("ini", "a"), ("yaml", ("a",)), ("services", "a/tcp")])
def test_the_number_of_lines_is_bounded(form, key):
    with pytest.raises(InvalidInput, match="more than 400000 lines"):
        find(b"\n" * 400_001, form, Key(key, "s"))


def test_a_format_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="no format 'toml'"):
        find(b"a=1", "toml", KEY)


ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(
    before=st.lists(st.tuples(st.sampled_from(["# é", "", "b=1", "# \x0b\x85\u2028"]), ends), max_size=5),
    end=st.one_of(st.just(""), ends), after=st.lists(st.tuples(st.sampled_from(["# é", "", "c=2"]), ends), max_size=3),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]), old=st.sampled_from(["", "1", "5100"]),
)
@settings(max_examples=400, deadline=None)
def test_mixed_line_ends_and_a_missing_one_stay(before, end, after, encoding, old):
    head = "#\n[s]\n" + "".join(map("".join, before)) + "a="
    tail = end + ("".join(map("".join, after)) if end else "")
    for form in ("properties", "ini"):
        data = (head + old + tail).encode(encoding)
        stated = encoding if encoding == "utf-16-be" else ""
        assert replace(data, form, KEY, "5101", stated) == (head + "5101" + tail).encode(encoding)
