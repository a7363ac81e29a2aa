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
        description:
          - The product that holds the instance.
          - V(gtm) for GT.M and YottaDB, V(iris) for Caché, Ensemble and IRIS.
        type: str
        required: true
        choices: [gtm, iris]
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
      iris:
        description:
          - How a Caché, Ensemble or IRIS instance is reached, through its control program and its terminal.
          - O(instance.name) is the name that the instance has in C(ccontrol qlist) or C(iris qlist).
          - Required if O(instance.engine=iris).
        type: dict
        suboptions:
          control:
            description: Path of C(ccontrol) or C(iris).
            type: path
            required: true
          session:
            description: Path of C(csession). Without it C(<control> session) is used, as IRIS has it.
            type: path
          namespace:
            description: The namespace that holds the application's code and globals.
            type: str
            required: true
          username:
            description:
              - User that sessions log in as, where the instance asks for a login.
              - Leave it out with operating system authentication, which is to be preferred.
            type: str
          password:
            description:
              - The user's password. The ledger does not keep it, so a rollback could not log in; give
                O(instance.iris.password_file) instead.
            type: str
          password_file:
            description:
              - A file on the managed host with the password in its first line.
              - Nobody but the user of the playbook should be able to read it.
            type: path
          encoding:
            description:
              - How the terminal writes its messages, and the characters of an 8-bit instance, for example V(latin1).
              - Leave it alone for a Unicode instance.
            type: str
            default: utf-8
          databases:
            description:
              - Names of the databases that backup sets hold and restores replace.
              - Without it, those that globals, routines and mappings of the namespace lie in, less the product's own.
            type: list
            elements: str
            default: []
          start_timeout:
            description: Seconds that the instance may take to start, where finishing a restore needs that.
            type: int
            default: 300
          thaw_command:
            description:
              - A command that thaws the instance, program first, without a secret among its words.
              - Needed for a copy under a freeze where O(instance.iris.username) is given, because the watchdog that
                guarantees the thaw must not carry a password. It ends with status 0 or 5 when the instance is thawed.
            type: list
            elements: str
            default: []
"""
