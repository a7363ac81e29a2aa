# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module can do, said the same way by all."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules that change a host, and of those that only look."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and says what it would do, without changing the target.
    support: full
  diff_mode:
    description: Returns what would be changed, or was changed, in diff mode.
    support: full
  idempotent:
    description: When run twice in a row without anything else happening, the second run changes nothing.
    support: full
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Only looks; the same in check mode.
    support: full
  diff_mode:
    description: Returns what would be changed, or was changed, in diff mode.
    support: N/A
  idempotent:
    description: When run twice in a row without anything else happening, the second run changes nothing.
    support: full
"""
