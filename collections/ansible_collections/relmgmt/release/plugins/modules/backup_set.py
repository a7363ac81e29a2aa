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
  - Every copy is checked by the engine's integrity check, hashed block by block, and read back past
    the page cache. The manifest is written last, and only then does the set get its name.
  - A set that exists is verified and never replaced. A directory that ends in C(.part) is what a
    crash left; it is never a set, and the next run throws it away.
  - The point V(before) is refused once a package of the same attempt was installed.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.ledger
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
        5 % of it. Checked before the first byte is written.
    type: int
    default: 67108864
"""

EXAMPLES = r"""
- name: Take the backup set before the release
  relmgmt.release.backup_set:
    instance: "{{ relmgmt_instance }}"
    root: "{{ relmgmt_backup_root }}"
    point: before
    change: CHG0000002
    lease: "{{ lease.number }}"
"""

RETURN = r"""
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
  description: Name, kind, file, original path, size, root and journal position of every dataset.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_set import take
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run

SPEC = {
    **INSTANCE_SPEC,
    "root": {"type": "path", "required": True},
    "release": {"type": "str", "default": ""},
    "point": {"type": "str", "choices": ["before", "installed"], "default": "before"},
    "reserve": {"type": "int", "default": 67108864},
}


def main() -> None:
    """Have a verified backup set."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **SPEC}, supports_check_mode=True), take)


if __name__ == "__main__":
    main()
