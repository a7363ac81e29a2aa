#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action ``summary``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: The verdict of a run on one screen
description:
  - An action on the controller; judges the run from what P(relmgmt.release.release_info#module) said
    of every host at its end, shows one screen, and fails when the run did not go well.
  - Writes the result file when C(relmgmt_result_file) names one.
author: relmgmt developers (@relmgmt)
extends_documentation_fragment:
  - relmgmt.release.attributes.info
options:
  part_of:
    description: Whether the run is a whole release or one phase alone.
    type: str
    choices: [release, phase]
    default: release
"""

EXAMPLES = r"""
- name: How the run went
  relmgmt.release.summary:
"""

RETURN = r"""
verdict:
  description: One of done, nothing_to_do, checked, testing, rolled_back, restored, differs, unknown.
  returned: always
  type: str
screen:
  description: The screen, line by line.
  returned: always
  type: list
  elements: str
test_mode:
  description: A row for each setting of the external interfaces, if the run looked at them.
  returned: always
  type: list
  elements: dict
"""
