#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action ``gate``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: May this change be carried out here and now
description:
  - An action, run once for the environment. Reads ticket, approvals and bundle on the controller,
    takes its policy from the inventory (never from extra variables), decides, and claims the lease
    on the environment's anchor host, the first database host.
  - In check mode it reports and never fails for a gate.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.attributes
attributes:
  diff_mode:
    support: none
    details: The verdicts are shown instead.
options:
  change:
    description: Path of the change ticket.
    type: path
    required: true
  entry:
    description:
      - V(pass) passes the gate for a whole release, V(join) joins a cycle whose gate has passed,
        V(go_back) joins it in order to go back, V(restore) in order to restore a backup set,
        V(deliver) looks at bundle and ticket only.
      - V(enter) enters test mode; on demand it passes the gate, for a release it joins the cycle. V(leave) joins it in
        order to leave test mode and wants the variables C(outcome) and C(confirmed_by).
    type: str
    choices: [deliver, pass, join, enter, go_back, restore, leave]
    default: pass
"""

EXAMPLES = r"""
- name: Pass the gate
  relmgmt.release.gate:
    change: examples/changes/CHG0000002.yml
  run_once: true
  register: gate_cycle
"""

RETURN = r"""
change:
  description: Number of the change.
  returned: success
  type: str
release:
  description: Name of the release.
  returned: success
  type: str
attempt:
  description: The attempt that is carried out.
  returned: success
  type: int
lease:
  description: The lease number of this run.
  returned: success
  type: int
needed:
  description: False when the change is finished on every host and nothing differs.
  returned: success
  type: bool
verdicts:
  description: Every gate's verdict with its reason and cure.
  returned: always
  type: list
  elements: dict
packages:
  description: The bundle's packages by type.
  returned: success
  type: dict
test_mode:
  description: Whether test mode is a part of this cycle.
  returned: success
  type: bool
completeness:
  description: The release's completeness checks.
  returned: success
  type: list
  elements: dict
"""
