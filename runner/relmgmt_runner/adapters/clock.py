# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's clock."""

from __future__ import annotations

from datetime import datetime


class SystemClock:
    """``ports.Clock`` in the controller's own zone."""

    def now(self) -> datetime:
        return datetime.now().astimezone()
