"""Messages to agents that concern no ticket: answers to questions, lists, digests, questions about a fresh mail.

A message becomes an outbox row in the transaction of its cause, as a notice does. Its reply address says what it
is about: the number of the list that it shows, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from maild import maillog
from maild.domain.messages.reply_tokens import Scope, Sealed, message_id, seal
from maild.domain.notices.buttons import MOST, Button
from maild.domain.notices.mail_kinds import MAIL_KINDS
from maild.domain.notices.opt_outs import Stop
from maild.domain.people.directory import Address, Agent
from maild.ports import Contact, OutboxRow
from maild.services.helpdesk import Helpdesk
from maild.services.notices.mail_head import KEY, MailHead
from maild.services.notices.template_context import asked_words, mailto, person_words
from maild.services.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage:
    """What is said to whom, and what their answer will mean.

    `words` are the keys of templates/README.md that the template shows besides those of every message. `about`
    is the number of the list that it shows (scope d), else 0. `verb` asks for something by itself (scope c).
    `draft` is the number of the held reply that buttons name. `files` are (name, text)."""

    template: str
    agent: Agent
    subject: str
    scope: Scope
    reason: str  # in words, for the foot of the mail
    words: Mapping[str, Any] = field(default_factory=dict)
    about: int = 0
    verb: str = ""
    buttons: tuple[Button, ...] = ()
    draft: int = 0
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    stop: Stop | None = None  # what ends letters like this one: told in the foot, a wish to mail programs as well


def post(work: Work, message: AgentMessage, leaves_at: datetime | None = None) -> OutboxRow:
    """Queue a message. Returns its row. One with its own time counts among its reader's notices of that hour."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    contact = unit.people.agent(message.agent) if message.agent.name else unit.people.contact(message.agent.person)
    kind, row_id = MAIL_KINDS[message.template], unit.outbox.next_id()
    reply_to = reply_address(helpdesk, contact, message.scope, message.about, message.verb)
    if not message.agent.name:
        reply_to = helpdesk.address_of("")  # a reader who is no agent may not answer lists: it is mail as any other
    sealed = Sealed("", message.about, message.scope, contact.number, 0)
    own_id = message_id(helpdesk.ring, sealed, row_id, helpdesk.domain)
    context = _context(message, helpdesk, contact, own_id.strip("<>").partition("@")[0])
    context["trace"] = work.trace
    if corrected := message.words.get("corrected_text"):
        context["fix_mailto"] = mailto(reply_to, f"Re: {message.subject[:120]}", corrected)
    unsubscribe = ""
    if message.stop is not None and not message.stop.asks:
        context["stop"] = [{"label": message.stop.label, "typed": "", "to": "", "mailto": ""}]
    elif message.stop is not None and helpdesk.settings.helpdesk.plus_addressing:
        asked_at = reply_address(helpdesk, contact, Scope.QUERY)
        context["stop"] = [asked_words(message.stop, asked_at)]
        unsubscribe = f"<{mailto(asked_at, message.stop.asks, '')}>"
    context[KEY] = _head(message, helpdesk, reply_to, unsubscribe, now).to_row()
    row = OutboxRow(
        id=row_id,
        ticket=None,
        template=message.template,
        to=message.agent.person,
        envelope_from="" if kind.has_null_path(about_ticket=False) else str(reply_to),  # of a lost digest we must know
        subject=message.subject,
        message_id=own_id,
        context=context,
        next_at=leaves_at or now,
        relay=helpdesk.relay_of(""),
        queued_at=now,
        agent=message.agent.name,
        leaves_at=leaves_at,
        counted=kind.counted,
    )
    unit.outbox.add(row)
    maillog.queued(outbox=row_id, ticket=None, template=message.template, to=str(row.to.address), trace=work.trace)
    return row


def reply_address(helpdesk: Helpdesk, contact: Contact, scope: Scope, about: int = 0, verb: str = "") -> Address:
    """Return where an agent's words to us go, by their meaning: sealed, or bare without plus addressing."""
    base = helpdesk.address_of("")
    if not helpdesk.settings.helpdesk.plus_addressing:
        return base
    return seal(helpdesk.ring, base, Sealed("", about, scope, contact.number, 0, verb), contact.epoch)


def ask_words(helpdesk: Helpdesk, contact: Contact) -> dict[str, str]:
    """Return the agent's own address for questions, for the foot of their mails."""
    address = reply_address(helpdesk, contact, Scope.QUERY)
    return {"address": str(address), "mailto": mailto(address, "Question", "")}


def _context(message: AgentMessage, helpdesk: Helpdesk, contact: Contact, marker: str) -> dict[str, Any]:
    return {
        "v": 1,
        "helpdesk": {"name": helpdesk.name, "address": str(helpdesk.address_of(""))},
        "language": helpdesk.settings.helpdesk.language,
        "timezone": helpdesk.clock_of(message.agent),
        "ticket": None,
        "title": message.subject,
        "recipient": person_words(message.agent.person),
        "answer": {"scope": message.scope.value, "to": "", "copies": []},
        "actions": _actions(message, helpdesk, contact),
        "ask": ask_words(helpdesk, contact),
        "reason": message.reason,
        "marker": marker,
        **message.words,
    }


def _actions(message: AgentMessage, helpdesk: Helpdesk, contact: Contact) -> list[dict[str, str]]:
    made = []
    for button in message.buttons[:MOST]:
        verb = button.verb.format(draft=message.draft)
        about = message.about if button.scope is message.scope else 0  # the number of a list is no ticket's
        to = reply_address(helpdesk, contact, button.scope, about, verb)
        link = mailto(to, f"Re: {message.subject[:120]}", button.typed)
        made.append({"label": button.label, "mailto": link, "typed": button.typed})
    return made


def _head(message: AgentMessage, helpdesk: Helpdesk, reply_to: Address, unsubscribe: str, now: datetime) -> MailHead:
    named = dict.fromkeys(each for each in (*message.references, message.in_reply_to) if each)
    return MailHead(
        from_=helpdesk.voice(""),
        reply_to=str(reply_to),
        in_reply_to=message.in_reply_to,
        references=tuple(named),
        automatic=MAIL_KINDS[message.template].auto_submitted(about_ticket=False),
        precedence="list",
        thread_started=now,
        list_unsubscribe=unsubscribe,
        reason=message.template,
        files=message.files,
    )
