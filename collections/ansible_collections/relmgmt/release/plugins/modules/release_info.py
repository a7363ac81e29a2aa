#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``release_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: What a host's ledger says, and what is really there
description:
  - Reads the ledger of one host and compares it with what can be observed (drift).
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.attributes.info
options:
  change:
    description: The change ticket to look at; all of them when left out.
    type: str
  ledger:
    description: The ledger of the host, an SQLite file.
    type: path
    default: /var/lib/relmgmt/ledger.db
  newest:
    description: How many of the newest acts to return.
    type: int
    default: 50
"""

EXAMPLES = r"""
- name: Which release is current on this host, and is it really there
  relmgmt.release.release_info:
  register: state
"""

RETURN = r"""
host:
  description: Environment, and whether the host is protected or a sandbox.
  returned: success
  type: dict
lease:
  description: The lease row, with its holder.
  returned: success
  type: dict
receipts:
  description:
    - Every receipt, oldest first, with the number of acts that a rollback of its change would undo (C(to_undo)), and
      their targets by module (C(in_force)).
  returned: success
  type: list
  elements: dict
current:
  description: Current release and digest by component.
  returned: success
  type: dict
drift:
  description: Components whose observed digest is not the ledger's.
  returned: success
  type: list
  elements: dict
notes:
  description: What a person should know of components that are as the ledger says, such as one that does not answer.
  returned: success
  type: list
  elements: str
acts:
  description: The newest acts, newest first.
  returned: success
  type: list
  elements: dict
points:
  description: Verified backup points, newest first.
  returned: success
  type: list
  elements: dict
workers:
  description:
    - Work that goes on here, whoever began it. Each has C(id), C(module), C(change), C(attempt), C(lease),
      C(pid), C(since) and C(progress).
  returned: success
  type: list
  elements: dict
test_mode:
  description:
    - The ledger's document of test mode without what the inventory told; C(state), C(change), C(person),
      C(entered_at), C(ends_at) and more. Null if the host was never in it.
  returned: success
  type: dict
fence:
  description: The ledger's document of the fence; null if none was put up.
  returned: success
  type: dict
audit:
  description: Head of the audit log, and the first line that does not follow from the one before.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.describe import describe
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import LEDGER_SPEC, run_view

SPEC = {
    "change": LEDGER_SPEC["change"],
    "ledger": LEDGER_SPEC["ledger"],
    "newest": {"type": "int", "default": 50},
}


def main() -> None:
    """Describe the host."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run_view(module, describe)


if __name__ == "__main__":
    main()
