"""What kind of mail this is: an ordered table of rules. The first that matches wins, each with its reason.

It follows RFC 3834: who may be answered automatically and who must not. The class says what a mail is,
`answerable` whether a program may answer it. No class drops a mail: what becomes of it is decided elsewhere."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from maild.domain.intake.spam_and_robots import MailingList, Robots, SpamMarks, list_that_brought
from maild.domain.messages.header_values import quoted, without_comments
from maild.domain.messages.message import Envelope, InboundMessage
from maild.domain.people.absence import SUBJECTS_OF_NOTICES
from maild.domain.people.directory import Address, ascii_lower, belongs_to

LOOP_HEADER = "X-Maild-Loop"
MAX_HOPS = 50  # Received fields (RFC 5321 6.3 asks for at least 100 in relays; we are the end of the way)


class MailClass(StrEnum):
    """What kind of mail it is."""

    PERSON = "person"
    LIST = "list"  # people wrote it too, but many receive it: filed like a person's mail, never answered by a program
    AUTO_REPLY = "auto-reply"  # a program answered something: vacation, receipt acknowledgement of another helpdesk
    AUTOMATIC = "automatic"  # a program wrote by itself: monitoring, cron, reports
    DSN = "dsn"  # about the delivery of a mail (RFC 3464)
    FEEDBACK_REPORT = "feedback-report"  # somebody pressed "spam" (RFC 5965)
    MDN = "mdn"  # a read receipt (RFC 8098)
    LOOP = "loop"  # our own mail came back
    TOO_MANY_HOPS = "too-many-hops"  # a loop between servers (RFC 5321 6.3)
    REACTION = "reaction"  # one emoji about a mail (RFC 9078)
    SPAM = "spam"  # the provider's filter says so

    @property
    def by_machine(self) -> bool:
        """True when it holds no person's words to us: it runs no command, reopens nothing, and moves no clock."""
        return self not in (MailClass.PERSON, MailClass.LIST)


@dataclass(frozen=True, slots=True)
class OwnMarks:
    """How we recognise our own mail.

    `is_own_id` tells whether we issued a Message-ID (with or without brackets). `loop_mark` is what the
    X-Maild-Loop header of our mails says; "" recognises none. `own_addresses` are all our addresses; without
    them no mail counts as sent past us."""

    is_own_id: Callable[[str], bool]
    loop_mark: str = ""
    own_addresses: frozenset[Address] = frozenset()
    lists: tuple[MailingList, ...] = ()  # those that feed us: what they bring was written by people
    spam: SpamMarks = SpamMarks(headers=())
    robots: Robots = Robots()


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of a mail, the rule that decided, and whether a program may answer it."""

    mail_class: MailClass
    rule: str  # the name of the row that hit
    reason: str  # a sentence, with the mark that was found
    answerable: bool  # may a program answer it (RFC 3834 section 2)?


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message with its envelope and our marks, as the rules look at it."""

    message: InboundMessage
    envelope: Envelope
    marks: OwnMarks

    def first(self, *names: str) -> str | None:
        """Return the first present header of these names, as "Name: value"."""
        for name in names:
            if values := self.message.headers.get(name.lower()):
                return quoted(name, values[0])
        return None

    @property
    def reverse_path(self) -> str | None:
        """Return where bounces go: the envelope's sender, else Return-Path. "" is the null one, None is unknown."""
        if self.envelope.sender is not None:
            return self.envelope.sender.strip(" <>")
        values = self.message.headers.get("return-path")
        return values[0].strip(" <>") if values else None

    @property
    def senders(self) -> tuple[str, ...]:
        """Return the local parts of From and of the reverse-path, in lower case and at most as long as RFC 5321
        4.5.3.1.1 allows."""
        from_header = [self.message.sender.address.local] if self.message.sender else []
        behind = [self.reverse_path.rpartition("@")[0]] if self.reverse_path else []
        return tuple(ascii_lower(local)[:64] for local in (*from_header, *behind))

    def is_own(self, address: Address) -> bool:
        """Tell whether it is one of our addresses, with or without a subaddress (RFC 5233)."""
        return belongs_to(address, self.marks.own_addresses)


# A rule's test answers the mark that it found, quoted, or None.
_Test = Callable[[_Mail], str | None]


# -- our own, and loops -----------------------------------------------------------------------------------------


