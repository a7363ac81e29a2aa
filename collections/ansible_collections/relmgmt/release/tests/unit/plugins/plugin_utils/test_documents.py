# SPDX-License-Identifier: GPL-3.0-or-later
"""T40, invariant 12: one safe loader, bounded and strict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.documents import load_document

TICKET = """\
change: CHG0000002
release: CFIS002
bundle: ../bundles/CFIS002
environment: sandbox
requested_by: maria.lopez
date: 2026-12-05
"""


def read(tmp_path: Path, text: str | bytes, schema: str = "ticket") -> dict[str, Any]:
    path = tmp_path / "ticket.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_document(str(path), schema)


def test_dates_stay_text(tmp_path: Path) -> None:
    assert read(tmp_path, TICKET)["date"] == "2026-12-05"


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + TICKET.replace("\n", "\r\n").encode()
    assert read(tmp_path, data)["change"] == "CHG0000002"


def test_a_template_stays_text(tmp_path: Path) -> None:
    document = read(tmp_path, TICKET + "summary: \"{{ lookup('pipe', 'id') }}\"\n")
    assert document["summary"] == "{{ lookup('pipe', 'id') }}"


@pytest.mark.parametrize(
    "text, reason",
    [
        (TICKET + "change: CHG1\n", "'change' is given twice"),
        (TICKET + "summary: &a text\nreason: *a\n", "anchors"),
        (TICKET + "summary: !!python/object/apply:os.system [id]\n", "tag .* is not accepted"),
        (TICKET + "surprise: 1\n", "surprise"),
        (TICKET.replace("2026-12-05", "next Saturday"), "date"),
        (TICKET.replace("change: CHG0000002\n", ""), "'change' is a required property"),
        ("- a list\n", "not of type 'object'"),
        ("", "not of type 'object'"),
        ("a: [" + "[" * 40 + "]" * 40 + "]", "nested deeper"),
        ("a: {b: [", "not a plain YAML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("summary: " + "x" * (1 << 20), "larger than"),
    ],
)
def test_anything_else_is_refused_naming_the_file(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        read(tmp_path, text)
    assert "ticket.yml" in caught.value.place
    assert caught.value.cure


def test_a_missing_document_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_document(str(tmp_path / "none.yml"), "ticket")
