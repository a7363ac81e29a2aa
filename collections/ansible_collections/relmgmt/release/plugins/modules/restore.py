#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``restore``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: The datasets and routines of an M instance are those of a backup set again
version_added: 0.1.0
description:
  - Verifies the manifest and every block of the set before anything is written; one wrong block and
    nothing is touched.
  - Needs the instance to itself; the processes that have a dataset open are named.
  - The instance cannot be opened while it is being restored. A run that was cut off leaves every
    dataset whole under its name and the instance unopenable; the next run finishes it.
  - Afterwards the freeze state is cleared, shared memory is run down, new journals are begun (the
    old ones stay under names of their own), a write is proven in every dataset and its integrity checked.
  - Going back needs the lease of the change, never a fresh approval.
  - Writes by users since the set was taken are lost only with a named person's word.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.ledger
  - relmgmt.release.attributes
seealso:
  - module: relmgmt.release.backup_set
options:
  path:
    description: The directory of the backup set, as M(relmgmt.release.backup_set) returned it.
    type: path
    required: true
  lose_writes_confirmed_by:
    description:
      - Name of the person who has read the data-loss statement and accepts it.
      - Needed when the journals show writes that are not the release's, or cannot tell.
    type: str
    default: ""
  reserve:
    description: Bytes that stay free beside the datasets, besides their size and 5 % of it.
    type: int
    default: 67108864
"""

EXAMPLES = r"""
- name: Bring the datasets back to the point before the release
  relmgmt.release.restore:
    instance: "{{ relmgmt_instance }}"
    path: "{{ relmgmt_backup_root }}/CFIS002/CHG0000002-1/CFIS/before"
    change: CHG0000002
    lease: "{{ lease.number }}"
"""

RETURN = r"""
datasets:
  description: Every dataset with C(blocks_differing) of C(blocks_total), and whether it was the point's already.
  returned: success
  type: list
  elements: dict
blocks_differing:
  description: How many blocks of the datasets to be replaced differ from the set.
  returned: success
  type: int
blocks_total:
  description: How many blocks the datasets of the set have.
  returned: success
  type: int
routines_written:
  description: Routines whose source differed.
  returned: success
  type: list
  elements: str
routines_removed:
  description: Routines that the point did not have.
  returned: success
  type: list
  elements: str
data_loss:
  description: The statement of what is lost, the time of the point, who wrote what since.
  returned: success
  type: dict
attached:
  description: Processes that have a dataset open and would make the restore refuse.
  returned: in check mode
  type: list
  elements: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import restore
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run

SPEC = {
    **INSTANCE_SPEC,
    "path": {"type": "path", "required": True},
    "lose_writes_confirmed_by": {"type": "str", "default": ""},
    "reserve": {"type": "int", "default": 67108864},
}


def main() -> None:
    """Bring datasets back."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **SPEC}, supports_check_mode=True), restore)


if __name__ == "__main__":
    main()
