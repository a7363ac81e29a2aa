#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``lease``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lease
short_description: A change cycle that has passed its gate holds a host's lease
description:
  - Joins a change cycle on one host, as a phase run alone or a rollback does.
  - A live holder is never displaced; a holder that the controller has proven dead is.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.holder
  - relmgmt.release.attributes
attributes:
  diff_mode:
    support: none
    details: A lease is an entry of its own, it has no earlier content.
options:
  going_back:
    description: The run goes back; neither an expired receipt nor a changed bundle forbids that.
    type: bool
    default: false
  bundle_digest:
    description: Digest of the release bundle at hand, held against the receipt.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Join a change cycle in order to go back
  relmgmt.release.lease:
    change: CHG0000002
    going_back: true
"""

RETURN = r"""
number:
  description: The lease number that the change holds, 0 where it never worked.
  returned: success
  type: int
attempt:
  description: The newest attempt of the change on this host.
  returned: success
  type: int
receipt:
  description: The receipt of that attempt.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module import cycle
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run

SPEC = {
    "going_back": {"type": "bool", "default": False},
    "bundle_digest": {"type": "str", "default": ""},
    **cycle.HOLDER_SPEC,
}


def main() -> None:
    """Join a change cycle."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **SPEC}, supports_check_mode=True), cycle.join)


if __name__ == "__main__":
    main()
