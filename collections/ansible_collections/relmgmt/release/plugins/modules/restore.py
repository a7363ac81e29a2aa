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
  - Compares every dataset with the manifest, one read each, and writes only the blocks that differ. Where the
    device makes that the slower way, the whole dataset is copied back, or cloned where the file system can.
  - Verifies the manifest and every block that it will write before anything is written; one wrong block and
    nothing is touched.
  - Needs the instance to itself; the processes that have a dataset open are named.
  - The instance cannot be opened while it is being restored, and neither can a dataset that is written to by
    another way. A run that was cut off, by a power cut too, leaves it so; the next run finishes it. A run with
    another set finishes that other set instead, with a named person's word.
  - Afterwards the freeze state is cleared, shared memory is run down, new journals are begun (the
    old ones stay under names of their own), a write is proven in every dataset and its integrity checked.
  - Going back needs the lease of the change, never a fresh approval.
  - Writes by users since the set was taken are lost only with a named person's word.
  - While test mode lasts, it refuses unless the fence stands, because the datasets of the set hold production ports;
    M(relmgmt.release.test_mode) relies on it, also on one that found nothing to do.
  - Check mode tells how many blocks of how many would change, by which way, and what would be lost.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.ledger
  - relmgmt.release.worker
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
  keep_written:
    description:
      - A new directory on the host for what was written since the set was taken, such as by testers in test mode, one
        file for each dataset with the rows of the product's journal extract. Nobody but the user can read it.
      - It is written before anything is restored; if that fails, so does the restore. For GT.M and YottaDB only.
    type: path
  reserve:
    description:
      - Bytes that stay free beside a dataset that is copied whole or has to grow, besides 5 % of its size.
      - Rewriting blocks that a dataset has already needs no space.
    type: int
    default: 67108864
  verify:
    description:
      - V(changes) verifies the blocks that will be written, and the routines.
      - V(all) verifies every block of the set, and of the earlier point that it builds on, which costs a read of
        the whole set.
    type: str
    choices: [changes, all]
    default: changes
"""

EXAMPLES = r"""
- name: Bring the datasets back to the point before the release
  relmgmt.release.restore:
    instance: "{{ relmgmt_instance }}"
    path: "{{ relmgmt_backup_root }}/CFIS002/CHG0000002-1/CFIS/before"
    change: CHG0000002
    lease: "{{ lease.number }}"

- name: See how much would change and what would be lost
  relmgmt.release.restore:
    instance: "{{ relmgmt_instance }}"
    path: "{{ relmgmt_backup_root }}/CFIS002/CHG0000002-1/CFIS/before"
    change: CHG0000002
  check_mode: true
  diff: true
  register: planned

- name: Bring the point before test mode back, every block of the set verified first
  relmgmt.release.restore:
    instance: "{{ relmgmt_instance }}"
    path: "{{ relmgmt_backup_root }}/CFIS002/CHG0000002-1/CFIS/installed"
    verify: all
    change: CHG0000002
    lease: "{{ lease.number }}"
    lose_writes_confirmed_by: maria.lopez
"""

RETURN = r"""
worker:
  description: The worker that did the work, C(id), C(since), C(lease), and C(joined) if another run began it.
  returned: when the work was done by a worker
  type: dict
in_progress:
  description: The worker that is at work still, with its C(progress), or the one that has to end first, C(waits_for).
  returned: when the time to wait is over; the action then asks again
  type: dict
datasets:
  description: Every dataset of the set.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The dataset's name in the instance.
      type: str
    path:
      description: Its file.
      type: str
    same:
      description: Whether it was the point's already.
      type: bool
    blocks_differing:
      description: How many of its blocks differ from the set's.
      type: int
    blocks_total:
      description: How many blocks it has in the set.
      type: int
    block_size:
      description: Bytes of a block.
      type: int
    way:
      description: How it is brought back, C(delta), C(copy) or C(clone); empty if it was the point's already.
      type: str
    reason:
      description: Why by that way.
      type: str
    bytes_written:
      description: Bytes that are written to its file.
      type: int
blocks_differing:
  description: How many blocks of the datasets to be replaced differ from the set.
  returned: success
  type: int
blocks_total:
  description: How many blocks the datasets of the set have.
  returned: success
  type: int
bytes_written:
  description: How many bytes are written to the files of the datasets.
  returned: success
  type: int
not_in_set:
  description: Datasets of the instance that the set does not hold; they stay as they are.
  returned: success
  type: list
  elements: str
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
  description: What is lost.
  returned: success, and in C(error) when a named person's word is missing
  type: dict
  contains:
    statement:
      description: All of it in a sentence.
      type: str
    point:
      description: The point of the set.
      type: str
    taken_at:
      description: When the set was taken; what was written later is lost.
      type: str
    datasets:
      description: The datasets whose writes are lost.
      type: list
      elements: str
    writes:
      description:
        - Whether it is C(known), or why C(unknown); how many (C(count)), C(by) whom and in which C(globals), the
          C(first) and C(last) time, and the first 200 as C(rows).
        - Null if no dataset would be replaced.
      type: dict
    confirmed_by:
      description: Who accepts the loss.
      type: str
kept:
  description: The directory with what was written (C(path)), and how many C(writes) it holds; null if not asked for.
  returned: success, outside check mode
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
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.worker import WORKER_SPEC, run_supervised

SPEC = {
    **LEDGER_SPEC,
    **WORKER_SPEC,
    **INSTANCE_SPEC,
    "path": {"type": "path", "required": True},
    "lose_writes_confirmed_by": {"type": "str", "default": ""},
    "keep_written": {"type": "path"},
    "reserve": {"type": "int", "default": 67108864},
    "verify": {"type": "str", "choices": ["changes", "all"], "default": "changes"},
}


def main() -> None:
    """Bring datasets back."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run_supervised(module, "restore", restore)


if __name__ == "__main__":
    main()
