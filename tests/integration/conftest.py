# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that several integration tests share."""

from __future__ import annotations

from gtm_instance import gtm, gtm_dist, make_gtm
from iris_instance import make_iris, make_shared_iris
from liberty_server import choose_runtimes as pytest_generate_tests
from was_instance import make_was

__all__ = ["gtm", "gtm_dist", "make_gtm", "make_iris", "make_shared_iris", "make_was", "pytest_generate_tests"]
