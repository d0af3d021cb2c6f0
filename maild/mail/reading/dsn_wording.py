"""Reads bounces in words, from mail servers that send no machine-readable report or whose report was lost.

Only a mail that claims to be from a server counts: a person may quote a bounce."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from maild.domain.messages.message import DeliveryAction, DeliveryStatus
from maild.domain.people.directory import ascii_lower
from maild.mail.headers import addresses
from maild.mail.headers.fields import decode
from maild.mail.text.cleaning import one_line

MAX_RECIPIENTS = 50
_MAX_TEXT = 100_000
_MAX_LINE = 1_000
_MAX_DIAGNOSTIC = 1_000
_SENTENCE = 4  # lines that one announcement may take
_DIAGNOSTIC_LINES = 12  # lines below a recipient in which the reason is looked for
_REASON_LINES = 3  # lines that are shown as the reason if none of them has a code

_SERVERS = frozenset(("mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "mailsystem"))

# What servers write above the recipients, or in one sentence with a recipient: casefolded, with single spaces.
_FAILED, _DELAYED, _DELIVERED = DeliveryAction.FAILED, DeliveryAction.DELAYED, DeliveryAction.DELIVERED
_ANNOUNCEMENTS: tuple[tuple[str, DeliveryAction], ...] = (
    # Delays come first: their texts also contain words of a failure.
    ("has not yet been delivered", _DELAYED),  # Exim
    ("this is a warning message only", _DELAYED),  # sendmail
    ("this is a warning only", _DELAYED),  # Postfix
    ("delivery incomplete", _DELAYED),  # Gmail
    ("temporary problem delivering your message", _DELAYED),  # Gmail
    ("delivery to the following recipient has been delayed", _DELAYED),  # Gmail, before 2016
    ("delivery is delayed to these recipients", _DELAYED),  # Exchange
    ("delivery delayed", _DELAYED),
    ("has been delayed", _DELAYED),
    ("die zustellung verzögert sich", _DELAYED),
    # Success reports, which NOTIFY=SUCCESS asks for (RFC 3461 4.1).
    ("was successfully delivered", _DELIVERED),  # Postfix, Exchange
    ("has been delivered to these recipients", _DELIVERED),  # Exchange
    ("your message has been delivered to the following recipients", _DELIVERED),  # Exchange
    ("successful mail delivery report", _DELIVERED),
    # Failures.
    ("following address(es) failed", _FAILED),  # Exim
    ("following addresses had permanent fatal errors", _FAILED),  # sendmail
    ("wasn't able to deliver your message to the following addresses", _FAILED),  # qmail
    ("unable to deliver your message to the following address", _FAILED),  # qmail, Yahoo
    ("could not be delivered to one or more recipients", _FAILED),  # Postfix
    ("could not be delivered to one or more of its recipients", _FAILED),  # Exim
    ("delivery has failed to these recipients", _FAILED),  # Exchange
    ("did not reach some or all of the intended recipients", _FAILED),  # Exchange 2003
    ("following recipient(s) could not be reached", _FAILED),  # Exchange 2003
    ("following recipient(s) cannot be reached", _FAILED),
    ("delivery to the following recipients failed", _FAILED),  # IIS
    ("delivery to the following recipient failed", _FAILED),  # Gmail, before 2016
    ("delivery to the following recipient(s) failed", _FAILED),
    ("your message wasn't delivered to", _FAILED),  # Gmail
    ("your message couldn't be delivered to", _FAILED),  # Gmail, Exchange Online
    ("your message to", _FAILED),  # Exchange Online: "… couldn't be delivered."
    ("was not delivered to", _FAILED),  # Domino, Amazon
    ("i could not deliver", _FAILED),
    ("could not be delivered to", _FAILED),
    ("undeliverable to", _FAILED),
    ("an error occurred while trying to deliver the mail to the following recipients", _FAILED),  # Amazon SES
    ("fehler bei der nachrichtenzustellung an folgende empfänger", _FAILED),
    ("konnte nicht an die folgenden empfänger zugestellt werden", _FAILED),
    ("konnte nicht zugestellt werden", _FAILED),
    ("échec de la remise pour ces destinataires", _FAILED),
    ("échec de la remise à ces destinataires", _FAILED),
    ("no se pudo entregar el mensaje a estos destinatarios", _FAILED),
    ("error de entrega a estos destinatarios", _FAILED),
    ("impossibile recapitare il messaggio ai seguenti destinatari", _FAILED),
    ("falha na entrega a estes destinatários", _FAILED),
    ("kan niet worden bezorgd", _FAILED),
)
# Words above the returned mail: no recipient is looked for below them.
_COPIES = (
    *("below this line is a copy", "this is a copy of", "original message follows", "original message headers"),
    *("message header follows", "the header of the original", "returned message follows", "unsent message follows"),
    *("ursprüngliche nachrichtenkopfzeilen", "undelivered message", "your original message", "copy of your message"),
    *("return-path:", "received: from"),
)

_ADDRESS = r"[^\s<>()\[\]@\",:;=]{1,128}@[^\s<>()\[\]@\",:;=/]{1,253}"
_ON_A_LINE = re.compile(
    rf"^[\s*>-]*(?:rfc822;\s*|smtp:|to:\s*)?<?({_ADDRESS})>?(?:\s*[:;(<].*|\s+on\s.*|\s*[.]?)$", re.IGNORECASE
)
_NAMED = re.compile(rf"^\s*[^<>@]{{1,100}}[<(](?:mailto:)?({_ADDRESS})[>)](?:<mailto:[^<>]*>)?\s*$", re.IGNORECASE)
_WITHIN = re.compile(rf"(?<![\w.+-])<?({_ADDRESS})>?")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.#-])#?([45]\d\d)(?=[ :-])")
_ID = re.compile(r"^[ \t>]*(?:original[ -])?message-id[ \t]*:[ \t]*(<[^<>\s]{1,500}>)?[ \t]*$", re.IGNORECASE)
_ID_BELOW = re.compile(r"^[ \t>]*(<[^<>\s]{1,500}>)[ \t]*$")


def statuses(fields: Mapping[str, Sequence[str]], text: str) -> list[DeliveryStatus]:
    """Return what a bounce in words says about each recipient; [] for a mail that is no bounce."""
    failed = _failed_recipients(fields)
    if not failed and not _is_from_a_server(fields):
        return []
    lines = [line[:_MAX_LINE] for line in text[:_MAX_TEXT].split("\n")]
    lines = lines[: _copy_begins(lines)]
    action, start = _announcement(lines)
    if action is None and not failed:
        return []
    found = _recipients(lines, start, failed)
    if not found:
        return []
    ends = [*(at for at, _ in found[1:]), len(lines)]
    return [
        _status(recipient, action or _FAILED, lines, at, end) for (at, recipient), end in zip(found, ends, strict=True)
    ]


def original_message_id(text: str) -> str:
    """Return the Message-ID of a returned mail that is part of the text; "" if there is none."""
    lines = text[:_MAX_TEXT].split("\n")
    for number, line in enumerate(lines):
        match = _ID.match(line[:_MAX_LINE])
        if match is None:
            continue
        below = _ID_BELOW.match(lines[number + 1][:_MAX_LINE]) if number + 1 < len(lines) else None
        if match[1] or below:
            return match[1] or (below[1] if below else "")
    return ""


def _failed_recipients(fields: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the addresses in X-Failed-Recipients, a field that Exim and Gmail write."""
    values = ",".join(decode(raw) for raw in fields.get("x-failed-recipients", ()))
    return [str(person.address) for person in addresses.people([values])][:MAX_RECIPIENTS] if values else []


