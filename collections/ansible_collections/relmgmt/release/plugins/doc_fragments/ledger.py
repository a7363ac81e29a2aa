# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that changes a host."""

from __future__ import annotations


class ModuleDocFragment:
    """The change cycle on whose behalf a module works."""

    DOCUMENTATION = r"""
options:
  change:
    description:
      - Number of the change ticket that authorises the work.
      - A protected host refuses a change for which no gate has passed.
    type: str
  lease:
    description: Lease number that this run holds, as the gate returned it.
    type: int
  ledger:
    description: The ledger of the host, an SQLite file.
    type: path
    default: /var/lib/relmgmt/ledger.db
  phase:
    description: Phase of the change cycle, for the ledger.
    type: str
    default: ""
"""
