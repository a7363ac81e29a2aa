# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a server that was drained."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    DRAINED,
    SERVING,
    Member,
    is_settled,
    serving_beside,
    warnings,
)


def test_a_state_that_is_only_written_down_is_not_settled() -> None:
    assert is_settled(Member(DRAINED), DRAINED)
    assert not is_settled(Member(DRAINED, in_force=False), DRAINED)
    assert not is_settled(Member(SERVING), DRAINED)


def test_others_serve_if_they_are_healthy() -> None:
    members = {"a": Member(SERVING), "b": Member(DRAINED), "c": Member(SERVING, healthy=False), "d": Member(SERVING)}
    assert serving_beside(members, "d") == ["a"]


@pytest.mark.parametrize(
    "others,left,affinity,told",
    [
        (["b"], 0, True, []),
        (["b"], 3, True, ["3 requests or connections to app1, or workers that may open one, had not ended after 60 s"]),
        ([], 0, True, ["app1 was the last server"]),
        (["b"], 0, False, ["does not hold a session"]),
        ([], 1, False, ["1 requests", "the last server", "does not hold a session"]),
    ],
)
def test_what_a_person_should_know(others: list[str], left: int, affinity: bool, told: list[str]) -> None:
    found = warnings("app1", others, left, 60, affinity)
    assert len(found) == len(told)
    assert all(part in text for part, text in zip(told, found, strict=True))
