#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``backup_set``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_set
short_description: A verified backup set of an M instance exists at a point of a change
version_added: 0.1.0
description:
  - Copies all datasets of an instance at one consistent moment, and its routines where these lie
    in files, to C(<root>/<release>/<change>-<attempt>/<instance>/<point>/).
  - The moment is the engine's own online backup's, or that of a short freeze. Nothing is frozen before
    a watchdog is armed, a process of its own that thaws whatever becomes of the module.
  - Every copy is checked by the engine's integrity check, hashed block by block, and read back past
    the page cache. The manifest is written last, and only then does the set get its name.
  - A set that exists is verified and never replaced. A directory that ends in C(.part) is what a
    crash left; it is never a set, and the next run throws it away.
  - The point V(before) is refused once a package of the same attempt was installed.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.ledger
  - relmgmt.release.worker
  - relmgmt.release.attributes
seealso:
  - module: relmgmt.release.backup_set_info
  - module: relmgmt.release.restore
options:
  root:
    description: Directory of all backup sets.
    type: path
    required: true
  release:
    description: Name of the release; the default is the one of the change's receipt.
    type: str
    default: ""
  point:
    description: When in the change cycle the set is taken, before the release or after it was installed.
    type: str
    choices: [before, installed]
    default: before
  reserve:
    description:
      - Bytes that stay free on the file system of O(root), beside the size of the instance and
        5 % of it, and on the file systems of the datasets where these are frozen. Checked before the
        first byte is written.
    type: int
    default: 67108864
  provider:
    description:
      - How the datasets are copied at one moment. What is asked for and is impossible is refused
        before anything is touched.
      - V(native) is the engine's own online backup.
      - V(reflink) clones every dataset under a freeze, on a file system that can, and copies the clones out.
      - V(lvm) takes snapshots of logical volumes under a freeze, and copies these out.
      - V(copy) copies while the database lives, then freezes it and copies what changed. Where nobody
        has a dataset open it is a plain copy without a freeze, which RV(provider) calls V(rest).
      - V(auto) takes the first that is possible, of V(reflink), V(native), V(lvm) and V(copy).
    type: str
    choices: [auto, native, reflink, lvm, copy]
    default: auto
  incremental:
    description:
      - With V(auto), the point V(installed) holds only the blocks that differ from the point V(before)
        of the same attempt, if that is there and its digests are those of its manifest.
      - With V(never), every set holds whole datasets.
    type: str
    choices: [auto, never]
    default: auto
  freeze_limit:
    description:
      - Seconds that writes may stand still, at most 300. Then the watchdog thaws, and the copy is thrown away.
    type: int
    default: 60
  keep_clone:
    description:
      - With provider V(reflink), the clones stay beside the datasets, in
        C(.relmgmt-clones/<change>-<attempt>-<instance>-<point>/), as a rollback point on the same disk.
        They are never counted as the backup.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the backup set before the release
  relmgmt.release.backup_set:
    instance: "{{ relmgmt_instance }}"
    root: "{{ relmgmt_backup_root }}"
    point: before
    change: CHG0000002
    lease: "{{ lease.number }}"

- name: Let nothing stand still for more than 20 seconds
  relmgmt.release.backup_set:
    instance: "{{ relmgmt_instance }}"
    root: "{{ relmgmt_backup_root }}"
    provider: copy
    freeze_limit: 20
    change: CHG0000002
    lease: "{{ lease.number }}"
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
path:
  description: The directory of the set.
  returned: success
  type: str
root_digest:
  description: One digest of the whole set; empty in check mode when a set would be taken.
  returned: success
  type: str
taken_at:
  description: When the set was taken, ISO 8601, UTC.
  returned: when the set exists
  type: str
size:
  description: Bytes of all datasets and routines.
  returned: success
  type: int
datasets:
  description:
    - Name, kind, file, original path, size, root and journal position of every dataset, and whether it is
      C(stored) as a plain file or as the C(blocks) that differ from the base.
  returned: success
  type: list
  elements: dict
provider:
  description: How the datasets were copied, or would be; V(rest) where nobody had them open.
  returned: success
  type: str
frozen_seconds:
  description: How long writes stood still; null if nothing was frozen.
  returned: when the set exists
  type: float
watchdog:
  description: Who started the watchdog of the freeze, V(systemd-run) or V(own session); empty without a freeze.
  returned: when a set was taken
  type: str
base:
  description: The set whose blocks this one builds on; empty if it holds whole datasets.
  returned: success
  type: str
bytes:
  description: Bytes that the set itself takes.
  returned: when a set was taken
  type: int
seconds:
  description: How long it took, checks and reading back included.
  returned: when a set was taken
  type: float
rate:
  description: Bytes of the instance a second, all passes included.
  returned: when a set was taken
  type: int
needed:
  description: Bytes that taking the set needs below O(root), without margin and reserve.
  returned: in check mode, when a set would be taken
  type: int
free:
  description: Bytes that are free there.
  returned: in check mode, when a set would be taken
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_set import take
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.worker import WORKER_SPEC, run_supervised

SPEC = {
    **LEDGER_SPEC,
    **WORKER_SPEC,
    **INSTANCE_SPEC,
    "root": {"type": "path", "required": True},
    "release": {"type": "str", "default": ""},
    "point": {"type": "str", "choices": ["before", "installed"], "default": "before"},
    "reserve": {"type": "int", "default": 67108864},
    "provider": {"type": "str", "choices": ["auto", "native", "reflink", "lvm", "copy"], "default": "auto"},
    "incremental": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
    "freeze_limit": {"type": "int", "default": 60},
    "keep_clone": {"type": "bool", "default": False},
}


def main() -> None:
    """Have a verified backup set."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run_supervised(module, "backup_set", take)


if __name__ == "__main__":
    main()
