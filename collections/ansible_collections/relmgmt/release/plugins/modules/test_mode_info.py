#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``test_mode_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: test_mode_info
short_description: Where the external interfaces of a host point, and whether that is safe
version_added: 0.1.0
description:
  - Reads every setting, the fence, the kernel's connections, banner, timer and ledger, and says what is true.
  - Needs no change cycle, so that a monitor can run it; RV(ok) is what it has to look at.
  - While test mode lasts, the interfaces are those of the entry; O(interfaces) is what the inventory says now, and
    where the two differ RV(notes) says so.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.interfaces
  - relmgmt.release.places
  - relmgmt.release.attributes.info
seealso:
  - module: relmgmt.release.test_mode
options:
  ledger:
    description: The ledger of the host, an SQLite file.
    type: path
    default: /var/lib/relmgmt/ledger.db
"""

EXAMPLES = r"""
- name: Where do the interfaces of this host point
  relmgmt.release.test_mode_info:
    interfaces: "{{ relmgmt_interfaces }}"
    here: "{{ [inventory_hostname] + group_names }}"
    instance: "{{ relmgmt_instance }}"
  register: mode
  failed_when: not mode.ok
"""

RETURN = r"""
verdict:
  description:
    - C(production), every setting means production and test mode is off; C(test), every setting means test and the
      fence stands; C(half), neither; C(unknown), something that must be seen could not be.
  returned: success
  type: str
ok:
  description: Whether nothing asks for a person; RV(problems) says what does.
  returned: success
  type: bool
problems:
  description: What is not as it should be, a sentence each, with its cure.
  returned: success
  type: list
  elements: str
notes:
  description: What a person should know beside.
  returned: success
  type: list
  elements: str
text:
  description: All of it as a table for people.
  returned: success
  type: str
mode:
  description: The state that the ledger tells; C(entering), C(on), C(leaving) or C(off).
  returned: success
  type: str
test_mode:
  description: The ledger's document without what the inventory told; null if the host was never in test mode.
  returned: success
  type: dict
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
      description: Its value, null if it is not set.
      type: str
    means:
      description: C(production), C(test), C(other) or C(absent).
      type: str
drift:
  description: Settings that mean something else than the state asks for.
  returned: success
  type: list
  elements: dict
pending:
  description: Why what stands is not yet in force, a sentence for each kind of place.
  returned: success
  type: list
  elements: str
fence:
  description: Whether the fence C(stands), in what it C(differs), and the packets that it C(stopped) by interface.
  returned: success
  type: dict
connections:
  description: Connections to production endpoints that are established, with C(interface), C(local), C(remote), C(pid).
  returned: success
  type: list
  elements: dict
queues:
  description: What is still to be sent, by interface.
  returned: success
  type: dict
restored:
  description: The restore since entry that leaving could rely on, or relied on; null if there is none.
  returned: success
  type: dict
overdue:
  description: By how many seconds the end time has passed; 0 if it has not.
  returned: success
  type: float
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_info import look
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_spec import TEST_MODE_INFO_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import run_view


def main() -> None:
    """Look at the interfaces."""
    run_view(AnsibleModule(argument_spec=TEST_MODE_INFO_SPEC, supports_check_mode=True), look)


if __name__ == "__main__":
    main()
