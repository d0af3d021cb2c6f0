"""What an SMTP reply means for us: one table from (stage, code) to a verdict, each row with its reason."""

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
    """Where in the dialogue a reply was given."""

    CONNECT = "connect"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    LOGIN = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    FINAL = "the final dot"


class RelayFault(Exception):
    """The relay cannot be used just now: no mail is to blame. `code` is its reply code, None where it gave none."""

    def __init__(self, text: str, code: int | None, *, connection_lost: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.connection_lost = connection_lost


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, its lines joined. `code` None: there was none, or nothing that is one."""

    code: int | None
    text: str

    @classmethod
    def of(cls, answer: tuple[int, bytes | str]) -> Reply:
        """A reply as smtplib gives it: -1 stands for something without a code."""
        code, text = answer
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        shown = "".join(letter if letter.isprintable() else " " for letter in words[: 4 * MAX_TEXT])
        return cls(code if 200 <= code <= 599 else None, " ".join(shown.split())[:MAX_TEXT])

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else self.text or "no reply that is one"

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), "" when there is none."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def is_yes(self) -> bool:
        return self.code is not None and self.code < 300

    @property
    def is_refusal(self) -> bool:
        return self.code is not None and self.code >= 400

    @property
    def ends_connection(self) -> bool:
        """The relay hangs up, or has done so (RFC 5321 3.8)."""
        return self.code in (None, 421)


@dataclass(frozen=True, slots=True)
class Row:
    """`verdict` None: the channel is at fault, no mail is."""

    stages: frozenset[Stage]
    codes: range | tuple[int | None, ...]
    verdict: DeliveryResult | None
    why: str
    enhanced: tuple[str, ...] = ()  # empty: whatever it is

    def fits(self, stage: Stage, reply: Reply) -> bool:
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
    Row(_TALK, _ANY_CODE, None, "it speaks of us, before any mail was named"),
    Row(_EVERY - _TALK, (530, 534, 535, 538), None, "it asks for a login or refuses ours (RFC 4954 6)"),
    Row(
        _MAIL,
        (552,),
        DeliveryResult.PERMANENT,
        "the mail is larger than the relay ever takes (RFC 1870 6.1)",
        ("5.3.4", "5.2.3"),
    ),
    Row(_MAIL, _ANY_CODE, None, "the sender is ours and the same for all mail: the relay refuses us"),
    Row(_RCPT, (552,), DeliveryResult.TEMPORARY, "a full mailbox is emptied again (RFC 5321 4.5.3.1.10)", ("5.2.2",)),
    Row(_RCPT, range(500, 600), DeliveryResult.PERMANENT, "this recipient is refused for good"),
    Row(_BODY, range(500, 600), DeliveryResult.PERMANENT, "the mail is refused for good"),
    Row(_EVERY, range(400, 500), DeliveryResult.TEMPORARY, "try again later (RFC 5321 4.2.1)"),
    Row(_FINAL, _ANY_CODE, DeliveryResult.AMBIGUOUS, "the mail was sent, and what came back says neither yes nor no"),
    Row(
        _EVERY, _ANY_CODE, DeliveryResult.TEMPORARY, "no reply that fits the dialogue: another connection may do better"
    ),
)


def judged(stage: Stage, reply: Reply) -> RelayAnswer | RelayFault:
    """What a reply at this stage means, by the first row that fits."""
    row = next(row for row in TABLE if row.fits(stage, reply))
    if row.verdict is None:
        return RelayFault(f"{reply} (at {stage})", reply.code, connection_lost=reply.ends_connection)
    return RelayAnswer(row.verdict, str(reply), reply.code)


def fault(failure: Exception, *, connection_lost: bool = False) -> RelayFault:
    """A failure of the connection in words, with the remedy where there is one."""
    if isinstance(failure, RelayFault):
        return failure
    code = None
    if isinstance(failure, smtplib.SMTPResponseException):
        code = Reply.of((failure.smtp_code, failure.smtp_error)).code
    return RelayFault(words_of(failure), code, connection_lost=connection_lost)


def words_of(failure: Exception) -> str:
    """An exception of socket, ssl or smtplib for people to read."""
    if isinstance(failure, smtplib.SMTPResponseException):
        return str(Reply.of((failure.smtp_code, failure.smtp_error)))
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({failure.verify_message}); mend the certificate, or name its authority"
    if isinstance(failure, ssl.SSLError):
        return f"TLS failed ({failure.reason or failure}); is this port for another kind of TLS?"
    if isinstance(failure, socket.gaierror):
        return f"its host name is not known ({failure.strerror})"
    if isinstance(failure, TimeoutError):
        return "no answer in time"
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return " ".join(str(failure).split()) or type(failure).__name__
