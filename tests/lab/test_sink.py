"""The lab's mail server keeps what a real client sends."""

import asyncio
import json
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from hactl.lab import sink


async def test_a_mail_arrives_whole(tmp_path: Path) -> None:
    """Sender, recipients, subject and text of a mail with a leading dot are kept."""
    file = tmp_path / "mails"
    server = await asyncio.start_server(
        lambda reader, writer: sink.session(reader, writer, file), "127.0.0.1", 0
    )
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "rs2 is down"
    message.set_content(".dot\nend\n")
    async with server:
        port = server.sockets[0].getsockname()[1]
        await aiosmtplib.send(message, hostname="127.0.0.1", port=port)
    kept = json.loads(file.read_text())
    assert (kept["from"], kept["to"]) == ("a@example.org", ["b@example.org"])
    assert (kept["subject"], kept["text"].split()) == ("rs2 is down", [".dot", "end"])
