#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``test_mode``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: test_mode
short_description: The external interfaces of a host point at their test or at their production endpoints
version_added: 0.1.0
description:
  - Switches every setting that the host holds of the external interfaces, reads it again, and keeps in the ledger what
    is true, so that a run that was cut off anywhere is gone on with, forward or back.
  - With O(state=test) it refuses before it touches anything, unless the fence stands on this host
    (M(relmgmt.release.interface_fence)), a verified backup point is young enough, the queues of the interfaces are
    empty, no other process listens on a test port, and every setting means production.
  - Entering installs C(bin/relmgmt-test-mode) beside the ledger, which tells the state, puts up the fence and leaves
    test mode without the controller; a timer that escalates when O(ends_at) has passed; and a reserve of disk space.
  - With O(state=production) it refuses until the ledger holds a verified restore made after entry, then reads every
    setting again (a restore has brought back those in datasets), writes the others from what the ledger
    remembers, and verifies them all. The interfaces are those of the entry, whatever the inventory says now.
  - While test mode lasts, every other changing module refuses.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.interfaces
  - relmgmt.release.places
  - relmgmt.release.ledger
  - relmgmt.release.attributes
seealso:
  - module: relmgmt.release.test_mode_info
  - module: relmgmt.release.interface_fence
  - module: relmgmt.release.restore
options:
  state:
    description: Where the interfaces shall point.
    type: str
    choices: [test, production]
    required: true
  point:
    description:
      - The backup point of this change that the datasets will go back to, V(before) or V(installed).
      - Required with O(state=test) on a host that has an O(instance).
    type: str
    choices: [before, installed, ""]
    default: ""
  point_max_age:
    description: How many seconds old the point may be on entering.
    type: int
    default: 3600
  ends_at:
    description:
      - When test mode shall be over, in seconds since 1970; V(0) for no end. A later run does not move it.
      - Passing it mails to O(mail) and changes nothing else.
    type: float
    default: 0
  without_fence:
    description: Who accepts that no fence stands on this host, and why, as C(NAME) and a reason with a colon between.
    type: str
    default: ""
  restored:
    description:
      - The proofs of restore that this module returned on the database hosts of the environment.
      - Required with O(state=production) on a host without an O(instance), if the environment has database hosts.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The database host.
        type: str
        required: true
      path:
        description: The backup set.
        type: str
        required: true
      root_digest:
        description: The digest of its manifest.
        type: str
        required: true
      at:
        description: When the restore was verified, in seconds since 1970.
        type: float
        required: true
  outcome:
    description:
      - How the tests ended, on leaving.
      - Signed-off tests go back to the point of the entry; rejected ones to any point of this change.
    type: str
    choices: [signed_off, rejected]
  person:
    description: Who enters or leaves.
    type: str
    default: ""
  banner:
    description: Commands that show and take away a banner which tells users of test mode; each must end with 0.
    type: dict
    default: {}
    suboptions:
      "on":
        description: Shows it, a list of arguments that no shell reads.
        type: list
        elements: str
        default: []
      "off":
        description: Takes it away.
        type: list
        elements: str
        default: []
  mail:
    description:
      - Mail server and addresses for the escalation, as the inventory's C(relmgmt_mail). Kept on the host, readable by
        the user of the ledger alone.
    type: dict
    suboptions:
      host:
        description: Name or address of the SMTP server.
        type: str
        required: true
      port:
        description: Port of the SMTP server.
        type: int
        default: 25
      sender:
        description: Address of the sender.
        type: str
        required: true
      to:
        description: Addresses of the recipients.
        type: list
        elements: str
        required: true
      starttls:
        description: Encrypt the connection and verify the server's certificate. Required for a login.
        type: bool
        default: false
      username:
        description: Name for the login. Without it there is none.
        type: str
      password:
        description: Password for the login.
        type: str
  timer:
    description: What keeps O(ends_at).
    type: dict
    default: {}
    suboptions:
      kind:
        description:
          - V(systemd) is a timer unit; V(process) a process that sleeps and does not outlive a reboot; V(none) nothing.
          - V(auto) is V(systemd) where systemd runs and the user may, else V(process).
        type: str
        choices: [auto, systemd, process, none]
        default: auto
      unit_directory:
        description: Where units are put.
        type: path
        default: /etc/systemd/system
      systemctl:
        description: The program that tells systemd of them.
        type: str
        default: systemctl
"""

EXAMPLES = r"""
- name: Testers work on this host's data, and nothing outside hears of it
  relmgmt.release.test_mode:
    state: test
    change: CHG0000002
    lease: 7
    interfaces: "{{ relmgmt_interfaces }}"
    here: "{{ [inventory_hostname] + group_names }}"
    instance: "{{ relmgmt_instance }}"
    point: installed
    ends_at: "{{ relmgmt_test_mode_ends_at }}"
    person: maria.lopez

- name: The interfaces point at production again
  relmgmt.release.test_mode:
    state: production
    change: CHG0000002
    lease: 7
    outcome: signed_off
    person: maria.lopez
"""

RETURN = r"""
mode:
  description: The state afterwards; C(entering), C(on), C(leaving) or C(off).
  returned: success
  type: str
interfaces:
  description: Every setting of this host.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The interface.
      type: str
    key:
      description: The setting and its place.
      type: str
    value:
      description: Its value, null if it is not set; in check mode what it would be.
      type: str
    means:
      description: C(production), C(test), C(other) or C(absent).
      type: str
fence:
  description: Whether the fence C(stands), in what it C(differs), and the packets that it C(stopped) by interface.
  returned: success
  type: dict
connections:
  description: Connections to production endpoints that are established, with C(interface), C(local), C(remote), C(pid).
  returned: success
  type: list
  elements: dict
point:
  description: The backup point that the datasets go back to.
  returned: when the host holds an instance
  type: dict
restored:
  description: The restore that leaving relies on, with C(path), C(root_digest), C(at) and C(host).
  returned: success
  type: dict
entered_at:
  description: When test mode was entered, in seconds since 1970.
  returned: success
  type: float
ends_at:
  description: When it shall be over; 0 for no end.
  returned: success
  type: float
left_at:
  description: When it was left.
  returned: success
  type: float
timer:
  description: What keeps the end time, with its C(kind) and of systemd its C(unit).
  returned: when test mode was entered
  type: dict
obstacles:
  description: Why it would refuse, each with C(message) and C(cure).
  returned: in check mode with O(state=test)
  type: list
  elements: dict
command:
  description: The command on the host that tells the state and leaves test mode.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode import switch
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_spec import TEST_MODE_SPEC


def main() -> None:
    """Switch the interfaces."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **TEST_MODE_SPEC}, supports_check_mode=True), switch)


if __name__ == "__main__":
    main()
