#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action ``verify``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: A release is complete on a host
description:
  - Holds the ledger's current digests against the packages and against what is really there,
    and the pages against the release's completeness checks.
  - What passed is entered in the ledger; without that the cycle cannot be closed as done.
  - An action; the pages are fetched on the managed host, JMESPath is evaluated on the controller.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.attributes
attributes:
  diff_mode:
    support: none
    details: Only an entry of the ledger is added.
options:
  place:
    description: Whether the host is a server or the web entry.
    type: str
    choices: [servers, entry]
    required: true
  url:
    description: Address to which the checks' paths are added; no page is fetched without it.
    type: str
    default: ""
  checks:
    description: The release's completeness checks.
    type: list
    elements: dict
    default: []
  digests:
    description: SHA-256 of the packages that must be current on the host.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for a page.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: The release is complete on this server
  relmgmt.release.verify:
    place: servers
    url: "{{ relmgmt_websphere.liberty.url }}"
    checks: "{{ gate_cycle.completeness }}"
"""

RETURN = r"""
failures:
  description: What is not as it must be.
  returned: always
  type: list
  elements: str
"""
