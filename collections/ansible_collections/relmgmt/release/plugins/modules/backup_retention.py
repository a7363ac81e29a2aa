#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``backup_retention``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_retention
short_description: Backup sets of an M instance that nobody needs any more are removed
version_added: 0.2.0
description:
  - Keeps the sets of the newest O(keep_releases) attempts whose sets are all good. A set is good if this host's
    ledger recorded it as verified, with this root digest.
  - Never removes the last good set, a set of a change that may still go back (its cycle is open, or it is the
    newest one in force), a set that another one builds on, one whose restore is not finished, an attempt with
    a set that is damaged or that the ledger does not know, an unfinished set, or a directory that is no set.
  - A set loses its name before anything of it is deleted. What a crash left with the name C(<set>.removing)
    is removed by the next run.
  - Clones that were kept beside the datasets are removed with their set.
  - Needs the lease of the change, never a fresh approval, as closing the change cycle does.
  - A set that cannot be removed is told as a warning; it is no reason to fail a change cycle.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.ledger
  - relmgmt.release.worker
  - relmgmt.release.attributes
seealso:
  - module: relmgmt.release.backup_set
options:
  root:
    description: Directory of all backup sets.
    type: path
    required: true
  keep_releases:
    description: How many good attempts to keep, at least 1.
    type: int
    required: true
  verify:
    description:
      - Read every block of the sets that stay as the newest before anything is removed. An attempt with a
        damaged one does not count, and an older one stays in its place.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Keep the backup sets of the last three releases
  relmgmt.release.backup_retention:
    instance: "{{ relmgmt_instance }}"
    root: "{{ relmgmt_backup_root }}"
    keep_releases: 3
    change: CHG0000002
    lease: "{{ lease.number }}"
"""

RETURN = r"""
removed:
  description: Paths of the sets that were removed, or would be in check mode.
  returned: success
  type: list
  elements: str
kept:
  description: C(path) of each set that stays, and C(why).
  returned: success
  type: list
  elements: dict
problems:
  description: Sets that could not be removed, with the reason.
  returned: success
  type: list
  elements: str
worker:
  description: The worker that did the work, C(id), C(since), C(lease), and C(joined) if another run began it.
  returned: when the work was done by a worker
  type: dict
in_progress:
  description: The worker that is at work still, with its C(progress), or the one that has to end first, C(waits_for).
  returned: when the time to wait is over; the action then asks again
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_retention import retain
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.worker import WORKER_SPEC, run_supervised

SPEC = {
    **LEDGER_SPEC,
    **WORKER_SPEC,
    **INSTANCE_SPEC,
    "root": {"type": "path", "required": True},
    "keep_releases": {"type": "int", "required": True},
    "verify": {"type": "bool", "default": False},
}


def main() -> None:
    """Remove what nobody needs."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run_supervised(module, "backup_retention", retain)


if __name__ == "__main__":
    main()
