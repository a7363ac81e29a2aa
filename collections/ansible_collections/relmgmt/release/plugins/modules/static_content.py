#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``static_content``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: static_content
short_description: A static ZIP is the current content of a document root
version_added: 0.1.0
description:
  - Takes a ZIP from the drop, by digest, unpacks it aside to C(releases/<release>-<digest>) of the document root,
    checks every file against the archive, and switches the link C(current) to it in one step.
  - The web server serves C(<document_root>/current).
  - Links, devices, encrypted members, paths that lead out of the archive and archives that unpack to more than the
    limits are refused, naming the member. Nothing is rewritten.
  - Content that was changed after its deployment is noticed and replaced by a fresh directory.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.ledger
  - relmgmt.release.drop
  - relmgmt.release.drop.package
  - relmgmt.release.attributes
options:
  document_root:
    description: Directory that holds C(releases/) and the link C(current).
    type: path
    required: true
  owner:
    description: Owner of what is unpacked.
    type: str
  group:
    description: Group of what is unpacked.
    type: str
  mode:
    description:
      - Octal permissions of the files, such as V("0644"); directories get search permission wherever files can be read.
      - The permissions in the ZIP are kept if not given.
    type: str
  keep_releases:
    description:
      - How many releases of the document root are kept at most.
      - The one that is served, the one before it and those that an open change cycle may go back to are always kept.
    type: int
    default: 5
  max_size:
    description: Bytes that the ZIP may unpack to.
    type: int
    default: 2147483648
  max_files:
    description: Members that the ZIP may have.
    type: int
    default: 20000
seealso:
  - module: relmgmt.release.rollback
"""

EXAMPLES = r"""
- name: Switch to the static content of the release
  relmgmt.release.static_content:
    change: CHG0000002
    lease: 7
    document_root: /srv/www/cfis
    drop:
      method: sftp
      host: drop.example.org
      user: deploy
      private_key: /etc/relmgmt/drop_key
      known_hosts: /etc/relmgmt/drop_known_hosts
      path: /incoming
    bundle: CFIS002-0123456789ab
    file: cfis-static.zip
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

RETURN = r"""
directory:
  description: Directory that is served; in check mode the one that would be.
  returned: success
  type: str
previous:
  description: Directory that was served before, empty if there was none.
  returned: success
  type: str
sha256:
  description: SHA-256 of the package whose content is served.
  returned: success
  type: str
tree_digest:
  description: SHA-256 over paths, permissions and contents of what is served.
  returned: success
  type: str
drift:
  description: Paths of the served content that differed from the package, at most 100.
  returned: success
  type: list
  elements: str
removed:
  description: Older directories that were removed.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.drop_spec import DROP_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, run
from ansible_collections.relmgmt.release.plugins.module_utils._module.static_content import publish

SPEC = {
    "document_root": {"type": "path", "required": True},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "keep_releases": {"type": "int", "default": 5},
    "max_size": {"type": "int", "default": 2147483648},
    "max_files": {"type": "int", "default": 20000},
}


def main() -> None:
    """Publish static content."""
    run(AnsibleModule(argument_spec={**LEDGER_SPEC, **DROP_SPEC, **SPEC}, supports_check_mode=True), publish)


if __name__ == "__main__":
    main()
