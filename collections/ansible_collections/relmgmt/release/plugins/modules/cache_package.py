#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``cache_package``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cache_package
short_description: The items of a Caché XML export are loaded and compiled
version_added: 0.1.0
description:
  - Takes a Caché XML export from the drop, by digest, compares it with the live instance, and installs what differs.
  - The whole package is read, compared and compiled aside before the first item is touched. A compile error names
    routine, line and message, and leaves everything as it is.
  - The previous items and the previous values of the globals' nodes are kept, so that M(relmgmt.release.rollback) puts
    them back without touching other data.
  - Needs a verified backup point C(before) of this instance, made by this attempt of the change.
  - On GT.M, MAC and INT routines become M source; everything else but globals is refused by name.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.instance
  - relmgmt.release.drop
  - relmgmt.release.cache_xml
  - relmgmt.release.attributes
options:
  max_backup_age:
    description: Seconds that the point C(before) may be old at most.
    type: int
    default: 14400
  backup_root:
    description: Directory that the point C(before) must lie under, if given.
    type: path
  newer_on_target:
    description:
      - What to do with items that somebody has changed on the target since the last release, such as a hot fix.
    type: str
    choices: [refuse, overwrite]
    default: refuse
seealso:
  - module: relmgmt.release.cache_package_info
  - module: relmgmt.release.rollback
"""

EXAMPLES = r"""
- name: Install the database half of the release
  relmgmt.release.cache_package:
    change: CHG0000002
    lease: 7
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
      description: What it is; routine or global.
      type: str
    state:
      description:
        - What was found before the load; same, added, changed, dropped,
          or newer if the live item differs from what the ledger says the last release installed.
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
  description: Names of the items that are newer on the target.
  returned: success
  type: list
  elements: str
compiled:
  description: How many items were, or would be, loaded and compiled.
  returned: success
  type: int
writer_pids:
  description: Processes that wrote to the datasets on behalf of this module.
  returned: not in check mode
  type: list
  elements: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package import (
    CHANGE_SPEC,
    LOOK_SPEC,
    install,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run


def main() -> None:
    """Install a package."""
    spec = {**LEDGER_SPEC, **LOOK_SPEC, **CHANGE_SPEC}
    run(AnsibleModule(argument_spec=spec, supports_check_mode=True), install)


if __name__ == "__main__":
    main()
