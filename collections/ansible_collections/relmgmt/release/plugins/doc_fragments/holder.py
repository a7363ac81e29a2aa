# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that take the environment's lease."""

from __future__ import annotations


class ModuleDocFragment:
    """Who asks for the lease, and on what grounds."""

    DOCUMENTATION = r"""
options:
  holder:
    description: Who holds the lease (user, controller, boot_id, pid, pid_started, started).
    type: dict
    default: {}
  number:
    description: Lease number granted by the environment's anchor host, 0 on the anchor itself.
    type: int
    default: 0
  proven_dead:
    description: Lease number whose holder the controller has proven dead.
    type: int
    default: 0
  take_over:
    description: Name and reason of the person who takes the lease over.
    type: str
    default: ""
"""
