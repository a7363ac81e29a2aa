# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of a YAML document, held against PyYAML, which is on no managed host."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find, replace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

PORT = Key(("cats", "port"))

DOCUMENT = b"""\
# Ports of CATS
%s
cats:    # the interface
  # its port
  host: cats.example.org   # not the old one
  port: 5100 # the port
  note: |2-

      port: 1
    cats:
  flow: {port: 1, "a: b": 'it''s', list: [x, "]"],
         more: 2}   # {
  text: first
    second line
  quoted: "first # no comment
     port: 2"
other:
- port: 1
-   - deep: &a 1
      port: "5100"
    - *a
"""


def test_a_value_is_replaced_among_everything_that_is_stepped_over(replaced):
    for head in (b"", b"%YAML 1.1\n---"):
        data = DOCUMENT % head
        after = replaced(data, "yaml", PORT, "5101")
        assert after == data.replace(b"5100 #", b"5101 #")
        assert replaced(data, "yaml", Key(("other", 1, 0, "port")), "5101") == data.replace(b'"5100"', b'"5101"')


@pytest.mark.parametrize(
    "before,value,after",
    [
        (b"cats:\r\n  port: 5100\r\n", "5101", b"cats:\r\n  port: 5101\r\n"),
        (b"cats:\n  port: '5100'", "it's", b"cats:\n  port: 'it''s'"),
        (b'cats:\n  port: "5100"', 'a"\\é', b'cats:\n  port: "a\\"\\\\\xc3\xa9"'),
        (b'"cats" :\n  \'port\': 5100\n', "5101", b'"cats" :\n  \'port\': 5101\n'),
        (b"cats:\n  port: h.example:5100\n", "h2.example:5101", b"cats:\n  port: h2.example:5101\n"),
        (b"cats:\n  port: h.example\n", "5101", b"cats:\n  port: '5101'\n"),
        (b"cats:\n  port: h.example\n", "12:30", b"cats:\n  port: '12:30'\n"),
        (b"cats:\n  port: h.example\n", "::1", b"cats:\n  port: '::1'\n"),
        (b"cats:\n  port: h.example\n", "a: b # c", b"cats:\n  port: 'a: b # c'\n"),
        (b"cats:\n  port: true\n", "false", b"cats:\n  port: false\n"),
        (b"---\ncats:\n  port: 5100\n...\n# end\n", "5101", b"---\ncats:\n  port: 5101\n...\n# end\n"),
        (b"5100:\n  port: 1\ncats:\n  port: 5100\n", "5101", b"5100:\n  port: 1\ncats:\n  port: 5101\n"),
    ],
)
def test_the_style_stays_and_so_does_the_type(replaced, before, value, after):
    assert replaced(before, "yaml", PORT, value) == after


def test_an_encoding_with_a_mark_stays(replaced):
    text = "\ufeff# é\r\ncats:\n  port: 5100\r"
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert replaced(text.encode(encoding), "yaml", PORT, "5101") == text.replace("5100", "5101").encode(encoding)


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"cats:\n  host: x\n", b"cats: 1\n", b"- cats\n", b"port: 1\n"])
def test_what_is_not_there_is_none(data):
    assert find(data, "yaml", PORT) is None


