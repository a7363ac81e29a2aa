# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``relmgmt``: adds time, people and memory to the collection relmgmt.release."""

from __future__ import annotations

__version__ = "0.1.0"
