# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way the data go back (invariant 13)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.going_back import ITEMS, RESTORE, choose_way


@pytest.mark.parametrize("changed,others,verified,person,way,waits", [
    (True, [], True, "", RESTORE, False),
    (True, ["write"], True, "", ITEMS, True),
    (True, None, True, "", ITEMS, True),
    (True, ["write"], True, "maria.lopez", RESTORE, False),
    (True, None, True, "maria.lopez", RESTORE, False),
    (True, [], False, "", ITEMS, False),
    (True, None, False, "maria.lopez", ITEMS, False),
    (False, [], True, "", ITEMS, False),
    (False, ["write"], True, "maria.lopez", ITEMS, False),
])
def test_datasets_are_restored_only_if_nobody_loses_a_write(
    changed: bool, others: list[str] | None, verified: bool, person: str, way: str, waits: bool
) -> None:
    chosen = choose_way(changed, others, verified, person)
    assert (chosen.way, chosen.statement_waits) == (way, waits)
    assert chosen.reason


def test_the_reason_names_who_accepted_the_loss() -> None:
    assert "maria.lopez" in choose_way(True, None, True, "maria.lopez").reason
    assert "cannot say" in choose_way(True, None, True).reason


def test_under_sessions_that_go_on_no_dataset_is_replaced() -> None:
    """A release whose older WAR runs on the newer database: users are at work while it goes back."""
    assert choose_way(True, [], True, in_use=True).way == ITEMS
    assert choose_way(True, [], True).way == RESTORE