@pytest.mark.parametrize(
    "data,what",
    [
        (b"cats: {port: 5100}\n", "a flow collection stands on the way"),
        (b"cats: &c\n  port: 5100\nd:\n  <<: *c\n", "&c stands on the way"),
        (b"cats:\n  port: &p 5100\n", "&p stands on the way"),
        (b"cats:\n  port: !!str 5100\n", "!!str stands on the way"),
        (b"c: &c\n  port: 5100\ncats: *c\n", "an alias stands on the way"),
        (b"c: &c\n  port: 5100\ncats:\n  <<: *c\n", "may come from a merge"),
        (b"cats:\n  port: 1\n  port: 5100\n", "there twice"),
        (b"cats:\n  port: |\n    5100\n", "a block scalar"),
        (b"cats:\n  port: 51\n    00\n", "several lines"),
        (b"cats:\n  port:\n    5100\n", "several lines"),
        (b"cats:\n  port:\n", "no value of one line"),
        (b"cats:\n  port: ~\n", "no value of one line"),
        (b"cats:\n  port: [5100]\n", "no value of one line"),
        (b"cats:\n\tport: 5100\n", "a tab before"),
        (b"cats:\n  port:\t5100\n", "a tab before"),
        (b"cats:\n  port: 5100\t# x\n", "a tab"),
        (b"cats:\n  port: 5100\n---\ncats: 1\n", "a second document"),
        (b"cats:\n  port: 0644\n", "of no certain type"),
        (b"cats:\n  port: yes\n", "of no certain type"),
        (b"cats:\n  port: 12:30\n", "of no certain type"),
        (b"cats:\n    port: 5100\n  host: x\n", "indented otherwise"),
        (b"  cats:\n    port: 5100\nx: 1\n", "belongs to nothing"),
        (b"cats:\n  port: 5100\n   host: x\n", "a colon that could begin"),
        (b"cats:\n  ? port\n  : 5100\n", "a key with ?"),
        (b"cats: port: 5100\n", "a colon that could begin"),
        (b"cats:\n  port: 'x\n", "not closed"),
        (b"cats:\n  port: \"x\" y\n", "something stands after"),
        (b"cats:\n  port: 5100\n...\nmore\n", "after the document's end"),
        (b"cats:\n  port: \"\\q\"\n", "no escape of YAML"),
        (b"cats:\n  x: [1, 2\n  port: 5100\n", "cannot be followed"),
        (b"cats:\n  x: [1, 2}\n  port: 5100\n", "closed by another"),
        (b"cats:\n  x: " + b"[" * 300 + b"]" * 300, "cannot be followed"),
        (b"cats:\n  port: 5100\x85\n".replace(b"\x85", b"\xc2\x85"), "control character"),
        (b"cats:\n  host: x\n", "is not there"),
        (b"cats:\n" + b"".join(b" " * (2 * n) + b"a:\n" for n in range(1, 300)), "nested too deeply"),
    ],
)
def test_what_cannot_be_placed_with_certainty_is_refused(refused, data, what):
    assert what in refused(data, "yaml", PORT)


def test_the_whole_document_may_be_the_value(replaced):
    assert replaced(b"# c\nx\n", "yaml", Key(()), "z") == b"# c\nz\n"


def test_a_comment_that_looks_like_a_key_is_a_comment(replaced):
    assert replaced(b"- x # c: d\n", "yaml", Key((0,)), "z") == b"- z # c: d\n"


def test_what_readers_take_differently_is_not_replaced_by_its_like(refused):
    assert "of no certain type" in refused(b"cats:\n  port: 0644\n", "yaml", PORT, "0755")


def test_a_number_stays_a_number(refused):
    assert "is a number" in refused(b"cats:\n  port: 5100\n", "yaml", PORT, "cats:5101")
    assert "is a number" in refused(b"cats:\n  port: 5100\n", "yaml", PORT, "05101")
    assert "is true or false" in refused(b"cats:\n  port: true\n", "yaml", PORT, "5101")


# -- against PyYAML ---------------------------------------------------------------------------------

KEYS = ["a", "b", '"a"', "'b'", "a b", "x:y", "1"]
VALUES = [
    "1", "5100", "x y", "h:5", "true", "~", "", '"q # q"', "'it''s'", '"a\\"b"', "[1, 'a: b', {x: \"]\"}]", "{a: 1}",
    "|", ">-", "|2", "&n 1", "!t 1", "&m", "*n", "'open", "-", "- a", "a: b", "# c", "x # c", "x#c", "#c", "]",
    "[a, # c", "- - a", "'two", "lines'", "b]", "{x: it's}", '["a":1]', "[http://x]", "a\\", '"\\', "x'y", "- 'a': 1",
]
lines = st.builds(
    lambda indent, item, key, value, end: " " * indent + item + key + value + end,
    st.sampled_from([0, 0, 0, 1, 2, 2, 3, 4, 6]),
    st.sampled_from(["", "", "", "- ", "-   ", "- - "]),
    st.one_of(st.just(""), st.sampled_from(KEYS).map(lambda key: key + ": "), st.just("a:")),
    st.sampled_from(VALUES),
    st.sampled_from(["\n", "\n", "\n", " # c\n", "\n\n", "\r\n", "\n# c\n", "\n  # c\n"]),
)
soups = st.tuples(st.sampled_from(["", "", "---\n", "# c\n"]), st.lists(lines, max_size=9)).map(
    lambda parts: parts[0] + "".join(parts[1])
)


