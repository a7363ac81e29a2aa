# SPDX-License-Identifier: GPL-3.0-or-later
"""A release and a ticket as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
RELEASE = """\
# The release of December.
schema: 1
name: CFIS002
packages:
  - type: war      # the application
    file: cfis.war
    application: cfis
  - {type: static_zip, file: cfis-static.zip}   # logo only
documents:
  release_notes: NOTES.md
"""
TICKET = """\
change: CHG0000002
release: CFIS002
bundle: CFIS002
environment: sandbox
requested_by: maria.lopez
date: "2026-12-05"
"""
