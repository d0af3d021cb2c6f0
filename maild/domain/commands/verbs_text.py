"""Rows of the table of verbs: what becomes of the text, what an agent hears, and questions."""

from __future__ import annotations

import re
from typing import Any

from maild.domain.commands import actions as acts
from maild.domain.commands import arguments
from maild.domain.commands import merge_split_link as elsewhere
from maild.domain.commands.instructions import AppendText, MeantForCustomer, OnlyCheck, SendNow, WordOnHeldReply
from maild.domain.commands.verb import NEVER, Group, Settles, TextGoes, Verb, Where
from maild.domain.times.moments import MOMENT

_CANNED = re.compile(r"[\w-]+(?: \w+=(?:\"[^\"]*\"|'[^']*'|\S*))*")
_SENDING = re.compile(f"{MOMENT}|anyway|text|note|nothing")

TEXT: tuple[Verb[Any], ...] = (
    Verb(
        name="note",
        group=Group.TEXT,
        aliases=("internal",),
        usage="[TEXT]",
        summary="Your text stays inside: the customer never sees it.",
        examples=("", "the disk was full"),
        settles=Settles.AUDIENCE,
        read=arguments.any_text,
        act=acts.nothing,
        text=TextGoes.NOTE,
    ),
    Verb(
        name="reply",
        group=Group.TEXT,
        aliases=("public",),
        usage="[TEXT]",
        summary="Your text goes to the customer, also when you answer a note.",
        examples=("", "it works again"),
        settles=Settles.AUDIENCE,
        read=arguments.any_text,
        act=acts.nothing,
        text=TextGoes.REPLY,
        bare=NEVER,  # what widens is always marked
    ),
    Verb(
        name="draft",
        group=Group.TEXT,
        usage="[TEXT]",
        summary="Your text stays inside for now: it is meant for the customer, and a colleague may send it.",
        examples=("", "We have ordered a new one."),
        settles=Settles.AUDIENCE,
        read=arguments.any_text,
        act=acts.nothing,
        brings=acts.always(MeantForCustomer()),
        text=TextGoes.NOTE,
    ),
    Verb(
        name="tpl",
        group=Group.TEXT,
        usage="NAME [K=V ...]",
        summary="Add a canned text below your own; !check shows what becomes of it.",
        examples=("reboot", 'reboot host=web1 when="this evening"'),
        settles=Settles.NOTHING,
        read=arguments.canned,
        act=acts.nothing,
        brings=lambda _ticket, text, _context: (AppendText(text),),
        bare=_CANNED,
    ),
    Verb(
        name="send",
        group=Group.TEXT,
        aliases=("later",),
        usage="WHEN|anyway|text|note|nothing",
        summary="Send your text at a later time; or say what becomes of one that is held: send it anyway, the text "
        "without its commands, keep it as a note, or drop it.",
        examples=("tomorrow 9:00", "anyway", "text", "note", "nothing"),
        settles=Settles.LEAVING,
        says=lambda reading: {(Settles.HELD if isinstance(reading, str) else Settles.LEAVING).value: reading},
        read=arguments.moment_or_word,
        act=acts.nothing,
        brings=acts.sending,
        bare=_SENDING,
    ),
    Verb(
        name="now",
        group=Group.TEXT,
        usage="",
        summary="Send your text at once, without the wait in which it could be stopped.",
        examples=("",),
        settles=Settles.LEAVING,
        read=arguments.nothing,
        act=acts.nothing,
        brings=acts.always(SendNow()),
    ),
    Verb(
        name="yes",
        group=Group.TEXT,
        usage="",
        summary="When you were asked: do it.",
        examples=("",),
        settles=Settles.HELD,
        read=arguments.nothing,
        act=acts.nothing,
        brings=acts.always(WordOnHeldReply("yes")),
    ),
    Verb(
        name="no",
        group=Group.TEXT,
        usage="",
        summary="When you were asked: drop it.",
        examples=("",),
        settles=Settles.HELD,
        read=arguments.nothing,
        act=acts.nothing,
        brings=acts.always(WordOnHeldReply("no")),
    ),
)

ATTENTION: tuple[Verb[Any], ...] = (
    Verb(
        name="watch",
        aliases=("follow",),
        usage="",
        summary="Hear of everything that happens to the ticket.",
        examples=("",),
        settles=Settles.ATTENTION,
        read=arguments.speaker,
        act=acts.follows("watch"),
    ),
    Verb(
        name="mute",
        usage="",
        summary="Hear of nothing but what concerns you alone.",
        examples=("",),
        settles=Settles.ATTENTION,
        read=arguments.speaker,
        act=acts.follows("mute"),
    ),
    Verb(
        name="ack",
        aliases=("acknowledge",),
        usage="",
        summary="Say that you know of the alarm: repeats of it stop for you. Any other answer to it says so, too.",
        examples=("",),
        settles=Settles.NOTHING,
        read=arguments.speaker,
        act=acts.acknowledge,
        where=Where.ON_A_TICKET,
    ),
    Verb(
        name="unmute",
        aliases=("unwatch",),
        usage="",
        summary="Hear of the ticket as usual.",
        examples=("",),
        settles=Settles.ATTENTION,
        read=arguments.speaker,
        act=acts.follows(""),
    ),
)

UNDOING: tuple[Verb[Any], ...] = (
    Verb(
        name="undo",
        usage="",
        summary="Take back your last act on this ticket, and an answer that has not left yet.",
        examples=("",),
        settles=Settles.NOTHING,
        read=elsewhere.last_act,
        act=elsewhere.undo,
        brings=elsewhere.undone_elsewhere,
        where=Where.ON_A_TICKET,
    ),
)

ASKING: tuple[Verb[Any], ...] = (
    Verb(
        name="check",
        aliases=("dryrun",),
        usage="",
        summary="Do nothing, and tell what all this would do and what the customer would get.",
        examples=("",),
        settles=Settles.NOTHING,
        read=arguments.nothing,
        act=acts.nothing,
        brings=acts.always(OnlyCheck()),
    ),
    Verb(
        name="why",
        usage="due",
        summary="Explain step by step when the ticket is due.",
        examples=("due",),
        settles=Settles.NOTHING,
        read=arguments.deadlines,
        act=acts.nothing,
        answer=lambda lines: lines,
        where=Where.ON_A_TICKET,
        bare=re.compile(r"due\??"),
    ),
)
