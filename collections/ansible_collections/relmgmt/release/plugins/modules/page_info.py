#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``page_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: page_info
short_description: Fetch pages from a managed host, as its users' proxy would
description:
  - Fetches a list of URLs from the managed host in one call; the answers' texts are bounded.
  - Which answer is right is decided by the action P(relmgmt.release.verify#module).
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.attributes.info
options:
  urls:
    description: The URLs to fetch.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds to wait for an answer.
    type: int
    default: 20
  max_bytes:
    description: How much of an answer is read at most.
    type: int
    default: 1048576
"""

EXAMPLES = r"""
- name: Fetch the start page from the server itself
  relmgmt.release.page_info:
    urls:
      - http://127.0.0.1:9080/cfis/
"""

RETURN = r"""
pages:
  description: By URL, the status, the text and, where there was no answer, the error.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relmgmt.release.plugins.module_utils._module.pages import fetch_pages
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import run_view

SPEC = {
    "urls": {"type": "list", "elements": "str", "required": True},
    "timeout": {"type": "int", "default": 20},
    "max_bytes": {"type": "int", "default": 1048576},
}


def main() -> None:
    """Fetch the pages."""
    run_view(AnsibleModule(argument_spec=SPEC, supports_check_mode=True), fetch_pages)


if __name__ == "__main__":
    main()
