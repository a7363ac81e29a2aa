# SPDX-License-Identifier: GPL-3.0-or-later
"""A package of database code, whichever of the two kinds of file it is."""

from __future__ import annotations

from itertools import chain
from typing import Callable, Dict, Iterable, Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import CODE
from ansible_collections.relmgmt.release.plugins.module_utils._core.routine_file import (
    is_routine_file,
    read_routines,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

CACHE_XML, ROUTINES = CODE
READERS: Dict[str, Callable[[Iterable[bytes], str], Iterator[ExportItem]]] = {
    CACHE_XML: read_export, ROUTINES: read_routines,
}


def read_package(kind: str, chunks: Iterable[bytes], file: str) -> Iterator[ExportItem]:
    """The items of a package of this type; ``file`` is its name in messages. Raises InvalidInput."""
    stream = iter(chunks)
    head = next(stream, b"")
    if kind == CACHE_XML and is_routine_file(head):
        raise InvalidInput(
            "a routine file, not an XML export", place=f"{file} line 2",
            cure="give its type in release.yml as routines", line=2,
        )
    return READERS[kind](chain([head], stream), file)