def _is_from_a_server(fields: Mapping[str, Sequence[str]]) -> bool:
    """Whether a mail claims to be from a server: a null reverse-path (RFC 5321 4.5.5), or a server's name in From."""
    if any(raw.strip() == "<>" for raw in fields.get("return-path", ())):
        return True
    sender = addresses.sender(fields.get("from", ()))
    local = ascii_lower(sender.address.local) if sender else ascii_lower("".join(fields.get("from", ())))[:40]
    return local.partition("+")[0].strip(" <>") in _SERVERS or local.startswith(("microsoftexchange", "mailer-daemon@"))


def _copy_begins(lines: Sequence[str]) -> int:
    """Return the line at which the returned mail begins; the number of lines if it did not come back."""
    for number, line in enumerate(lines):
        words = line.strip(" >-*").casefold()
        if words == "original message" or words.startswith(_COPIES) or _is_header(lines, number):
            return number
    return len(lines)


def _is_header(lines: Sequence[str], number: int) -> bool:
    """Whether the header of the returned mail begins in this line, without words above it."""
    following = "\n".join(lines[number + 1 : number + 4]).casefold()
    return lines[number].startswith("From: ") and ("to: " in following or "subject: " in following)


def _announcement(lines: Sequence[str]) -> tuple[DeliveryAction | None, int]:
    """Return (what happened, the line that says so), by the first row of the table that fits anywhere."""
    windows = [
        " ".join(" ".join(lines[at : at + _SENTENCE]).split()).casefold().replace("’", "'") for at in range(len(lines))
    ]
    for words, action in _ANNOUNCEMENTS:
        for number, window in enumerate(windows):
            if words in window:
                begins = window.startswith(words) or number + 1 == len(windows) or words not in windows[number + 1]
                if begins:
                    return action, number
    return None, 0


def _recipients(lines: Sequence[str], start: int, failed: Sequence[str]) -> list[tuple[int, str]]:
    """Return (line, address) of each recipient, in order.

    They are those in X-Failed-Recipients, else those on lines of their own below the announcement, else the one in the
    announcement itself."""
    if failed:
        return [(_line_of(lines, recipient), recipient) for recipient in failed]
    found: dict[str, int] = {}
    for number in range(start, len(lines)):
        match = _ON_A_LINE.match(lines[number]) or _NAMED.match(lines[number])
        recipient = addresses.address(match[1].rstrip(".")) if match else None
        if recipient is not None and len(found) < MAX_RECIPIENTS:
            found.setdefault(str(recipient), number)
    if not found:
        for match in _WITHIN.finditer(" ".join(lines[start : start + _SENTENCE])):
            recipient = addresses.address(match[1].rstrip(".,'\""))
            if recipient is not None:
                found.setdefault(str(recipient), start)
                break
    return [(number, recipient) for recipient, number in found.items()]


def _line_of(lines: Sequence[str], recipient: str) -> int:
    """Return the first line that names the recipient; 0 if none does."""
    wanted = recipient.casefold()
    return next((number for number, line in enumerate(lines) if wanted in line.casefold()), 0)


def _status(recipient: str, action: DeliveryAction, lines: Sequence[str], at: int, end: int) -> DeliveryStatus:
    """Return the status of one recipient, with the reason below it, or with the one that is given for all."""
    near = lines[at : min(end, at + _DIAGNOSTIC_LINES)]
    reason = next((line for line in near if _STATUS.search(line) or _REPLY.search(line)), "")
    if not reason:
        reason = next((line for line in lines if _STATUS.search(line) or _REPLY.search(line)), "")
    status = _STATUS.search(reason)
    shown = one_line(reason.strip()) or " ".join(
        [one_line(line).strip() for line in near[1:] if line.strip()][:_REASON_LINES]
    )
    return DeliveryStatus(recipient[:320], action, status[1] if status else "", shown[:_MAX_DIAGNOSTIC])