def paths(node, path=()):
    """Every path of a composed document with its node; keys as they read, merges and duplicates left in."""
    yield path, node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from paths(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from paths(value, (*path, number))


def composed(text):
    try:
        return yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None


def check_against_pyyaml(text, is_changed_too):
    root = composed(text)
    if root is None:
        return 0
    found = 0
    nodes = list(itertools.islice(paths(root), 200))
    for path, node in nodes[1:]:
        try:
            span = find(text.encode(), "yaml", Key(path))
        except InvalidInput:
            continue
        assert span is not None, path
        assert isinstance(node, yaml.ScalarNode), path
        quotes = 1 if node.style else 0
        assert (node.start_mark.index + quotes, node.end_mark.index - quotes) == (span.start, span.end), path
        assert node.value == span.value, path
        found += 1
        if is_changed_too:
            check_change(text, root, path, node)
    for path in (("a",), ("b", "a"), ("a", "a"), ("a b",), (0,), (0, "a"), ("a", 0, "b")):
        if path not in [one for one, _node in nodes]:
            with suppress(InvalidInput):
                assert find(text.encode(), "yaml", Key(path)) is None
    return found


def shape(node, but=None):
    """A document as nested values with tags; `but`: the node that is left out."""
    if node is but:
        return "the one"
    if isinstance(node, yaml.MappingNode):
        return [node.tag, [(shape(key), shape(value, but)) for key, value in node.value]]
    if isinstance(node, yaml.SequenceNode):
        return [node.tag, [shape(one, but) for one in node.value]]
    return [node.tag, node.value]


def check_change(text, root, path, node):
    for value in ("5101", "false", "h.example:5101", "it's \"x\" # y", "a: b", "é", "-x", "y", "null"):
        try:
            after = replace(text.encode(), "yaml", Key(path), value)
        except InvalidInput:
            continue
        changed = composed(after.decode())
        assert changed is not None, (path, value)
        one = next(other for known, other in paths(changed) if known == path)
        assert (one.value, one.tag) == (value, node.tag)
        assert shape(changed, one) == shape(root, node)


@given(text=soups)
@settings(max_examples=1000, deadline=None)
def test_pyyaml_finds_the_same_value_or_we_refuse(text):
    check_against_pyyaml(text, is_changed_too=False)


scalars = st.one_of(
    st.integers(-99999, 99999).map(str), st.sampled_from(["x", "h.example", "'5100'", '"a\\tb"', "true", "a b#c"]),
)


@st.composite
def trees(draw, depth=0, indent=0):
    """Lines of a sound document, block style, with all that may stand between."""
    step = draw(st.sampled_from([1, 2, 4]))
    count = draw(st.integers(1, 3))
    is_list = draw(st.booleans())
    found = []
    for number in range(count):
        found += draw(st.sampled_from([[], [], [" " * indent + "# c"], [""]]))
        head = " " * indent + ("-" if is_list else f"k{number}:")
        if depth < 3 and draw(st.booleans()):
            below = draw(trees(depth=depth + 1, indent=indent + step))
            found += [head + draw(st.sampled_from(["", " # c"])), *below]
        else:
            found.append(f"{head} {draw(scalars)}{draw(st.sampled_from(['', '', '  # c']))}")
    return found


@given(found=trees(), end=st.sampled_from(["\n", "\r\n"]), is_closed=st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_value_of_a_sound_document_can_be_found_and_changed(found, end, is_closed):
    text = end.join(found) + (end if is_closed else "")
    root = composed(text)
    scalars_there = [path for path, node in paths(root) if isinstance(node, yaml.ScalarNode)]
    assert check_against_pyyaml(text, is_changed_too=True) == len(scalars_there)
