#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``websphere_config``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: websphere_config
short_description: The configuration changes that a release names are in force
version_added: 0.2.0
description:
  - Sets and removes variables, JVM properties and options, fragments of the server's configuration and shared
    libraries, all those of a release in one call.
  - What stands is observed, entry by entry. What is as wanted is left alone, and so is what no release has set.
  - On Liberty variables, libraries and fragments come into force together, by the rename of
    C(configDropins/overrides/relmgmt@configuration.xml). JVM properties and options stand in a block of their own in
    C(configDropins/overrides/jvm.options) and need a restart, which O(websphere.liberty.may_restart) has to allow;
    whether the running process has them is told from its arguments.
  - The module waits until the server says that it has taken the configuration in, and ends at once when it refuses it.
  - Prior values and files are kept before anything is changed; a rollback brings them back.
  - It is no place for secrets, as values are shown in differences and kept in the ledger. A plain value of a name that
    ends in C(password) or the like is refused.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.drop
  - relmgmt.release.websphere
  - relmgmt.release.attributes
options:
  entries:
    description: The entries under C(configuration) of the release.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description: What it is. V(resource) is of a traditional server, V(fragment) and V(library) are of Liberty.
        type: str
        choices: [variable, jvm_property, jvm_option, fragment, library, resource]
        required: true
      name:
        description: Its name; of a resource C(TYPE:NAME). A JVM option has none.
        type: str
      attribute:
        description: Which attribute of a resource.
        type: str
      value:
        description: The value.
        type: str
      from_inventory:
        description: Name under O(values) of the value, where environments differ.
        type: str
      option:
        description: The whole option of the JVM.
        type: str
      file:
        description: Name of the file inside the bundle, of a fragment or library.
        type: str
      sha256:
        description: SHA-256 of that file.
        type: str
      state:
        description: Whether it is to be set or not.
        type: str
        choices: [present, absent]
        default: present
  values:
    description: Values of this environment by name, as the inventory's C(relmgmt_configuration) has them.
    type: dict
    default: {}
seealso:
  - module: relmgmt.release.websphere_app
  - module: relmgmt.release.rollback
"""

EXAMPLES = r"""
- name: Bring the configuration of the release into force
  relmgmt.release.websphere_config:
    change: CHG0000002
    lease: 7
    websphere:
      kind: liberty
      liberty:
        server: cfis
        install_dir: /opt/wlp
        url: http://127.0.0.1:9080
        may_restart: true
    drop:
      path: /srv/drop
    bundle: CFIS002-0123456789ab
    entries:
      - type: variable
        name: cfis.gateway
        from_inventory: gateway
      - type: jvm_option
        option: -Xmx1g
      - type: fragment
        name: datasource
        file: datasource.xml
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      - type: variable
        name: cfis.oldgateway
        state: absent
    values:
      gateway: https://gateway.example.com
"""

RETURN = r"""
set:
  description: What was set, type and name; in check mode what would be.
  returned: success
  type: list
  elements: str
removed:
  description: What was removed, type and name.
  returned: success
  type: list
  elements: str
pending:
  description: Why what stands is not in force yet; empty when it is.
  returned: success
  type: str
drift:
  description: What differs from the value that the last release to name it gave it.
  returned: success
  type: list
  elements: str
restarted:
  description: Whether the server was restarted.
  returned: success
  type: bool
log_errors:
  description: Errors that the server told of its configuration after the change.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.drop_spec import BUNDLE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import WEBSPHERE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_config import ENTRY_SPEC, configure

SPEC = {
    "websphere": WEBSPHERE_SPEC,
    "entries": {"type": "list", "elements": "dict", "required": True, "options": ENTRY_SPEC},
    "values": {"type": "dict", "default": {}},
}


def main() -> None:
    """Configure a server."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **BUNDLE_SPEC, **SPEC}, supports_check_mode=True), configure)


if __name__ == "__main__":
    main()