def _own_loop_mark(mail: _Mail) -> str | None:
    mark = mail.marks.loop_mark.encode()
    values = mail.message.headers.get(LOOP_HEADER.lower(), ())
    found = [hmac.compare_digest(value.strip().encode("utf-8", "replace"), mark) for value in values]
    return LOOP_HEADER if mark and any(found) else None


def _own_message_id(mail: _Mail) -> str | None:
    own = bool(mail.message.message_id) and mail.marks.is_own_id(mail.message.message_id)
    return quoted("Message-ID", mail.message.message_id) if own else None


def _too_many_hops(mail: _Mail) -> str | None:
    return f"{mail.message.hops} Received fields" if mail.message.hops > MAX_HOPS else None


# -- reports ----------------------------------------------------------------------------------------------------


def _report(kind: str) -> _Test:
    return lambda mail: f"report-type={kind}" if mail.message.report_type.strip().casefold() == kind else None


def _delivery_report(mail: _Mail) -> str | None:
    return "a delivery-status part" if mail.message.delivery_report else _report("delivery-status")(mail)


def _from_mailer_daemon(mail: _Mail) -> str | None:
    local = ascii_lower(mail.message.sender.address.local) if mail.message.sender else ""
    if local == "mailer-daemon":
        return "From: mailer-daemon"
    if mail.reverse_path == "" and local == "postmaster":
        return "From: postmaster with a null reverse-path"
    return mail.first("X-Failed-Recipients")


# -- automatic mail ---------------------------------------------------------------------------------------------


def _auto_submitted(mail: _Mail) -> str:
    """Return the keyword of Auto-Submitted (RFC 3834 5) without comments and parameters; "" when absent or "no"."""
    for value in mail.message.headers.get("auto-submitted", ()):
        words = without_comments(value[:500]).partition(";")[0].split()
        keyword = words[0].casefold() if words else ""
        if keyword not in ("", "no"):
            return keyword
    return ""


def _auto_replied(mail: _Mail) -> str | None:
    return "Auto-Submitted: auto-replied" if _auto_submitted(mail) == "auto-replied" else None


_AUTO_REPLY_HEADERS = (
    "X-Autoreply",
    "X-Auto-Reply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Autoresponse",
    "X-Mail-Autoreply",
)


def _auto_reply_header(mail: _Mail) -> str | None:
    if _precedence(mail) in ("auto_reply", "auto-reply"):
        return mail.first("Precedence")
    for name in _AUTO_REPLY_HEADERS:
        value = mail.message.header(name).strip().casefold()
        if name.lower() in mail.message.headers and value not in ("no", "false", "0"):
            return quoted(name, value)
    return None


def _absence_notice(mail: _Mail) -> str | None:
    """Find an absence subject together with another mark of a program. People also write about absences on lists."""
    subject = mail.message.subject.strip().casefold()
    if not subject.startswith(SUBJECTS_OF_NOTICES) or mail.first("List-Id", "List-Unsubscribe"):
        return None
    marks = (
        f"Auto-Submitted: {_auto_submitted(mail)}" if _auto_submitted(mail) else None,
        "a null reverse-path" if mail.reverse_path == "" else None,
        _suppressing(mail, {"all"}),  # not OOF or AutoReply: some gateways put those on people's mail
        mail.first("Precedence") if _precedence(mail) in ("bulk", "junk") else None,
        mail.first("X-MS-Exchange-Inbox-Rules-Loop"),
    )
    mark = next(filter(None, marks), None)
    return f"{quoted('Subject', mail.message.subject)} with {mark}" if mark else None


def _auto_generated(mail: _Mail) -> str | None:
    keyword = _auto_submitted(mail)
    return quoted("Auto-Submitted", keyword) if keyword else None


_ROBOT_HEADERS = ("X-Cron-Env", "X-FC-MachineGenerated", "X-JIRA-FingerPrint")
_ROBOT_SENDERS = frozenset(
    {"alertmanager", "cron", "grafana", "icinga", "logwatch", "monit", "munin", "nagios", "prometheus", "smartd"}
    | {"uptimerobot", "zabbix"}
)


def _robot(mail: _Mail) -> str | None:
    local = ascii_lower(mail.message.sender.address.local) if mail.message.sender else ""
    return quoted("From", f"{local}@") if local in _ROBOT_SENDERS else mail.first(*_ROBOT_HEADERS)


