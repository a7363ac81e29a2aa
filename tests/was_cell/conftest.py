# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the emulated cell."""

from __future__ import annotations

from was_instance import make_was

__all__ = ["make_was"]
