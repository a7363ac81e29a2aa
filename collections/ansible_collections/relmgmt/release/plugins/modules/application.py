#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``application``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: application
short_description: The application is open, restricted, being tested or quiesced
version_added: 0.1.0
description:
  - Starts or stops the components of an application, so that nobody but the release writes while a release is made.
  - Web entries are stopped first, then interface jobs, then sessions; they are started in the reverse order.
  - What runs is observed before and after; a component that already is as wanted is left alone.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.attributes
options:
  name:
    description: Name of the application.
    type: str
    required: true
  components:
    description: What the application consists of, in the order in which components of one kind are stopped.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the component.
        type: str
        required: true
      kind:
        description: Whether it is an interface job, users' sessions, or the way in from the web.
        type: str
        choices: [interface, session, web_entry]
        required: true
      start:
        description: Command that starts it, a list of arguments that no shell reads.
        type: list
        elements: str
        required: true
      stop:
        description: Command that stops it.
        type: list
        elements: str
        required: true
      status:
        description: Command that ends with 0 if it runs and with 1 if it is stopped; anything else is an error.
        type: list
        elements: str
        required: true
  going_back:
    description: The state belongs to a rollback, which needs the lease of the change and no valid receipt.
    type: bool
    default: false
  state:
    description:
      - With V(open) every component runs, with V(quiesced) none does.
      - With V(restricted) sessions run, interfaces and web entries do not.
      - With V(testing) sessions and interfaces run, which point at test endpoints then (test mode); web entries stay
        closed, testers have a door of their own.
    type: str
    choices: [open, restricted, testing, quiesced]
    required: true
  timeout:
    description: Seconds that all components together may take until they are as wanted.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Nobody writes while the release is installed
  relmgmt.release.application:
    change: CHG0000002
    lease: 7
    name: CFIS
    state: quiesced
    components:
      - name: interfaces
        kind: interface
        start: [systemctl, start, cfis-interfaces]
        stop: [systemctl, stop, cfis-interfaces]
        status: [/usr/local/bin/cfis-status, interfaces]
"""

RETURN = r"""
name:
  description: Name of the application.
  returned: success
  type: str
state:
  description: The state it is in; in check mode the one it would be in.
  returned: success
  type: str
components:
  description: State of every component, running or stopped, as observed afterwards.
  returned: success
  type: dict
acted:
  description: What was done, in order, such as C(stop interfaces).
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.application import set_state
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run

COMMAND = {"type": "list", "elements": "str", "required": True}
COMPONENT = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["interface", "session", "web_entry"], "required": True},
    "start": COMMAND,
    "stop": COMMAND,
    "status": COMMAND,
}
SPEC = {
    "going_back": {"type": "bool", "default": False},
    "name": {"type": "str", "required": True},
    "components": {"type": "list", "elements": "dict", "required": True, "options": COMPONENT},
    "state": {"type": "str", "choices": ["open", "restricted", "testing", "quiesced"], "required": True},
    "timeout": {"type": "int", "default": 120},
}


def main() -> None:
    """Open, restrict or quiesce an application, or let it be tested."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **SPEC}, supports_check_mode=True), set_state)


if __name__ == "__main__":
    main()
