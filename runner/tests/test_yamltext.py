# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of YAML text change nothing but what they mean to."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from relmgmt_runner.errors import RunnerError
from relmgmt_runner.yamltext import append_entry, set_digests

ENTRY = {"gate": "g", "person": "Ann: the \"first\" # Lee"}
DIGEST = "ab" * 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# comment only\n",
        "other: 1",
        "approvals: []\n",
        "approvals: []  # none yet\nother: 1\n",
        "approvals:\n",
        "approvals:  # none yet\n",
        "approvals: [{gate: a, person: b}]\n",
        "approvals:\n- gate: a\n  person: b\nother: 1\n",
        "approvals:\n  - gate: a\n    person: b  # note\n\n  # trailing\n",
        "approvals:\n  - {gate: a, person: b}",
        "approvals:\n  - gate: a\n    person: |\n      b\n      c\nother: 1\n",
        "\ufeffapprovals:\n  - gate: a\n    person: 'it''s'\n",
    ],
)
def test_the_entry_is_added_and_every_line_is_kept(text):
    edited = append_entry(text, "approvals", ENTRY)
    before = yaml.safe_load(text) or {}
    assert yaml.safe_load(edited) == {**before, "approvals": [*(before.get("approvals") or []), ENTRY]}
    for line in text.splitlines():
        assert "#" not in line or line[line.index("#"):] in edited


@pytest.mark.parametrize("text", ["[]", "a: [", "{other: 1}", "approvals: text\n"])
def test_a_document_of_another_shape_is_refused(text):
    with pytest.raises(RunnerError):
        append_entry(text, "approvals", ENTRY)


@given(st.text(max_size=200).filter(str.isprintable), st.integers(0, 3))
def test_any_person_can_be_written_down(person, indent):
    text = f"approvals:\n{' ' * indent}- gate: a\n"
    edited = append_entry(text, "approvals", {"gate": "g", "person": person})
    assert edited.startswith(text)
    assert yaml.safe_load(edited)["approvals"][1]["person"] == person


@pytest.mark.parametrize(
    "text",
    [
        "packages:\n  - file: a.war\n",
        "packages:\n  - file: a.war  # the war\n    type: war",
        "packages:\n  - file: a.war",
        "packages:\n- sha256: old\n  file: a.war\n",
        "packages:\n- sha256:\n  file: a.war\n",
        "packages:\n- sha256: 'old' # note\n  file: a.war\n",
        "packages: [{file: a.war}]\n",
        "packages: [{type: war, file: a.war, sha256: old}]\n",
    ],
)
def test_digests_are_set_in_place(text):
    edited = set_digests(text, {"a.war": DIGEST})
    [before], [after] = yaml.safe_load(text)["packages"], yaml.safe_load(edited)["packages"]
    assert after == {**before, "sha256": DIGEST}
    assert edited.count("#") == text.count("#")
    assert set_digests(edited, {"a.war": DIGEST}) == edited
