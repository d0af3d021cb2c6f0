"""Sends one mail over an open SMTP connection: MAIL, RCPT, DATA, the mail itself (RFC 5321 3.3).

Each recipient gets one answer."""

from __future__ import annotations

import hashlib
import re
import smtplib
from collections.abc import Mapping

from maild.domain.messages.outbox import DeliveryResult, RelayAnswer
from maild.transports.envelope import Envelope, refused
from maild.transports.smtp_replies import RelayFault, Reply, Stage, describe, judge_reply, relay_fault

_MESSAGE_ID = re.compile(rb"^message-id:\s{0,4}<([\x21-\x7e]{1,250})>", re.IGNORECASE | re.MULTILINE)


def transact(smtp: smtplib.SMTP, envelope: Envelope, raw: bytes, data_seconds: float) -> Mapping[str, RelayAnswer]:
    """Hand over one mail -> one answer for each recipient as given.

    `data_seconds` is the time from the final dot to its reply. Raises RelayFault if the relay refuses us and not the
    mail. With `connection_lost` the connection was dead before the relay accepted anything of this mail. A connection
    in an unknown state is closed."""
    return _Transaction(smtp, envelope, raw, data_seconds).run()


class _Transaction:
    """One transaction, from MAIL to the reply to the final dot."""

    def __init__(self, smtp: smtplib.SMTP, envelope: Envelope, raw: bytes, data_seconds: float) -> None:
        self._smtp = smtp
        self._sender = envelope.sender
        self._recipients = envelope.recipients
        self._raw = raw
        self._data_seconds = data_seconds
        self._answers: dict[str, RelayAnswer] = {}

    def run(self) -> dict[str, RelayAnswer]:
        """Carry out the transaction -> the answer for each recipient as given."""
        self._answer_what_the_relay_lacks()
        if self._recipients:
            refusal = self._mail()
            if refusal:
                self._answer_all(refusal)
            else:
                self._data(self._rcpt())
        return self._answers

    @property
    def _needs_utf8(self) -> bool:
        """Whether an address is beyond ASCII, so that the mail needs SMTPUTF8 (RFC 6531 3.2)."""
        return not all(sent.isascii() for sent in (self._sender, *(sent for _, sent in self._recipients)))

    def _answer_what_the_relay_lacks(self) -> None:
        """Answer without asking the relay: a mail beyond its size limit, an address in UTF-8 without SMTPUTF8.

        EHLO announced both (RFC 1870 3, RFC 6531 3.1), so an attempt would only fail."""
        limit = _size_limit(self._smtp)
        if limit and len(self._raw) > limit:
            self._answer_all(refused("552 5.3.4", f"the mail has {len(self._raw):,} bytes, the relay takes {limit:,}"))
        if self._needs_utf8 and not self._smtp.has_extn("smtputf8"):
            # RFC 6531 3.5 defines the reply for such an address.
            lacking = refused("553 5.6.7", "the address needs SMTPUTF8, which the relay does not offer")
            if not self._sender.isascii():
                self._answer_all(lacking)
            self._answers |= {given: lacking for given, sent in self._recipients if not sent.isascii()}
            self._recipients = tuple(pair for pair in self._recipients if pair[1].isascii())

    def _answer_all(self, answer: RelayAnswer) -> None:
        """Give every recipient that is left the same answer; nobody is left then."""
        self._answers |= dict.fromkeys((given for given, _ in self._recipients), answer)
        self._recipients = ()

    def _mail(self) -> RelayAnswer | None:
        """Send MAIL -> None if the relay agrees, else its refusal of this mail (RFC 5321 4.1.1.2)."""
        smtp = self._smtp
        parameters = []
        if smtp.has_extn("size"):
            parameters.append(f"SIZE={len(self._raw)}")  # RFC 1870 6
        if (self._needs_utf8 or not self._raw.isascii()) and smtp.has_extn("8bitmime"):
            parameters.append("BODY=8BITMIME")  # RFC 6152 3, RFC 6531 3.6
        if self._needs_utf8:
            parameters.append("SMTPUTF8")  # RFC 6531 3.4
        if self._wants_reports:
            parameters += ["RET=HDRS", f"ENVID={_envelope_id(self._raw)}"]  # RFC 3461 4.3, 4.4
        smtp.command_encoding = "utf-8" if self._needs_utf8 else "ascii"
        try:
            reply = Reply.of(smtp.docmd("MAIL", " ".join([f"FROM:<{self._sender}>", *parameters])))
        except OSError as failure:
            raise relay_fault(failure, connection_lost=True) from failure
        return None if reply.is_yes else self._answer_at(Stage.MAIL, reply)

    @property
    def _wants_reports(self) -> bool:
        """Whether to ask for delivery reports: the relay offers DSN, and the sender can receive them.

        A mail with a null reverse-path must cause no report (RFC 5321 6.1)."""
        return bool(self._sender) and self._smtp.has_extn("dsn")

    def _rcpt(self) -> list[str]:
        """Send RCPT for each recipient -> those that the relay accepted; the others have their answers."""
        notify = " NOTIFY=FAILURE,DELAY" if self._wants_reports else ""  # RFC 3461 4.1
        accepted: list[str] = []
        for given, sent in self._recipients:
            reply = self._command("RCPT", f"TO:<{sent}>{notify}")
            if reply.is_yes:
                accepted.append(given)
                continue
            self._answers[given] = self._answer_at(Stage.RCPT, reply)
            if reply.ends_connection:  # before DATA: nobody gets the mail, not even a recipient that was accepted
                self._smtp.close()
                unanswered = [other for other, _ in self._recipients if other not in self._answers]
                self._answers |= dict.fromkeys(unanswered, self._answers[given])
                return []
        return accepted

    def _data(self, accepted: list[str]) -> None:
        """Send DATA and the mail for the accepted recipients, and give them its answer (RFC 5321 4.1.1.4)."""
        if not accepted:
            return
        reply = self._command("DATA", "")
        if reply.code == 354:
            answer = self._content()
        else:
            answer = self._answer_at(Stage.DATA, reply)
            if reply.ends_connection or not reply.is_refusal:  # neither 354 nor a refusal: nobody knows what follows
                self._smtp.close()
        self._answers |= dict.fromkeys(accepted, answer)

    def _content(self) -> RelayAnswer:
        """Send the mail up to the final dot and read the reply to it.

        The relay may need minutes for that reply (RFC 5321 4.5.3.2.6), so the socket waits longer meanwhile."""
        smtp = self._smtp
        patience = smtp.sock.gettimeout() if smtp.sock else None
        if smtp.sock:
            smtp.sock.settimeout(self._data_seconds)
        try:
            smtp.send(on_the_wire(self._raw))
        except OSError as failure:
            # The socket did not take all of it, so the final dot never left. The relay cannot have the mail.
            smtp.close()
            return RelayAnswer(
                DeliveryResult.TEMPORARY, f"the connection was lost while the mail was sent: {describe(failure)}"
            )
        try:
            reply = Reply.of(smtp.getreply())
        except OSError as failure:
            smtp.close()
            return RelayAnswer(
                DeliveryResult.AMBIGUOUS, f"the mail was sent, but its reply was not read: {describe(failure)}"
            )
        if smtp.sock:
            smtp.sock.settimeout(patience)
        if reply.ends_connection or not (reply.is_yes or reply.is_refusal):
            smtp.close()
        return self._answer_at(Stage.FINAL, reply)

    def _command(self, verb: str, rest: str) -> Reply:
        """Send a command -> its reply; one without a code if the connection is lost."""
        try:
            return Reply.of(self._smtp.docmd(verb, rest))
        except OSError as failure:
            return Reply(None, f"the connection was lost at {verb}: {describe(failure)}")

    def _answer_at(self, stage: Stage, reply: Reply) -> RelayAnswer:
        """Return what the reply means. Raises RelayFault if it is about us and not about the mail."""
        verdict = judge_reply(stage, reply)
        if isinstance(verdict, RelayFault):
            raise verdict
        return verdict


def on_the_wire(raw: bytes) -> bytes:
    """Return the mail as DATA sends it.

    Every line ends in CRLF (RFC 5321 2.3.8). Dots at line starts are doubled (4.5.2). The final dot follows (4.1.1.4).
    """
    lines = b"\n" + raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
    return lines.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n").removeprefix(b"\r\n") + b"\r\n.\r\n"


def _envelope_id(raw: bytes) -> str:
    """Return the Message-ID as xtext (RFC 3461 4), so that each attempt has the same id.

    A mail without a Message-ID, or with one of more than 100 characters (RFC 3461 4.4), gets a hash of its bytes."""
    found = _MESSAGE_ID.search(raw[:16_384])
    if found:
        text = "".join(f"+{octet:02X}" if octet in b"+=" else chr(octet) for octet in found[1])
        if len(text) <= 100:
            return text
    return hashlib.sha256(raw).hexdigest()[:40]


def _size_limit(smtp: smtplib.SMTP) -> int:
    """Return the largest mail that the relay takes, in bytes; 0 if it names no limit (RFC 1870 3)."""
    stated = smtp.esmtp_features.get("size", "").strip() if smtp.has_extn("size") else ""
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 16 else 0
