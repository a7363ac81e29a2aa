# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON by hand, against Python's own, both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.text import (
    from_json,
    lines_of,
    to_json,
)

LATIN = st.text(st.characters(max_codepoint=0xFF))
VALUES = st.recursive(
    st.integers(min_value=0, max_value=2**31) | LATIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LATIN, inner, max_size=4), max_leaves=12,
)


@given(VALUES)
def test_what_our_side_writes_is_read(value):
    assert from_json(json.dumps(value)) == value


@given(VALUES | st.text())
def test_what_is_written_our_side_reads(value):
    written = to_json(value)
    assert json.loads(written) == value
    assert written.isascii()
    assert "\n" not in written


@pytest.mark.parametrize("value, read", [(True, 1), (False, 0), (None, ""), ([True], [1])])
def test_truth_is_a_number_and_nothing_an_empty_text(value, read):
    assert json.loads(to_json(value)) == read


def test_lines_are_separated_as_the_platform_does_and_none_is_empty():
    assert lines_of("a\r\nb\n\n") == ["a", "b"]
    assert lines_of("") == []
