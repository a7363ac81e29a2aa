# SPDX-License-Identifier: GPL-3.0-or-later
"""A9: the application is checked for completeness."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.completeness import (
    checks_at,
    failures,
)

PAGE = {"status": 200, "text": '{"database": {"release": "CFIS002"}}', "error": ""}


@pytest.mark.parametrize(
    "check, page, reason",
    [
        ({"expect": ["CFIS002"]}, PAGE, ""),
        ({"expect": ["CFIS003"]}, PAGE, "does not show 'CFIS003'"),
        ({"unexpected": ["CFIS002"]}, PAGE, "shows 'CFIS002'"),
        ({"jmespath": "database.release == 'CFIS002'"}, PAGE, ""),
        ({"jmespath": "database.release == 'CFIS001'"}, PAGE, "is False, not true"),
        ({"jmespath": "database.release"}, PAGE, "is 'CFIS002', not true"),
        ({"jmespath": "database.release"}, {**PAGE, "text": "<html>"}, "cannot be evaluated"),
        ({"expect": ["CFIS002"]}, {**PAGE, "status": 503}, "status 503"),
        ({"expect": ["x"]}, {**PAGE, "error": "refused"}, "did not answer: refused"),
    ],
)
def test_a_page_passes_or_says_why_not(check: dict[str, Any], page: dict[str, Any], reason: str) -> None:
    found = failures({"name": "release", **check}, "http://x/", page, jmespath.search)
    assert (reason in found[0]) if reason else not found


def test_a_check_is_made_where_it_belongs() -> None:
    checks = [{"name": "a"}, {"name": "b", "at": "entry"}, {"name": "c", "at": "servers"}]
    assert [c["name"] for c in checks_at(checks, "entry")] == ["a", "b"]
    assert [c["name"] for c in checks_at(checks, "servers")] == ["a", "c"]
