# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a Caché XML export as a parser wants them: UTF-8, line feeds, no mark (T24, T25)."""

from __future__ import annotations

import codecs
import re
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

HEAD = 256
#: bytes in hand at a time: more of them fall out of the processor's cache
BLOCK = 64 << 10
MARKS = ((codecs.BOM_UTF8, "UTF-8"), (codecs.BOM_UTF16_LE, "UTF-16-LE"), (codecs.BOM_UTF16_BE, "UTF-16-BE"))
DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
CURE = "write the encoding that the file has into its first line"


def normal(chunks: Iterator[bytes], file: str) -> Iterator[bytes]:
    """The file in blocks. Raises InvalidInput for an encoding that is unknown, or not the file's."""
    held = b""
    for chunk in _utf8(chunks, file):
        if held or b"\r" in chunk:
            chunk = held + chunk
            held = b"\r" if chunk.endswith(b"\r") else b""
            chunk = chunk[:len(chunk) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for at in range(0, len(chunk), BLOCK):
            yield chunk[at:at + BLOCK] if len(chunk) > BLOCK else chunk
    if held:
        yield b"\n"


def label(head: bytes) -> str:
    """The encoding that an export names in its first line, as it is written there; empty for none."""
    found = DECLARATION.match(head[3:] if head.startswith(codecs.BOM_UTF8) else head)
    return found.group(1).decode() if found else ""


def _utf8(chunks: Iterator[bytes], file: str) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    mark, marked = next((one for one in MARKS if head.startswith(one[0])), (b"", ""))
    encoding = codecs.lookup(marked).name if marked else _known(label(head) or "UTF-8", file)
    head = head[len(mark):]
    if encoding == "utf-8":
        yield head
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(head).encode("utf-8")
        for chunk in chunks:
            yield decoder.decode(chunk).encode("utf-8")
        yield decoder.decode(b"", True).encode("utf-8")
    except UnicodeError as error:
        raise InvalidInput(
            f"not in the encoding that it names, {encoding}: {error}", place=f"{file} line 1", line=1, cure=CURE,
        ) from error


def _known(name: str, file: str) -> str:
    """Python's name of an encoding; one that does not write ASCII as ASCII cannot be the file's."""
    try:
        if b"<?xml".decode(name) == "<?xml":
            return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        pass
    raise InvalidInput(f"unknown encoding {name!r}", place=f"{file} line 1", line=1, cure=CURE)
