# SPDX-License-Identifier: GPL-3.0-or-later
"""One port of /etc/services."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find

CATS = Key("cats/tcp")
BEFORE = (
    b"# Services\ntcpmux\t\t1/tcp\t\t\t\t# multiplexer\n"
    b"cats\t\t5100/tcp\tmeow felis\t# old: 5099/tcp\r\ncats\t\t5100/udp\n"
)


def test_the_port_is_replaced_with_columns_aliases_and_comment_kept(replaced):
    assert replaced(BEFORE, "services", CATS, "5101") == BEFORE.replace(b"5100/tcp", b"5101/tcp")
    assert replaced(BEFORE, "services", Key("felis/tcp"), "101") == BEFORE.replace(b"5100/tcp", b"101/tcp")
    assert replaced(BEFORE, "services", Key("cats/udp"), "65535") == BEFORE.replace(b"5100/udp", b"65535/udp")


def test_the_first_entry_counts_as_for_the_c_library(replaced):
    data = b"CATS 1/tcp\nfelis 2/tcp cats\ncats 3/tcp\n"
    assert replaced(data, "services", CATS, "4") == data.replace(b"2/", b"4/")


def test_what_is_not_there_is_none():
    for key in ("old:/tcp", "cats/sctp", "5100/tcp", "multiplexer/tcp", "meow/udp"):
        assert find(BEFORE, "services", Key(key)) is None


@pytest.mark.parametrize(
    "data,value,what",
    [
        (b"cats 1/tcp\n", "0", "no port"),
        (b"cats 1/tcp\n", "65536", "no port"),
        (b"cats 1/tcp\n", "x", "no port"),
        (b"cats 1/udp\n", "2", "cats/tcp is not there"),
    ],
)
def test_what_is_not_there_or_no_port_is_refused(refused, data, value, what):
    assert what in refused(data, "services", CATS, value)


def known(text):
    """The rule of services(5), in other words than the editor's: fields before # are separated by blanks."""
    found = []
    for line in text.split("\n"):
        fields = line.split("#")[0].split()
        if len(fields) > 1 and "/" in fields[1]:
            port, protocol = fields[1].split("/", 1)
            found.append((fields[0], port, protocol, tuple(fields[2:])))
    return found


entries = st.builds(
    lambda name, blank, port, protocol, rest: f"{name}{blank}{port}/{protocol}{rest}\n",
    st.sampled_from(["cats", "meds", " cats", "#cats", "http", "cats-x"]), st.sampled_from([" ", "\t", " \t "]),
    st.integers(1, 65535), st.sampled_from(["tcp", "udp"]),
    st.sampled_from(["", " ", "\tmeow", " cats", " # cats 1/tcp", "#x", " a b # c"]),
)


files = st.lists(st.one_of(entries, st.sampled_from(["\n", "# c\n"])), max_size=6).map("".join)


@given(text=files, port=st.integers(1, 65535))
@settings(max_examples=500, deadline=None)
def test_one_port_is_changed(replaced, text, port):
    named = [number for number, one in enumerate(known(text)) if one[2] == "tcp" and "cats" in (one[0], *one[3])]
    span = find(text.encode(), "services", CATS)
    assert (span is not None) == bool(named)
    if span is None:
        return
    expected = known(text)
    expected[named[0]] = (expected[named[0]][0], str(port), *expected[named[0]][2:])
    assert known(replaced(text.encode(), "services", CATS, str(port)).decode()) == expected
