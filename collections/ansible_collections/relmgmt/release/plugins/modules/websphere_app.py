#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``websphere_app``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: websphere_app
short_description: A WAR runs on a WebSphere server
version_added: 0.1.0
description:
  - Takes a WAR from the drop, by digest, and makes it the application on a server.
  - Which WAR is installed is told by the digest of the very file that the server was given.
    Nothing is done if it is the wanted one and the application answers.
  - The prior WAR and its configuration are kept on the server, the prior WAR also in the shared folder, before
    anything is changed.
  - On Liberty the WAR is written aside and renamed to C(apps/<application>-<digest>.war); the cutover is the rename of
    C(configDropins/overrides/relmgmt-<application>.xml), which names location, context root and application.
  - An application that the administrator placed in C(dropins/) stays there; its WAR is replaced in one rename once
    the older one has been seen to stop.
  - A server that polls sees the change by itself; one whose C(updateTrigger) is C(mbean) is told through
    restConnector; one where it is C(disabled) is restarted if O(websphere.liberty.may_restart) allows it, else the
    change is refused before anything is touched.
  - The module then waits for the start message of this application that belongs to this cutover, or for the
    application's health endpoint, and until the application answers on its context root. It ends at once when the
    server's log says that the start failed.
  - On traditional WebSphere the WAR travels in an EAR that holds this very file, and what is installed is told from
    the EAR in the cell's master configuration. Context root, targets and virtual host are compared too. The change is
    saved, brought to the nodes one after the other, started and verified on each server. One start of C(wsadmin)
    serves all of it.
  - The prior application of a cell is kept as it was delivered and as the product exports it, with its bindings.
  - A server that is not running is an error before anything is touched; so is a node whose agent is down.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.drop
  - relmgmt.release.websphere
  - relmgmt.release.attributes
options:
  applications:
    description:
      - The applications, one after the other; each is an act of its own. Those after one that failed are left alone.
      - On traditional WebSphere one start of C(wsadmin) serves all of them.
    type: list
    elements: dict
    suboptions:
      type:
        description: Type of the package, as a release names it.
        type: str
        choices: [war]
        default: war
      application:
        description: Name of the application. It is never read out of the WAR.
        type: str
        required: true
      context_root:
        description: Path that the application is reached under, such as C(/cfis).
        type: str
        required: true
      libraries:
        description: Names of shared libraries that the application's classes are loaded from too.
        type: list
        elements: str
        default: []
      file:
        description: Name of the package inside the bundle.
        type: str
        required: true
      sha256:
        description: SHA-256 of the package. One that differs from it, or from the delivery's manifest, is refused.
        type: str
        required: true
  application:
    description: Name of the application, where it is one. It is never read out of the WAR.
    type: str
  context_root:
    description: Path that the application is reached under, such as C(/cfis).
    type: str
  libraries:
    description: Names of shared libraries that the application's classes are loaded from too.
    type: list
    elements: str
    default: []
  file:
    description: Name of the package inside the bundle.
    type: str
  sha256:
    description:
      - SHA-256 of the package, 64 lower-case hexadecimal digits.
      - A package that differs from it, or from the delivery's manifest, is refused.
    type: str
  shared_folder:
    description: Folder that all servers share; the prior WAR is kept there as well.
    type: path
seealso:
  - module: relmgmt.release.websphere_app_info
  - module: relmgmt.release.websphere_config
  - module: relmgmt.release.rollback
"""

EXAMPLES = r"""
- name: Deploy the WAR of the release
  relmgmt.release.websphere_app:
    change: CHG0000002
    lease: 7
    websphere:
      kind: liberty
      liberty:
        server: cfis
        install_dir: /opt/wlp
        url: http://127.0.0.1:9080
    application: cfis
    context_root: /cfis
    drop:
      path: /srv/drop
    bundle: CFIS002-0123456789ab
    file: cfis.war
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    shared_folder: /srv/prior-packages

- name: Deploy it to a cluster, on the host of the deployment manager
  relmgmt.release.websphere_app:
    change: CHG0000002
    lease: 7
    websphere:
      kind: was
      was:
        profile: /opt/IBM/WebSphere/AppServer/profiles/Dmgr01
        cluster: cfis
        web_servers:
          - node: webnode1
            server: ihs1
        username: deployer
        password_file: /etc/relmgmt/was-password
    application: cfis
    context_root: /cfis
    drop:
      path: /srv/drop
    bundle: CFIS002-0123456789ab
    file: cfis.war
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    shared_folder: /srv/prior-packages
"""

RETURN = r"""
applications:
  description: What the other values say, of each application, with C(changed) and C(msg) of its own.
  returned: when O(applications) is given
  type: list
  elements: dict
action:
  description: What was done, decided from what was observed; nothing, install, update or restart.
  returned: success, for one application
  type: str
application:
  description: Name of the application.
  returned: success, for one application
  type: str
context_root:
  description: Path that the application is reached under.
  returned: success, for one application
  type: str
sha256:
  description: SHA-256 of the WAR that is installed; in check mode of the one that would be.
  returned: success, for one application
  type: str
previous_sha256:
  description: SHA-256 of the WAR that was installed before, empty if there was none.
  returned: success, for one application
  type: str
state:
  description: State of the application; absent, started, stopped, or unknown after a change that was cut off.
  returned: success, for one application
  type: str
drift:
  description: Whether the server held something else than the ledger says was put there.
  returned: success, for one application
  type: bool
ledger_sha256:
  description: SHA-256 of the WAR that the ledger said was current.
  returned: success, for one application
  type: str
release:
  description: Release that the ledger said was current.
  returned: success, for one application
  type: str
started:
  description:
    - The server's own start message of this deployment, or the health endpoint that answered; of a cell, the servers
      that it was started on.
  returned: when changed, for one application
  type: str
log_errors:
  description: Error messages of the server between cutover and start.
  returned: when changed, for one application
  type: list
  elements: str
notes:
  description: What a person may want to know of the way, such as a step that timed out at the client and went on.
  returned: when changed, for one application
  type: list
  elements: str
prior_package:
  description: The copy of the prior WAR on this host, empty if there was none.
  returned: when changed, for one application
  type: str
shared_package:
  description: The copy of the prior WAR in the shared folder, empty if there is none.
  returned: when changed, for one application
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.drop_spec import BUNDLE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run
from ansible_collections.relmgmt.release.plugins.module_utils._module.web_app import WEBSPHERE_SPEC, deploy

SPEC = {
    "websphere": WEBSPHERE_SPEC,
    "applications": {
        "type": "list",
        "elements": "dict",
        "options": {
            "type": {"type": "str", "choices": ["war"], "default": "war"},
            "application": {"type": "str", "required": True},
            "context_root": {"type": "str", "required": True},
            "libraries": {"type": "list", "elements": "str", "default": []},
            "file": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
        },
    },
    "application": {"type": "str"},
    "context_root": {"type": "str"},
    "libraries": {"type": "list", "elements": "str", "default": []},
    "file": {"type": "str"},
    "sha256": {"type": "str"},
    "shared_folder": {"type": "path"},
}
OF_ONE = ("application", "context_root", "file", "sha256")


def main() -> None:
    """Deploy a WAR, or several."""
    module = AnsibleModule(
        argument_spec={**LEDGER_SPEC, **BUNDLE_SPEC, **SPEC},
        mutually_exclusive=[("applications", name) for name in OF_ONE],
        required_one_of=[("applications", "application")],
        required_together=[OF_ONE],
        supports_check_mode=True,
    )
    run(module, deploy)


if __name__ == "__main__":
    main()
