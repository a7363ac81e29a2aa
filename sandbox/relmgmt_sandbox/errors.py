# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of this package.

SandboxError      what went wrong, and what cures it
"""
from __future__ import annotations


class SandboxError(Exception):
    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(f"{message}. Cure: {cure}" if cure else message)
