#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``interface_fence``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: interface_fence
short_description: No packet reaches a production endpoint while test mode lasts
version_added: 0.1.0
description:
  - Puts up a table of nftables of its own that stops packets to and from the production endpoints of the external
    interfaces, whatever their settings say, on every host that can connect out.
  - Outbound connections are reset, at this host and where it forwards; what comes from the other side is dropped.
    Inbound listeners are shut for everybody, this host included, so that senders keep their messages. Connections that
    were established before are stopped as well.
  - The table is replaced in one transaction. There is no moment without it, and no other table is touched.
  - A unit of systemd puts it up again before the network, and the units of O(boot.before) do not start without it.
  - What stands is read back from the kernel. A table that lacks a rule, has another one, or is switched off does not
    stand, and is replaced.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.interfaces
  - relmgmt.release.attributes
options:
  state:
    description:
      - With V(present) the fence stands.
      - With V(absent) it is gone, after a reboot too. That is refused while this host is in test mode, unless it is
        being left and the production ports are verified after a restore; O(going_back) makes no difference.
    type: str
    choices: [present, absent]
    default: present
  here:
    description:
      - The host's names in the inventory, its own and those of its groups.
      - An inbound interface that listens at every address (V(0.0.0.0) or V(::)) is shut on the hosts that hold one of
        its settings alone. Give the address that it listens on if it does so elsewhere. If this is empty it is shut on
        every host.
    type: list
    elements: str
    default: []
  table:
    description: Name of the table, in the family C(inet). It begins with C(relmgmt_), and is replaced.
    type: str
    default: relmgmt_fence
  nft:
    description: The program C(nft), a name or a path.
    type: str
    default: nft
  boot:
    description: How the fence comes back after a reboot.
    type: dict
    default: {}
    suboptions:
      kind:
        description: With V(none) it does not. RV(after_reboot) tells.
        type: str
        choices: [systemd, none]
        default: systemd
      unit_directory:
        description: Where the unit and its drop-ins are written.
        type: path
        default: /etc/systemd/system
      systemctl:
        description: The program C(systemctl), a name or a path.
        type: str
        default: systemctl
      before:
        description: Units of the application, such as V(cfis.service), that do not start without the fence.
        type: list
        elements: str
        default: []
  going_back:
    description: The work belongs to a rollback, which needs the lease of the change and no valid receipt.
    type: bool
    default: false
notes:
  - Needs nftables 0.9.1 or later, and root or the capability C(CAP_NET_ADMIN).
  - While test mode lasts, V(present) never opens what is shut; a name that means another address by now is shut at
    both.
  - The fence stands in the network namespace of the host. A container's traffic that the host forwards is stopped; a
    process with a network interface of its own is not.
  - A packet is known by address and port. Whatever else leads to production, a proxy or a load balancer, is an address
    of it too.
  - Whoever flushes every table as root takes the fence away, and M(relmgmt.release.test_mode_info) tells. After a
    start, reload or stop of C(nftables.service), which do that, systemd puts it up again.
seealso:
  - module: relmgmt.release.test_mode
  - module: relmgmt.release.test_mode_info
"""

EXAMPLES = r"""
- name: Shut off the production endpoints
  relmgmt.release.interface_fence:
    change: CHG0000007
    lease: 7
    here: [db1, databases]
    interfaces:
      - name: CATS
        direction: outbound
        protocol: tcp
        production: {host: cats.example.org, port: 5100}
        test: {host: cats-test.example.org, port: 5101}
        settings:
          - hosts: databases
            place: global_node
            global: ^CFISCFG
            subscripts: [interface, CATS, port]
    boot:
      before: [cfis.service]

- name: Open them again, after the restore is verified
  relmgmt.release.interface_fence:
    change: CHG0000007
    lease: 7
    state: absent
"""

RETURN = r"""
table:
  description: Name of the table.
  returned: success
  type: str
stands:
  description: Whether the fence stands; in check mode whether it would.
  returned: success
  type: bool
was:
  description: What was not as it should be before; of V(absent), what of it was there.
  returned: success
  type: list
  elements: str
rules:
  description:
    - What is shut off, C(interface), C(direction), C(protocol), C(address) and C(port); an empty address is any of the
      host's own.
  returned: success
  type: list
  elements: dict
resolved:
  description: The addresses of the interfaces' hosts.
  returned: when present
  type: dict
stopped:
  description: Packets that were stopped since the table was put up, by interface.
  returned: success
  type: dict
after_reboot:
  description: Whether the fence stands again after a reboot.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_fence import FENCE_SPEC, set_fence
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run


def main() -> None:
    """Put the fence up, or take it down."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **FENCE_SPEC}, supports_check_mode=True), set_fence)


if __name__ == "__main__":
    main()
