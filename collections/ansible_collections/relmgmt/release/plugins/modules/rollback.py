#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``rollback``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Everything a change did on this host is undone, newest first
description:
  - Goes by the host's ledger alone; neither inventory, bundle nor window can forbid it.
  - Datasets are restored only when the journal shows that nothing but the release wrote since
    the backup. Otherwise items, named globals and packages go back from their pre-images, the
    data stay, and the data-loss statement is returned.
  - A failure to undo one act does not keep the others from being undone; it is told at the end.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.worker
  - relmgmt.release.attributes
options:
  change:
    required: true
  in_use:
    description:
      - Sessions go on, as in a release whose older web application runs on the newer database. Datasets are not
        replaced under them; items, named globals and packages go back from their pre-images.
    type: bool
    default: false
  leave:
    description:
      - Kinds of acts that are not undone by this call, because something else has to come first.
      - V(proxy_member) leaves a server out of a proxy until it has gone back itself.
    type: list
    elements: str
    choices: [proxy_member]
    default: []
  lose_writes_confirmed_by:
    description: The named person who accepts that writes since the backup are lost.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Undo a change on this host
  relmgmt.release.rollback:
    change: CHG0000002
    lease: 8
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
undone:
  description: The acts undone (in check mode, those that would be), newest first.
  returned: success
  type: list
  elements: dict
way:
  description: How the datasets went back, V(restore) or V(items).
  returned: success
  type: str
statements:
  description: What a person has to read, the data-loss statement above all.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose import load_adapters
from ansible_collections.relmgmt.release.plugins.module_utils._module.going_back import go_back
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.worker import WORKER_SPEC, run_supervised

SPEC = {
    **LEDGER_SPEC,
    **WORKER_SPEC,
    "change": {"type": "str", "required": True},
    "in_use": {"type": "bool", "default": False},
    "leave": {"type": "list", "elements": "str", "choices": ["proxy_member"], "default": []},
    "lose_writes_confirmed_by": {"type": "str", "default": ""},
}


def main() -> None:
    """Go back."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    load_adapters()
    run_supervised(module, "rollback", go_back)


if __name__ == "__main__":
    main()
