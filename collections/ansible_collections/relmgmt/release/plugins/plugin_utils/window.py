# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's maintenance window on a ticket's date (A1, B7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.relmgmt.release.plugins.module_utils._core.gates import Window
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

try:
    from dateutil.rrule import rrulestr
except ImportError:
    rrulestr = None

ALWAYS = "always"
PLACE = "relmgmt_policy.window in the inventory"


def window_on(rule: Mapping[str, Any], day: str) -> Window:
    """The window of a day (YYYY-MM-DD) under a rule.

    ``rule``: {rule: always}, or {rule: RRULE text, start: "HH:MM", hours: number,
    timezone: IANA name}. Hours are elapsed hours, also over a change of daylight saving.
    """
    if rule.get("rule", "") == ALWAYS:
        return Window()
    if rrulestr is None:
        raise InvalidInput("python-dateutil is missing on the controller", place=PLACE,
                           cure="install the project's requirements (make setup)")
    try:
        wanted = date.fromisoformat(day)
        zone = ZoneInfo(str(rule["timezone"]))
        starts = time.fromisoformat(str(rule["start"]))
        lasts = timedelta(hours=float(rule["hours"]))
        falls = _falls_on(str(rule["rule"]), wanted)
    except (KeyError, ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidInput(f"the window rule cannot be read: {error}", place=PLACE,
                           cure="give rule (RRULE or always), start HH:MM, hours and timezone") from error
    if not falls:
        return Window(problem=f"{wanted} is not a day of the window rule {rule['rule']}")
    opens = datetime.combine(wanted, starts, zone)
    closes = (opens.astimezone(ZoneInfo("UTC")) + lasts).astimezone(zone)
    return Window(opens, closes)


def _falls_on(rule: str, wanted: date) -> bool:
    midnight = datetime.combine(wanted, time())
    first = datetime.combine(wanted.replace(day=1), time()) - timedelta(days=366)
    return bool(rrulestr(rule, dtstart=first).between(midnight, midnight, inc=True))
