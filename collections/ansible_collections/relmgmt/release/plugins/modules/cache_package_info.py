#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``cache_package_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cache_package_info
short_description: What of a package of database code is on an instance
version_added: 0.1.0
description:
  - Compares a Caché XML export or a routine file in the drop, by digest, with the live instance and with the host's
    ledger, item by item.
  - Compiles nothing on the instance and changes nothing.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.instance
  - relmgmt.release.drop
  - relmgmt.release.drop.package
  - relmgmt.release.cache_xml
  - relmgmt.release.attributes.info
options:
  ledger:
    description: The ledger of the host, an SQLite file.
    type: path
    default: /var/lib/relmgmt/ledger.db
seealso:
  - module: relmgmt.release.cache_package
"""

EXAMPLES = r"""
- name: See what the release would change
  relmgmt.release.cache_package_info:
    instance:
      name: CFIS
      engine: gtm
      gtm:
        dist: /opt/fis-gtm/V7.0-005
        global_directory: /srv/cfis/cfis.gld
        source_directory: /srv/cfis/r
        object_directory: /srv/cfis/o
    drop:
      path: /srv/drop
    bundle: CFIS002-0123456789ab
    file: CFIS002.xml
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    drops: [CASEOLD.MAC]
    globals:
      - name: ^CFISCFG
        mode: merge
"""

RETURN = r"""
items:
  description: The items of the package and those that it drops.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name with type.
      type: str
    kind:
      description: What it is; routine, class, csp, global, project, document or package.
      type: str
    state:
      description:
        - What a load would find; same, added, changed, dropped,
          or newer if the live item is not what the last release installed.
      type: str
    reason:
      description: Why, where the state does not say it.
      type: str
orphans:
  description: Items that the release before installed and that are neither in this package nor dropped by it.
  returned: success
  type: list
  elements: str
newer:
  description: Items, and nodes of globals, that are newer on the target.
  returned: success
  type: list
  elements: str
steps:
  description: The steps of the package.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    call:
      description: What it calls.
      type: str
    state:
      description:
        - Whether it was done for this release on this host, or is pending; failed or cut off if an attempt that was
          not rolled back left it so.
      type: str
findings:
  description: What is unwise about the package, and what of it is left alone; also told as warnings.
  returned: success
  type: list
  elements: dict
  contains:
    level:
      description: Always C(warning); a package with errors is refused.
      type: str
    rule:
      description: Short name of what was found.
      type: str
    item:
      description: Name of the item.
      type: str
    line:
      description: Where it starts in the file.
      type: int
    message:
      description: What was found.
      type: str
    cure:
      description: What to do about it.
      type: str
    file:
      description: Name of the package.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package import LOOK_SPEC, inspect
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import LEDGER_SPEC, run_view


def main() -> None:
    """Compare a package with what is live."""
    spec = {"ledger": LEDGER_SPEC["ledger"], **LOOK_SPEC}
    run_view(AnsibleModule(argument_spec=spec, supports_check_mode=True), inspect)


if __name__ == "__main__":
    main()
