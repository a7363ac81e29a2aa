# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of a JSON document, held against json itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find

PORT = Key(("cats", 1, "port"))
BEFORE = '{"x": {"port": 1},\r\n\t"cats" :[ [{"]": "\\"}"}], {"port" : %s , "b":[]}\n ] }'


@pytest.mark.parametrize(
    "old,value,new",
    [
        ("5100", "5101", "5101"),
        ("-5.1e3", "5101", "5101"),
        ('"5100"', "5101", '"5101"'),
        ('"51\\u0030\\/"', 'é"\\', '"\\u00e9\\"\\\\"'),
        ("true", "false", "false"),
    ],
)
def test_a_value_is_replaced_and_keeps_its_type(replaced, old, value, new):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        stated = encoding if encoding.startswith("utf-16-") else ""
        after = replaced((BEFORE % old).encode(encoding), "json", PORT, value, stated)
        assert after == (BEFORE % new).encode(encoding)


def test_the_whole_document_may_be_the_value(replaced):
    assert replaced(b' "a"\n', "json", Key(()), "b") == b' "b"\n'


@pytest.mark.parametrize(
    "data,key",
    [
        (b"{}", "a"), (b'{"a":{}}', ("a", "b")), (b"[1]", 1), (b"[1]", "x"), (b"[1]", "-1"), (b"1", "a"),
        (b'{"b":{"a":1}}', "a"),
    ],
)
def test_what_is_not_there_is_none(data, key):
    assert find(data, "json", Key(key if isinstance(key, tuple) else (key,))) is None


@pytest.mark.parametrize(
    "data,what",
    [
        (b'{"a":1,"b":2,"a":3}', "there twice"),
        (b'{"a":1, // port\n"b":2}', "no sound JSON"),
        (b'{"a":1,}', "no sound JSON"),
        (b'{"a":NaN}', "NaN is no JSON"),
        (b'{"a":1} {}', "no sound JSON"),
        (b'{"a":"\n"}', "no sound JSON"),
        (b"", "no sound JSON"),
        (b'{"a":null}', "no single value"),
        (b'{"a":[1]}', "no single value"),
        (b'{"a":{"b":1}}', "no single value"),
        (b'{"a":"\\ud800"}', "half of a character"),
        (b'{"b":1}', "/a is not there"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_is_uncertain_is_refused(refused, data, what):
    assert what in refused(data, "json", Key(("a",)))


def test_a_value_of_another_type_is_refused(refused):
    assert "is a number, and 'h:5101' is none" in refused(b'{"a":5100}', "json", Key(("a",)), "h:5101")
    assert "is a number, and '05101' is none" in refused(b'{"a":5100}', "json", Key(("a",)), "05101")
    assert "true or false, and '1' is none" in refused(b'{"a":true}', "json", Key(("a",)), "1")


texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=6)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*path, number))
    else:
        yield path, value


@given(
    value=values, indent=st.sampled_from([None, 0, 2, "\t"]), is_ascii=st.booleans(), data=st.data(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
@settings(max_examples=500, deadline=None)
def test_json_sees_the_one_value_changed(replaced, value, indent, is_ascii, data, end):
    document = json.dumps(value, indent=indent, ensure_ascii=is_ascii).replace("\n", end)
    ours = [(path, one) for path, one in leaves(value) if one is not None]
    assume(ours and json.loads(document) == value)
    path, old = data.draw(st.sampled_from(ours))
    if isinstance(old, bool):
        new: object = data.draw(st.booleans())
        written = "true" if new else "false"
    elif isinstance(old, str):
        new = written = data.draw(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
    else:
        new = data.draw(st.integers())
        written = str(new)
    after = replaced(document.encode(), "json", Key(path), written)
    expected = json.loads(document)
    if not path:
        expected = new
    else:
        inner = expected
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = new
    assert json.loads(after) == expected
