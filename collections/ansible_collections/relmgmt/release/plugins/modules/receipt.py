#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``receipt``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: receipt
short_description: A gate's receipt and the environment's lease stand in a host's ledger
description:
  - Writes the receipt of a passed gate and takes the lease on one host, or closes both.
  - The role P(relmgmt.release.gate#role) calls it; there is seldom a reason to call it yourself.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.holder
  - relmgmt.release.attributes
attributes:
  diff_mode:
    support: none
    details: A receipt is an entry of its own, it has no earlier content.
options:
  state:
    description:
      - Whether the change cycle is open, verified or closed on the host.
      - It is closed as done only after it was verified since its newest act.
    type: str
    choices: [open, verified, closed]
    default: open
  verdict:
    description: How the cycle ended, with O(state=closed).
    type: str
    choices: ["", done, rolled_back, failed, not_started]
    default: ""
  attempt:
    description: Which attempt of the change this is, from 1.
    type: int
    default: 1
  release:
    description: Name of the release.
    type: str
    default: ""
  bundle_digest:
    description: Digest of the release bundle.
    type: str
    default: ""
  plan_digest:
    description: Digest of bundle, environment and phases, to which approvals are bound.
    type: str
    default: ""
  environment:
    description: Name of the environment.
    type: str
    default: ""
  packages:
    description: SHA-256 of every package of the bundle.
    type: list
    elements: str
    default: []
  report:
    description: The gates' verdicts.
    type: list
    elements: dict
    default: []
  clock:
    description: Whether the gate used the real clock or, in a sandbox, an injected one.
    type: str
    choices: [real, injected]
    default: real
  expires:
    description: End of the receipt, in seconds since 1970.
    type: float
    default: 0.0
  protected:
    description: Changing modules refuse on this host without a receipt. A host never becomes less protected.
    type: bool
    default: true
  sandbox:
    description: The host belongs to a sandbox, where the clock may be injected.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Close a change cycle on this host
  relmgmt.release.receipt:
    change: CHG0000002
    lease: 7
    state: closed
    verdict: done
"""

RETURN = r"""
number:
  description: The lease number that the change holds.
  returned: with O(state=open)
  type: int
resumed:
  description: The attempt was open already.
  returned: with O(state=open)
  type: bool
receipt:
  description: The receipt as it is now.
  returned: with O(state=closed)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module import cycle
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run

SPEC = {
    "state": {"type": "str", "choices": ["open", "verified", "closed"], "default": "open"},
    "verdict": {
        "type": "str", "choices": ["", "done", "rolled_back", "failed", "not_started"], "default": "",
    },
    "attempt": {"type": "int", "default": 1},
    "release": {"type": "str", "default": ""},
    "bundle_digest": {"type": "str", "default": ""},
    "plan_digest": {"type": "str", "default": ""},
    "environment": {"type": "str", "default": ""},
    "packages": {"type": "list", "elements": "str", "default": []},
    "report": {"type": "list", "elements": "dict", "default": []},
    "clock": {"type": "str", "choices": ["real", "injected"], "default": "real"},
    "expires": {"type": "float", "default": 0.0},
    **cycle.HOLDER_SPEC,
    "protected": {"type": "bool", "default": True},
    "sandbox": {"type": "bool", "default": False},
}


WORK = {"open": cycle.open_receipt, "verified": cycle.verified, "closed": cycle.close}


def main() -> None:
    """Open, verify or close the receipt."""
    module = AnsibleModule(argument_spec={**LEDGER_SPEC, **SPEC}, supports_check_mode=True)
    run(module, WORK[module.params["state"]])


if __name__ == "__main__":
    main()