def _configured_robot(mail: _Mail) -> str | None:
    sender = mail.message.sender
    glob = mail.marks.robots.wrote(str(sender.address)) if sender else ""
    return f"{sender.address} fits {glob}" if sender and glob else None


def _reaction(mail: _Mail) -> str | None:
    return mail.message.reaction or None


def _calendar_answer(mail: _Mail) -> str | None:
    method = mail.message.calendar_method
    return f"METHOD:{method}" if method in ("REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH") else None


def _spam(mail: _Mail) -> str | None:
    return mail.marks.spam.found(mail.message.headers) or None


def _null_reverse_path(mail: _Mail) -> str | None:
    return "MAIL FROM:<>" if mail.reverse_path == "" else None


# -- lists and bulk ---------------------------------------------------------------------------------------------

_LIST_SENDER = re.compile(r"owner-.*|.*-(?:owner|request)|.*-bounces(?:\+.*)?")


def brought_by(message: InboundMessage, lists: tuple[MailingList, ...]) -> MailingList | None:
    """Return the list, among those that feed us, that brought a mail."""
    from_ = (message.sender,) if message.sender else ()
    people = (*from_, *message.to, *message.cc)
    places = {str(p.address) for p in people} | {str(address) for address in message.delivered_to}
    return list_that_brought(lists, message.headers.get("list-id", ()), places)


def _mailing_list(mail: _Mail) -> str | None:
    if brought_by(mail.message, mail.marks.lists):
        return None
    by_header = mail.first("List-Id", "List-Post", "List-Unsubscribe", "Mailing-List")
    if by_header or _precedence(mail) == "list":
        return by_header or mail.first("Precedence")
    return next((f"sender {local}@" for local in mail.senders if _LIST_SENDER.fullmatch(local)), None)


def _bulk(mail: _Mail) -> str | None:
    if brought_by(mail.message, mail.marks.lists):
        return None
    if _precedence(mail) in ("bulk", "junk"):
        return mail.first("Precedence")
    return mail.first("Feedback-ID", "X-AMAZON-MAIL-RELAY-TYPE")


# -- people whom no program answers -----------------------------------------------------------------------------


def _own_address(mail: _Mail) -> str | None:
    sender = mail.message.sender
    return quoted("From", str(sender.address)) if sender and mail.is_own(sender.address) else None


def _no_single_sender(mail: _Mail) -> str | None:
    return quoted("From", mail.message.from_header or "absent") if mail.message.sender is None else None


_UNREAD_SENDER = re.compile(r"(?:.*[-_.])?(?:no|do[-_.]?not|dont|never)[-_.]?reply(?:[-_.+].*)?|bounces?(?:[-_.+].*)?")
_ROLE_SENDERS = frozenset({"abuse", "daemon", "mailer-daemon", "postmaster", "root", "uucp"})


def _unread_sender(mail: _Mail) -> str | None:
    for local in mail.senders:
        if local in _ROLE_SENDERS or local.endswith("-daemon") or _UNREAD_SENDER.fullmatch(local):
            return f"sender {local}@"
    return None


def _no_answer_wanted(mail: _Mail) -> str | None:
    return _suppressing(mail, {"all", "autoreply", "oof"})


def _foreign_loop_mark(mail: _Mail) -> str | None:
    return mail.first("X-Loop", LOOP_HEADER)


def _not_addressed_to_us(mail: _Mail) -> str | None:
    if not mail.marks.own_addresses:
        return None
    addressed = (person.address for person in (*mail.message.to, *mail.message.cc))
    return None if any(mail.is_own(address) for address in addressed) else "none of our addresses in To or Cc"


# -- the table --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClassRule:
    """One row: its name for `explain`, the test, the class that follows, and why."""

    name: str
    test: _Test
    mail_class: MailClass
    why: str


