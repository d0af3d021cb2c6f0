"""Writes mails into a folder instead of a relay: for trials, demonstrations and tests.

Mail programs can open the folder as a Maildir."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult, RelayAnswer
from maild.transports.envelope import envelope_of

_NUMBERS = itertools.count(1)


class MaildirTransport:
    """Puts one copy for each recipient into `folder`, and makes the folder if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: OutboundMessage) -> Mapping[str, RelayAnswer] | ChannelFault:
        """Write one copy for each recipient. A copy appears in new/ only when it is whole and on disk.

        The answer is a ChannelFault if the first copy cannot be written; no copy exists then."""
        envelope = envelope_of(message)
        answers = dict(envelope.answers)
        for given, sent in envelope.recipients:
            try:
                answers[given] = RelayAnswer(
                    DeliveryResult.SENT, f"250 2.0.0 kept as {self._keep(message, envelope.sender, sent)}", 250
                )
            except OSError as failure:
                reason = (
                    f"cannot write to the Maildir {self._folder}: {failure.strerror or failure} "
                    "(remedy: check space and rights of the folder)"
                )
                if not any(answer.verdict is DeliveryResult.SENT for answer in answers.values()):
                    return ChannelFault(reason)
                # A fault would make the copies again that are already written.
                answers[given] = RelayAnswer(DeliveryResult.TEMPORARY, f"451 4.3.0 {reason}", 451)
        return answers

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _keep(self, message: OutboundMessage, sender: str, recipient: str) -> str:
        """Write one copy and publish it under its name. Names begin with the time, so they sort by it.

        tmp/, new/ and the rename are the rules of Maildir: a reader never sees half a mail."""
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():019d}.P{os.getpid()}Q{next(_NUMBERS):06d}.{_host()}"
        made = self._folder / "tmp" / name
        with made.open("xb") as file:
            file.write(f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode())
            file.write(message.raw)
            file.flush()
            os.fsync(file.fileno())
        made.rename(self._folder / "new" / name)
        _sync_folder(self._folder / "new")
        return name


def _sync_folder(folder: Path) -> None:
    """Sync the folder itself: only then does a new name in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _host() -> str:
    """Return the host name as Maildir wants it in file names: without slash and colon."""
    return socket.gethostname().replace("/", "\\057").replace(":", "\\072") or "localhost"
