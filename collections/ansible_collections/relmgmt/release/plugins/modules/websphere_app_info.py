#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``websphere_app_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: websphere_app_info
short_description: Which WAR runs on a WebSphere server
version_added: 0.1.0
description:
  - Says which WAR is installed, told by its digest, whether the application answers, and what the host's ledger says.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.websphere
  - relmgmt.release.websphere.application
  - relmgmt.release.attributes.info
options:
  ledger:
    description: The ledger of the host, an SQLite file.
    type: path
    default: /var/lib/relmgmt/ledger.db
seealso:
  - module: relmgmt.release.websphere_app
"""

EXAMPLES = r"""
- name: See what runs
  relmgmt.release.websphere_app_info:
    websphere:
      kind: liberty
      liberty:
        server: cfis
        install_dir: /opt/wlp
        url: http://127.0.0.1:9080
    application: cfis
"""

RETURN = r"""
application:
  description: Name of the application.
  returned: success
  type: str
context_root:
  description: Path that the application is reached under, empty if it is not installed.
  returned: success
  type: str
sha256:
  description: SHA-256 of the WAR that is installed, empty if there is none.
  returned: success
  type: str
state:
  description: State of the application; absent, started, stopped, or unknown after a change that was cut off.
  returned: success
  type: str
server:
  description: State of the server; running, stopped or unknown.
  returned: success
  type: str
drift:
  description: Whether the server holds something else than the ledger says was put there.
  returned: success
  type: bool
ledger_sha256:
  description: SHA-256 of the WAR that the ledger says is current, empty if it says nothing.
  returned: success
  type: str
release:
  description: Release that the ledger says is current, empty if it says nothing.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.view import LEDGER_SPEC, run_view
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import WEBSPHERE_SPEC, describe

SPEC = {
    "websphere": WEBSPHERE_SPEC,
    "application": {"type": "str", "required": True},
    "ledger": LEDGER_SPEC["ledger"],
}


def main() -> None:
    """Describe an application."""
    run_view(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), describe)


if __name__ == "__main__":
    main()
