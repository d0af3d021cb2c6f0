"""Decides what an SMTP reply means for a mail: one table from (stage, code) to a verdict, with a reason in each row."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum

from maild.domain.messages.outbox import DeliveryResult, RelayAnswer

MAX_TEXT = 500  # characters of a reply that are kept
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Stage(StrEnum):
    """The step of the dialogue that a reply answers (RFC 5321 4.3.2)."""

    CONNECT = "connect"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    LOGIN = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    FINAL = "the final dot"


class RelayFault(Exception):
    """The relay cannot be used now, and no mail is to blame.

    `code` is its reply code, None if it gave none. `connection_lost`: the relay hung up or was already gone."""

    def __init__(self, text: str, code: int | None, *, connection_lost: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.connection_lost = connection_lost


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a relay, with its lines joined. `code` is None if there was no reply, or no valid one."""

    code: int | None
    text: str

    @classmethod
    def of(cls, answer: tuple[int, bytes | str]) -> Reply:
        """Build a reply from what smtplib returns; smtplib says -1 for a line without a code.

        The text loses its control characters and everything beyond MAX_TEXT characters."""
        code, text = answer
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        shown = "".join(letter if letter.isprintable() else " " for letter in words[: 4 * MAX_TEXT])
        return cls(code if 200 <= code <= 599 else None, " ".join(shown.split())[:MAX_TEXT])

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else self.text or "no valid reply"

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463 2), "" if there is none."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def is_yes(self) -> bool:
        """Whether the relay did what it was asked: a code of 2yz (RFC 5321 4.2.1)."""
        return self.code is not None and self.code < 300

    @property
    def is_refusal(self) -> bool:
        """Whether the relay refused for now (4yz) or for good (5yz; RFC 5321 4.2.1)."""
        return self.code is not None and self.code >= 400

    @property
    def ends_connection(self) -> bool:
        """Whether the relay hangs up or has hung up (RFC 5321 3.8)."""
        return self.code in (None, 421)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of TABLE: replies with these codes at these stages get this verdict."""

    stages: frozenset[Stage]
    codes: range | tuple[int | None, ...]
    verdict: DeliveryResult | None  # None: the relay is at fault, no mail is
    why: str
    enhanced: tuple[str, ...] = ()  # the row is for these enhanced codes only; empty: for all

    def fits(self, stage: Stage, reply: Reply) -> bool:
        """Whether the row is about this reply at this stage."""
        return (
            stage in self.stages and reply.code in self.codes and (not self.enhanced or reply.enhanced in self.enhanced)
        )


_EVERY = frozenset(Stage)
_TALK = frozenset({Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.LOGIN})
_MAIL = frozenset({Stage.MAIL})
_RCPT = frozenset({Stage.RCPT})
_BODY = frozenset({Stage.DATA, Stage.FINAL})
_FINAL = frozenset({Stage.FINAL})
_ANY_CODE: tuple[int | None, ...] = (None, *range(200, 600))

TABLE: tuple[Row, ...] = (
    Row(_FINAL, range(200, 300), DeliveryResult.SENT, "the relay is responsible for the mail now (RFC 5321 4.2.5)"),
    Row(_TALK, _ANY_CODE, None, "the relay refuses us: no mail was named yet"),
    Row(_EVERY - _TALK, (530, 534, 535, 538), None, "the relay asks for a login or refuses ours (RFC 4954 6)"),
    Row(
        _MAIL,
        (552,),
        DeliveryResult.PERMANENT,
        "the mail is larger than the relay's fixed limit (RFC 1870 6.1)",
        ("5.3.4", "5.2.3"),
    ),
    Row(_MAIL, _ANY_CODE, None, "the sender is the helpdesk in every mail, so the relay refuses us"),
    Row(_RCPT, (552,), DeliveryResult.TEMPORARY, "the mailbox is full for now (RFC 3463 3.3)", ("5.2.2",)),
    Row(_RCPT, range(500, 600), DeliveryResult.PERMANENT, "the relay refuses this recipient for good"),
    Row(_BODY, range(500, 600), DeliveryResult.PERMANENT, "the relay refuses the mail for good"),
    Row(_EVERY, range(400, 500), DeliveryResult.TEMPORARY, "the relay says: try again later (RFC 5321 4.2.1)"),
    Row(_FINAL, _ANY_CODE, DeliveryResult.AMBIGUOUS, "the mail was sent, and the reply says neither yes nor no"),
    Row(_EVERY, _ANY_CODE, DeliveryResult.TEMPORARY, "the reply fits no step: another connection may do better"),
)


def judge_reply(stage: Stage, reply: Reply) -> RelayAnswer | RelayFault:
    """Return what a reply at this stage means, by the first row of TABLE that fits. A RelayFault is not raised here."""
    row = next(row for row in TABLE if row.fits(stage, reply))
    if row.verdict is None:
        return RelayFault(f"{reply} (at {stage})", reply.code, connection_lost=reply.ends_connection)
    return RelayAnswer(row.verdict, str(reply), reply.code)


def relay_fault(failure: Exception, *, connection_lost: bool = False) -> RelayFault:
    """Turn a failure of the connection into a RelayFault, with the remedy if there is one."""
    if isinstance(failure, RelayFault):
        return failure
    code = None
    if isinstance(failure, smtplib.SMTPResponseException):
        code = Reply.of((failure.smtp_code, failure.smtp_error)).code
    return RelayFault(describe(failure), code, connection_lost=connection_lost)


def describe(failure: Exception) -> str:
    """Say in words what an exception of socket, ssl or smtplib means. `it` and `its` stand for the relay."""
    if isinstance(failure, smtplib.SMTPResponseException):
        return str(Reply.of((failure.smtp_code, failure.smtp_error)))
    if isinstance(failure, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({failure.verify_message}); "
            "renew the certificate, or make this machine trust its authority"
        )
    if isinstance(failure, ssl.SSLError):
        return f"TLS failed ({failure.reason or failure}); check whether tls in [[relay]] fits this port"
    if isinstance(failure, socket.gaierror):
        return f"its host name is unknown ({failure.strerror}); check host in [[relay]] and the name server"
    if isinstance(failure, TimeoutError):
        return "it did not answer in time"
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return " ".join(str(failure).split()) or type(failure).__name__