RULES: tuple[ClassRule, ...] = (
    # Only a mark that nobody else can make ends a mail here: From alone never does, list gateways rewrite it to ours.
    ClassRule("own-loop-mark", _own_loop_mark, MailClass.LOOP, "our own mail came back"),
    ClassRule("own-message-id", _own_message_id, MailClass.LOOP, "our own mail came back"),
    ClassRule("too-many-hops", _too_many_hops, MailClass.TOO_MANY_HOPS, "it goes round between servers"),
    # What a report says it is comes before its null reverse-path and its Auto-Submitted, which all reports have.
    ClassRule("feedback-report", _report("feedback-report"), MailClass.FEEDBACK_REPORT, "a complaint (RFC 5965)"),
    ClassRule("read-receipt", _report("disposition-notification"), MailClass.MDN, "a read receipt (RFC 8098)"),
    ClassRule("delivery-report", _delivery_report, MailClass.DSN, "a delivery report (RFC 3464)"),
    # Servers that bounce in words of their own: qmail, old Exim.
    ClassRule("mailer-daemon", _from_mailer_daemon, MailClass.DSN, "a mail server reports about a mail"),
    ClassRule("reaction", _reaction, MailClass.REACTION, "somebody reacted to a mail (RFC 9078)"),
    ClassRule("calendar-answer", _calendar_answer, MailClass.AUTOMATIC, "a calendar answered (RFC 5546)"),
    # Answers by programs. Before auto-generated: Exchange marks its absence notices so, and only the subject tells.
    ClassRule("auto-replied", _auto_replied, MailClass.AUTO_REPLY, "a program answered (RFC 3834 5)"),
    ClassRule("auto-reply-header", _auto_reply_header, MailClass.AUTO_REPLY, "a program answered"),
    ClassRule("absence-notice", _absence_notice, MailClass.AUTO_REPLY, "an absence notice"),
    # Every other keyword than "no" means a program, those yet to be registered too.
    ClassRule("auto-submitted", _auto_generated, MailClass.AUTOMATIC, "a program wrote it (RFC 3834 5)"),
    ClassRule("robot", _robot, MailClass.AUTOMATIC, "a monitoring or notification program wrote it"),
    ClassRule("configured-robot", _configured_robot, MailClass.AUTOMATIC, "the configuration calls it a robot"),
    # Nobody can be told about a null reverse-path, and no report says what it is about: filed, not taken for a bounce.
    ClassRule(
        "null-reverse-path", _null_reverse_path, MailClass.AUTOMATIC, "the sender wants no answer (RFC 5321 4.5.5)"
    ),
    # After everything that says what it is: a filter that takes a bounce for spam must not hide the bounce.
    ClassRule("marked-as-spam", _spam, MailClass.SPAM, "the provider's filter marked it"),
    # Answers would go to many, or to nobody (RFC 3834 2).
    ClassRule("mailing-list", _mailing_list, MailClass.LIST, "it came over a mailing list (RFC 2919, 2369)"),
    ClassRule("bulk", _bulk, MailClass.LIST, "it was sent to many"),
)

# A person wrote these; a program's answer would reach nobody, or start a loop.
UNANSWERED: tuple[ClassRule, ...] = (
    ClassRule("own-address", _own_address, MailClass.PERSON, "an answer would come back to us"),
    ClassRule("no-single-sender", _no_single_sender, MailClass.PERSON, "there is no one sender to answer"),
    ClassRule("unread-sender", _unread_sender, MailClass.PERSON, "nobody reads what is sent there"),
    ClassRule("answer-suppressed", _no_answer_wanted, MailClass.PERSON, "the sender wants no automatic answer"),
    ClassRule("foreign-loop-mark", _foreign_loop_mark, MailClass.PERSON, "another program is on guard against loops"),
    # Last: a Bcc or an expanded alias; the sender does not know us (RFC 3834 2).
    ClassRule("not-addressed-to-us", _not_addressed_to_us, MailClass.PERSON, "it was not written to us by name"),
)


def classify(message: InboundMessage, envelope: Envelope, marks: OwnMarks) -> Classification:
    """Return the class of the first rule that matches; a person's mail when none does."""
    mail = _Mail(message, envelope, marks)
    for rule in (*RULES, *UNANSWERED):
        if mark := rule.test(mail):
            return Classification(rule.mail_class, rule.name, f"{rule.why}: {mark}", answerable=False)
    return Classification(MailClass.PERSON, "person", "nothing marks it as automatic", answerable=True)


# -- parts ------------------------------------------------------------------------------------------------------


def _precedence(mail: _Mail) -> str:
    return mail.message.header("Precedence").strip().casefold()


def _suppressing(mail: _Mail, kinds: set[str]) -> str | None:
    """Read X-Auto-Response-Suppress (MS-OXCMAIL 2.1.3.2.20) when it names one of these kinds of answers."""
    for value in mail.message.headers.get("x-auto-response-suppress", ()):
        if kinds & {word.strip().casefold() for word in value[:500].split(",")}:
            return quoted("X-Auto-Response-Suppress", value)
    return None
