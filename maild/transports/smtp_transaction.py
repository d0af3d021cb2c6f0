"""One mail over an open SMTP connection: MAIL, RCPT, DATA, the mail itself, and what each recipient's answer is."""

from __future__ import annotations

import hashlib
import re
import smtplib
from collections.abc import Mapping

from maild.domain.messages.outbox import DeliveryResult, RelayAnswer
from maild.transports.envelope import Envelope, refused
from maild.transports.smtp_replies import RelayFault, Reply, Stage, fault, judged, words_of

_MESSAGE_ID = re.compile(rb"^message-id:\s{0,4}<([\x21-\x7e]{1,250})>", re.IGNORECASE | re.MULTILINE)


def transact(smtp: smtplib.SMTP, envelope: Envelope, raw: bytes, data_seconds: float) -> Mapping[str, RelayAnswer]:
    """Hand over one mail. RelayFault when the relay refuses us rather than the mail; its `connection_lost` says that
    the connection was dead before anything of this mail was accepted. Where the dialogue is in doubt it is closed."""
    return _Transaction(smtp, envelope, raw, data_seconds).run()


class _Transaction:
    def __init__(self, smtp: smtplib.SMTP, envelope: Envelope, raw: bytes, data_seconds: float) -> None:
        self._smtp = smtp
        self._sender = envelope.sender
        self._recipients = envelope.recipients
        self._raw = raw
        self._data_seconds = data_seconds
        self._answers: dict[str, RelayAnswer] = {}

    def run(self) -> dict[str, RelayAnswer]:
        self._refuse_what_it_cannot_take()
        if self._recipients:
            refusal = self._mail()
            if refusal:
                self._answer_all(refusal)
            else:
                self._data(self._rcpt())
        return self._answers

    @property
    def _needs_utf8(self) -> bool:
        return not all(sent.isascii() for sent in (self._sender, *(sent for _, sent in self._recipients)))

    def _refuse_what_it_cannot_take(self) -> None:
        """What the relay says it lacks need not be tried: the size (RFC 1870), addresses in UTF-8 (RFC 6531 3.5)."""
        limit = _size_limit(self._smtp)
        if limit and len(self._raw) > limit:
            self._answer_all(refused("552 5.3.4", f"the mail has {len(self._raw):,} bytes, the relay takes {limit:,}"))
        if self._needs_utf8 and not self._smtp.has_extn("smtputf8"):
            lacking = refused("553 5.6.7", "the address needs SMTPUTF8, which the relay does not offer")
            if not self._sender.isascii():
                self._answer_all(lacking)
            self._answers |= {given: lacking for given, sent in self._recipients if not sent.isascii()}
            self._recipients = tuple(pair for pair in self._recipients if pair[1].isascii())

    def _answer_all(self, answer: RelayAnswer) -> None:
        self._answers |= dict.fromkeys((given for given, _ in self._recipients), answer)
        self._recipients = ()

    def _mail(self) -> RelayAnswer | None:
        """None when the relay agrees, its refusal of this mail otherwise."""
        smtp = self._smtp
        parameters = []
        if smtp.has_extn("size"):
            parameters.append(f"SIZE={len(self._raw)}")  # RFC 1870 6.1
        if (self._needs_utf8 or not self._raw.isascii()) and smtp.has_extn("8bitmime"):
            parameters.append("BODY=8BITMIME")
        if self._needs_utf8:
            parameters.append("SMTPUTF8")
        if self._wants_reports:
            parameters += ["RET=HDRS", f"ENVID={_envelope_id(self._raw)}"]  # RFC 3461 4.3, 4.4
        smtp.command_encoding = "utf-8" if self._needs_utf8 else "ascii"
        try:
            reply = Reply.of(smtp.docmd("MAIL", " ".join([f"FROM:<{self._sender}>", *parameters])))
        except OSError as failure:
            raise fault(failure, connection_lost=True) from failure
        return None if reply.is_yes else self._judged(Stage.MAIL, reply)

    @property
    def _wants_reports(self) -> bool:
        """Delivery reports are asked for where the relay makes them and there is a sender to tell."""
        return bool(self._sender) and self._smtp.has_extn("dsn")

    def _rcpt(self) -> list[str]:
        """The recipients that were accepted; the others have their answers."""
        notify = " NOTIFY=FAILURE,DELAY" if self._wants_reports else ""  # RFC 3461 4.1
        accepted: list[str] = []
        for given, sent in self._recipients:
            reply = self._command("RCPT", f"TO:<{sent}>{notify}")
            if reply.is_yes:
                accepted.append(given)
                continue
            self._answers[given] = self._judged(Stage.RCPT, reply)
            if reply.ends_connection:
                self._smtp.close()
                unanswered = [other for other, _ in self._recipients if other not in self._answers]
                self._answers |= dict.fromkeys(unanswered, self._answers[given])
                return []
        return accepted

    def _data(self, accepted: list[str]) -> None:
        if not accepted:
            return
        reply = self._command("DATA", "")
        if reply.code == 354:
            answer = self._content()
        else:
            answer = self._judged(Stage.DATA, reply)
            if reply.ends_connection or not reply.is_refusal:
                self._smtp.close()
        self._answers |= dict.fromkeys(accepted, answer)

    def _content(self) -> RelayAnswer:
        smtp = self._smtp
        patience = smtp.sock.gettimeout() if smtp.sock else None
        if smtp.sock:
            smtp.sock.settimeout(self._data_seconds)
        try:
            smtp.send(on_the_wire(self._raw))
        except OSError as failure:
            # The socket did not take all of it, so the final dot never left: the relay cannot have the mail.
            smtp.close()
            return RelayAnswer(
                DeliveryResult.TEMPORARY, f"the connection was lost while the mail was sent: {words_of(failure)}"
            )
        try:
            reply = Reply.of(smtp.getreply())
        except OSError as failure:
            smtp.close()
            return RelayAnswer(
                DeliveryResult.AMBIGUOUS, f"the mail was sent, its reply was not read: {words_of(failure)}"
            )
        if smtp.sock:
            smtp.sock.settimeout(patience)
        if reply.ends_connection or not (reply.is_yes or reply.is_refusal):
            smtp.close()
        return self._judged(Stage.FINAL, reply)

    def _command(self, verb: str, rest: str) -> Reply:
        """A reply; for a lost connection one without a code."""
        try:
            return Reply.of(self._smtp.docmd(verb, rest))
        except OSError as failure:
            return Reply(None, f"the connection was lost at {verb}: {words_of(failure)}")

    def _judged(self, stage: Stage, reply: Reply) -> RelayAnswer:
        verdict = judged(stage, reply)
        if isinstance(verdict, RelayFault):
            raise verdict
        return verdict


def on_the_wire(raw: bytes) -> bytes:
    """CRLF line ends only, dots doubled at line starts (RFC 5321 4.5.2), and the final dot."""
    lines = b"\n" + raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
    return lines.replace(b"\n.", b"\n..").replace(b"\n", b"\r\n").removeprefix(b"\r\n") + b"\r\n.\r\n"


def _envelope_id(raw: bytes) -> str:
    """The Message-ID as xtext (RFC 3461 4): the same at each attempt; a hash when it has none or a long one."""
    found = _MESSAGE_ID.search(raw[:16_384])
    if found:
        text = "".join(f"+{octet:02X}" if octet in b"+=" else chr(octet) for octet in found[1])
        if len(text) <= 100:
            return text
    return hashlib.sha256(raw).hexdigest()[:40]


def _size_limit(smtp: smtplib.SMTP) -> int:
    """The largest mail the relay takes in bytes, 0 when it does not say (RFC 1870 3)."""
    stated = smtp.esmtp_features.get("size", "").strip() if smtp.has_extn("size") else ""
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 16 else 0
