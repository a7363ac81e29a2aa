#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``cache_package``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cache_package
short_description: The items of a package of database code are loaded and compiled
version_added: 0.1.0
description:
  - Takes a Caché XML export or a routine file from the drop, by digest, compares it with the live instance, and
    installs what differs.
  - The whole package is read, compared and compiled aside before the first item is touched. A compile error names
    routine, line and message, and leaves everything as it is. Caché and IRIS cannot compile aside; there a load that
    fails in the middle is put back.
  - A failure while items are loaded puts all of them back from what was kept, before the module ends.
  - The previous items and the previous values of the globals' nodes are kept, so that M(relmgmt.release.rollback) puts
    them back without touching other data.
  - Needs a verified backup point C(before) of this instance, made by this attempt of the change.
  - On GT.M, MAC and INT routines become M source; everything else but globals is refused by name.
  - Storage definitions that change, characters that were lost before the export, and projects, which are not loaded
    because they only name other items, are told as warnings.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.instance
  - relmgmt.release.drop
  - relmgmt.release.drop.package
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
      - What to do with items and nodes of globals that somebody has changed on the target since the last release,
        such as a hot fix. Where the ledger knows of no release, an item's own time of change decides, if the engine
        has one.
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
    steps:
      - name: build the index of cases
        call: $$INDEX^CFISCNV
        arguments: [CASE]
        expect: "1"
        timeout: 600
        undo:
          call: $$DROP^CFISCNV
          arguments: [CASE]
          expect: "1"

- name: Install routines that were written with ^%RO
  relmgmt.release.cache_package:
    instance: "{{ relmgmt_instance }}"
    drop: "{{ relmgmt_drop }}"
    bundle: CFIS004-89abcdef0123
    type: routines
    file: CFIS004.ro
    sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    percent_items: ["%CFUTIL.INT"]
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
        - What was found before the load; same, added, changed, dropped,
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
