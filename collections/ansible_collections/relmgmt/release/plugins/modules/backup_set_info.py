#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``backup_set_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_set_info
short_description: What backup sets are there, and whether they are whole
version_added: 0.1.0
description:
  - Reads the manifests of backup sets and, on demand, every block of them.
  - With O(path) a set that is missing or damaged is an error; below O(root) it is listed with its error.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.attributes.info
options:
  path:
    description: The directory of one set.
    type: path
  root:
    description: A directory below which sets are looked for.
    type: path
  verify:
    description: Read every block past the page cache and compare it with its digest.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Prove that a backup set is whole
  relmgmt.release.backup_set_info:
    path: /backup/CFIS002/CHG0000002-1/CFIS/before
    verify: true
"""

RETURN = r"""
sets:
  description: The manifest's values of every set, with its path, C(verified) and C(error).
  returned: success
  type: list
  elements: dict
unfinished:
  description: Directories that an interrupted backup left; they are no sets.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_set import look
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import run_view

SPEC = {
    "path": {"type": "path"},
    "root": {"type": "path"},
    "verify": {"type": "bool", "default": False},
}


def main() -> None:
    """Look at backup sets."""
    module = AnsibleModule(
        argument_spec=SPEC, supports_check_mode=True,
        required_one_of=[("path", "root")], mutually_exclusive=[("path", "root")],
    )
    run_view(module, look)


if __name__ == "__main__":
    main()
