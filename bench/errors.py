# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's own errors.

BenchError          a contestant failed, or did not do the work it was timed for
└── NotMeasurable   this machine cannot show it; the row says so, with this reason
"""

from __future__ import annotations


class BenchError(Exception):
    """A contestant failed, or its result is not what it was timed for."""


class NotMeasurable(BenchError):
    """This machine cannot show a row: what is missing, in one line."""
