"""The lab's mail server: takes every message over SMTP and appends it to a file, one JSON object a line.

``python -m hactl.lab.sink ADDRESS PORT FILE``. Its law: it accepts and stores; it relays nothing and judges
nothing. RFC 5321 as far as a sender needs it: EHLO, HELO, MAIL, RCPT, DATA with dot-unstuffing (§4.5.2),
RSET, NOOP, QUIT.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import sys
import time
from pathlib import Path
from typing import Final

LONGEST_LINE: Final = 64 * 1024
LARGEST_MESSAGE: Final = 4 * 1024 * 1024


async def read_data(reader: asyncio.StreamReader) -> bytes:
    """The message up to the lone dot; ConnectionError when it ends early or is too large."""
    message = b""
    while (line := await reader.readline()) != b".\r\n":
        if not line or len(message) > LARGEST_MESSAGE:
            raise ConnectionError("message cut off or too large")
        message += line[1:] if line.startswith(b".") else line
    return message


def record(sender: str, recipients: list[str], message: bytes) -> dict[str, object]:
    """What is kept of a message; ``at`` is the wall clock in seconds, for display."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    body = parsed.get_body(("plain",))
    return {
        "at": time.time(),
        "from": sender,
        "to": recipients,
        "subject": str(parsed["subject"]),
        "text": body.get_content() if body else "",
    }


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, file: Path) -> None:
    """One session with a sender, until it quits or goes away."""
    sender = ""
    recipients: list[str] = []

    def answer(text: str) -> None:
        writer.write(f"{text}\r\n".encode())

    answer("220 lab ESMTP")
    while line := (await reader.readline()).decode(errors="replace").strip():
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO" | "HELO":
                answer("250 lab")
            case "MAIL":
                sender, recipients = rest.partition(":")[2].split()[0].strip("<>"), []
                answer("250 ok")
            case "RCPT":
                recipients.append(rest.partition(":")[2].split()[0].strip("<>"))
                answer("250 ok")
            case "DATA":
                answer("354 end with a dot")
                await writer.drain()
                message = await read_data(reader)
                with file.open("a") as mails:
                    mails.write(json.dumps(record(sender, recipients, message)) + "\n")
                answer("250 kept")
            case "RSET" | "NOOP":
                answer("250 ok")
            case "QUIT":
                answer("221 bye")
                break
            case _:
                answer("502 not here")
        await writer.drain()


async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, file: Path) -> None:
    """One session to its end; one that a sender breaks off is told and forgotten."""
    try:
        await serve(reader, writer, file)
    except (ConnectionError, ValueError, IndexError) as error:
        print(f"sink: session ended: {error}", file=sys.stderr, flush=True)
    finally:
        writer.close()


async def main(address: str, port: int, file: Path) -> None:
    """Serves until killed."""
    server = await asyncio.start_server(
        lambda reader, writer: session(reader, writer, file), address, port, limit=LONGEST_LINE
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
