# SPDX-License-Identifier: GPL-3.0-or-later
"""What is outside, played by one process: the external interfaces' other ends, and a mail server that keeps mails.

Every connection to an interface's port leaves lines of JSON in <directory>/interfaces/<name>-<kind>.log:
{"time", "event": "open" | "bytes" | "close", "peer", "text"}, text being the bytes as Latin-1.
Every mail becomes a file <directory>/mail/<number>.eml with its envelope in the first lines.
"""
from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

MAIL_LIMIT = 10 * 1024 * 1024


def _note(log: Path, event: str, peer: object, data: bytes = b"") -> None:
    entry = {"time": datetime.now(UTC).isoformat(), "event": event, "peer": str(peer)}
    if event == "bytes":
        entry["text"] = data.decode("latin-1")
    with open(log, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


async def record(log: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An interface's other end: acknowledges every line."""
    peer = writer.get_extra_info("peername")
    _note(log, "open", peer)
    try:
        while data := await reader.read(65536):
            _note(log, "bytes", peer, data)
            writer.write(b"ACK\n" * data.count(b"\n"))
            await writer.drain()
    except ConnectionError:
        pass
    _note(log, "close", peer)
    writer.close()


async def accept_mail(directory: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The part of RFC 5321 that a client needs to hand a mail over."""
    envelope: list[str] = []
    writer.write(b"220 sandbox ESMTP\r\n")
    try:
        while line := await reader.readline():
            command = line.decode("latin-1").strip()
            word = command.split(":")[0].split(" ")[0].upper()
            if word == "DATA":
                writer.write(b"354 end with a dot\r\n")
                _keep(directory, envelope, await _message(reader))
                envelope = []
                writer.write(b"250 kept\r\n")
            elif word in ("MAIL", "RCPT"):
                envelope.append(word + command[len(word):])
                writer.write(b"250 ok\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            elif word == "EHLO":
                writer.write(b"250-sandbox\r\n250 8BITMIME\r\n")
            else:
                writer.write(b"250 ok\r\n" if word in ("HELO", "NOOP", "RSET") else b"502 not here\r\n")
            await writer.drain()
    except (ConnectionError, ValueError):
        pass
    writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    lines: list[bytes] = []
    size = 0
    while (line := await reader.readline()) not in (b".\r\n", b".\n", b""):
        size += len(line)
        if size > MAIL_LIMIT:
            raise ValueError("mail too large")
        lines.append(line[1:] if line.startswith(b"..") else line)
    return b"".join(lines)


def _keep(directory: Path, envelope: list[str], message: bytes) -> None:
    number = len(list(directory.glob("*.eml"))) + 1
    head = "".join(f"X-Envelope: {line}\n" for line in envelope).encode("latin-1")
    aside = directory / f"{number:05}.new"
    aside.write_bytes(head + message.replace(b"\r\n", b"\n"))
    aside.rename(aside.with_suffix(".eml"))


async def serve(root: Path, ports: dict[str, int]) -> None:
    servers = []
    for name, port in ports.items():
        directory = root / ("mail" if name == "smtp" else "interfaces")
        directory.mkdir(parents=True, exist_ok=True)
        if name == "smtp":
            handler = partial(accept_mail, directory)
        else:
            log = directory / f"{name.replace('_', '-')}.log"
            log.touch()
            handler = partial(record, log)
        servers.append(await asyncio.start_server(handler, "127.0.0.1", port))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), json.loads(sys.argv[2])))
