# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that names an M instance."""

from __future__ import annotations


class ModuleDocFragment:
    """An M instance."""

    DOCUMENTATION = r"""
options:
  instance:
    description: The M instance, as the inventory's C(relmgmt_instance) describes it.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the instance, as the ledger and backup sets call it.
        type: str
        required: true
      engine:
        description: The product that holds the instance.
        type: str
        required: true
        choices: [gtm]
      gtm:
        description: Where a GT.M instance lies. Required if O(instance.engine=gtm).
        type: dict
        suboptions:
          dist:
            description: Directory of C(mumps) and C(mupip). Both are called directly, never through the C(gtm) wrapper.
            type: path
            required: true
          global_directory:
            description: The global directory, a file.
            type: path
            required: true
          source_directory:
            description: Directory of the application's routines in source.
            type: path
            required: true
          object_directory:
            description: Directory of their objects.
            type: path
            required: true
          environment:
            description:
              - Further environment variables of the engine's programs, for example C(gtm_chset).
              - The variables that the other options stand for cannot be set here.
            type: dict
            default: {}
"""
