# SPDX-License-Identifier: GPL-3.0-or-later
"""Small M programs of ours on a GT.M instance, and how text travels to and from them.

What comes from a package reaches M as escaped text on standard input, ``%XX`` for every byte
that is not plain, and never as code.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from typing import Iterator, List

#: characters of escaped text on one line; longer texts take several lines
CHUNK = 4000
UNSAFE = re.compile(rb"[^ -$&-~]")
ESCAPED = re.compile(rb"%([0-9A-F]{2})")
# Byte functions ($ZEXTRACT ...) give the same answer in M and in UTF-8 mode, where bytes that
# are not UTF-8 would otherwise stop the program. ``safe`` is set by the program.
CODING = rb"""in(text) ; %XX to bytes
 new p,made
 set made="",p=0
 for  set p=$zfind(text,"%") quit:'p  do
 . set made=made_$zextract(text,1,p-2)_$zchar($$dec($zextract(text,p,p+1)))
 . set text=$zextract(text,p+2,$zlength(text))
 quit made_text
dec(hex) ;
 quit $find("0123456789ABCDEF",$extract(hex,1))-2*16+$find("0123456789ABCDEF",$extract(hex,2))-2
safe() ; bytes that travel as they are
 new i,safe
 set safe="" for i=32:1:126 set:i'=37 safe=safe_$zchar(i)
 quit safe
out(text) ; bytes to %XX
 new c,i,made
 if $ztranslate(text,safe)="" quit text
 set made=""
 for i=1:1:$zlength(text) set c=$zextract(text,i),made=made_$select(safe[c:c,1:"%"_$$hex($zascii(c)))
 quit made
hex(c) ;
 quit $extract("0123456789ABCDEF",c\16+1)_$extract("0123456789ABCDEF",c#16+1)
"""


def text_bytes(text: str) -> bytes:
    """Bytes of a text; lone surrogates are the bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def escape(data: bytes) -> bytes:
    """Bytes as printable ASCII without line ends."""
    return UNSAFE.sub(lambda hit: b"%%%02X" % ord(hit.group()), data)


def unescape(text: str) -> str:
    """The text that ``out`` of the M program wrote."""
    data = ESCAPED.sub(lambda hit: bytes([int(hit.group(1), 16)]), text.encode("ascii"))
    return data.decode("utf-8", "surrogateescape")


def value_rows(text: str) -> List[bytes]:
    """``V`` lines of a text; a program joins them."""
    data = text_bytes(text)
    return [b"V " + escape(data[at:at + CHUNK]) for at in range(0, len(data), CHUNK)]


@contextmanager
def staged(name: str, program: bytes) -> Iterator[str]:
    """A directory of its own with the program in it, for the front of ``gtmroutines``."""
    folder = tempfile.mkdtemp(prefix="relmgmt-")
    try:
        with open(os.path.join(folder, name + ".m"), "wb") as stream:
            stream.write(program)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
