# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say how a package of database code is to be taken."""

from __future__ import annotations


class ModuleDocFragment:
    """What a release says of its database code beside the file."""

    DOCUMENTATION = r"""
options:
  type:
    description:
      - What the file is, as C(release.yml) says.
      - With V(cache_xml) an XML export of Caché or IRIS.
      - With V(routines) a routine file, as C(^%RO) of Caché, IRIS, GT.M or YottaDB writes it; also with form feeds
        between the routines. A file of GT.M does not say what its routines are, they are taken as INT.
    type: str
    choices: [cache_xml, routines]
    default: cache_xml
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
  percent_items:
    description:
      - Items in the package whose name begins with C(%), such as C(%CFUTIL.INT) or C(^%CFCFG); C(*) stands for any
        characters. They belong to every namespace, so one that is not named here is refused.
    type: list
    elements: str
    default: []
  steps:
    description:
      - What the release calls once its items are loaded, in this order, each step once for a release.
      - A step that answers something else than expected fails the module; M(relmgmt.release.rollback) then undoes the
        steps that ran, newest first.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the step, one of its own within the package.
        type: str
        required: true
      call:
        description:
          - What to call. C($$LABEL^ROUTINE) and C(##class(Package.Class).Method) answer with the value that they
            return, C(LABEL^ROUTINE) with the text that it writes.
          - Nothing but such a name is accepted. The code finds its input at its end and is stopped after
            O(steps[].timeout) seconds.
        type: str
        required: true
      arguments:
        description: Texts that are passed as arguments.
        type: list
        elements: str
        default: []
      expect:
        description: What the call has to answer; line ends at its end do not count.
        type: str
        required: true
      timeout:
        description: Seconds that the call may take.
        type: int
        default: 300
      undo:
        description:
          - How the step is undone, with O(steps[].undo.call) and O(steps[].undo.expect), or why there is nothing to
            undo, with O(steps[].undo.reason).
          - An undo may be called for a step that was cut off in the middle, and a second time if it was cut off itself.
        type: dict
        required: true
        suboptions:
          call:
            description: What to call.
            type: str
          arguments:
            description: Texts that are passed as arguments.
            type: list
            elements: str
            default: []
          expect:
            description: What the call has to answer.
            type: str
          reason:
            description: Why the step needs no undo.
            type: str
"""
