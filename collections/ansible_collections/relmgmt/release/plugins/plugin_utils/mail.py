# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices by mail, sent from the controller."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._mail import compose, send

__all__ = ["compose", "send"]
