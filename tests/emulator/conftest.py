# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the emulator's own tests, and of every test that talks to an emulated instance."""

from __future__ import annotations

from emulator_fixtures import _shared, cache2008, cache2018, emulated, iris2025, make_emulator, shared

__all__ = ["_shared", "cache2008", "cache2018", "emulated", "iris2025", "make_emulator", "shared"]
