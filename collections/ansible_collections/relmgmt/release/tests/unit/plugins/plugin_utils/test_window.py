# SPDX-License-Identifier: GPL-3.0-or-later
"""A1, B7: designated Saturdays, in the environment's own zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.window import window_on

RULE: dict[str, Any] = {
    "rule": "FREQ=MONTHLY;BYDAY=1SA,3SA", "start": "20:00", "hours": 2, "timezone": "America/Los_Angeles",
}


def test_a_designated_saturday() -> None:
    window = window_on(RULE, "2026-12-05")
    assert window.opens == datetime(2026, 12, 6, 4, 0, tzinfo=timezone.utc)
    assert window.closes == datetime(2026, 12, 6, 6, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize("day", ["2026-12-12", "2026-12-06", "2026-12-26"])
def test_other_days_are_named(day: str) -> None:
    assert day in window_on(RULE, day).problem


def test_two_hours_are_two_hours_when_the_clocks_change() -> None:
    rule = {**RULE, "rule": "FREQ=DAILY", "start": "01:30", "timezone": "Europe/Berlin"}
    window = window_on(rule, "2026-03-29")
    assert window.opens is not None
    assert window.closes is not None
    elapsed = window.closes.astimezone(timezone.utc) - window.opens.astimezone(timezone.utc)
    assert elapsed == timedelta(hours=2)
    assert window.closes.hour == 4


def test_always() -> None:
    assert window_on({"rule": "always"}, "2026-12-05") == (None, None, "")


@pytest.mark.parametrize(
    "change", [{"rule": "FREQ=SOMETIMES"}, {"timezone": "Mars/Olympus"}, {"start": "late"}, {"hours": "two"}]
)
def test_a_rule_that_cannot_be_read_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="window rule"):
        window_on({**RULE, **change}, "2026-12-05")


def test_a_missing_key_is_refused() -> None:
    with pytest.raises(InvalidInput, match="timezone"):
        window_on({k: v for k, v in RULE.items() if k != "timezone"}, "2026-12-05")
