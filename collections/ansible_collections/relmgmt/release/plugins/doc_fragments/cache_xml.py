# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say how a Caché XML export is to be taken."""

from __future__ import annotations


class ModuleDocFragment:
    """What a release says of its Caché XML export beside the file."""

    DOCUMENTATION = r"""
options:
  drops:
    description:
      - Items that this release removes, such as C(OLD.MAC).
      - Items of the release before that are neither in the package nor named here are reported as orphans and stay.
    type: list
    elements: str
    default: []
  globals:
    description:
      - Globals in the package. They overwrite data, so a global that is not named here is refused.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the global with its caret.
        type: str
        required: true
      mode:
        description:
          - With V(merge) the package's nodes get the package's values and other nodes stay.
          - With V(replace) the global has exactly the package's nodes afterwards.
        type: str
        required: true
        choices: [merge, replace]
"""
