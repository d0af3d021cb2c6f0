"""Rows of the table of verbs: changes of the ticket. Within a list, the order is the order in which they act."""

from __future__ import annotations

import re
from typing import Any

from maild.domain.commands import actions as acts
from maild.domain.commands import arguments
from maild.domain.commands import merge_split_link as elsewhere
from maild.domain.commands.instructions import QuietToCustomer
from maild.domain.commands.verb import NEVER, Group, Settles, Verb, Where
from maild.domain.people.directory import Team
from maild.domain.tickets.ticket import Priority, Status
from maild.domain.times.moments import MOMENT

_ADDRESS = re.compile(r"[^<>]{0,100}<?[^\s<>@]+@[^\s<>@]+>?(?: \+history)?")
_NAME = re.compile(r"@?[\w.-]+(?: [\w.-]+)?|[^\s@]+@[^\s@]+")  # more words than two are a sentence
_WORD = re.compile(r"[\w-]+|sev [\w-]+")
_MOMENT = re.compile(MOMENT)
_MOMENT_OR_NONE = re.compile(f"{MOMENT}|none")
_PERHAPS_MOMENT = re.compile(f"(?:{MOMENT})?")
_NUMBER = re.compile(r"\[? ?#?[0-9]{1,9}(?:-\w{4})? ?\]?", re.ASCII)
_QUIET = re.compile("(?:quiet)?")
_SIGNED_TAGS = re.compile(r"[+-][^\s+-]\S*(?:[ ,]+[+-][^\s+-]\S*)*")

OWNING: tuple[Verb[Any], ...] = (
    Verb(
        name="dept",
        group=Group.TRIAGE,
        aliases=("department", "transfer", "queue"),
        usage="NAME",
        summary="Move the ticket to another department; team and assignee stay.",
        examples=("system-administrators", "online banking"),
        settles=Settles.DEPARTMENT,
        read=arguments.department,
        act=acts.to_department,
        bare=_NAME,
    ),
    Verb(
        name="team",
        group=Group.OWNER,
        usage="NAME",
        summary="Hand the ticket to a team; an assignee outside the team gives it up.",
        examples=("online-banking",),
        settles=Settles.TEAM,
        read=arguments.team,
        act=acts.to_team,
        bare=_NAME,
    ),
    Verb(
        name="assign",
        group=Group.OWNER,
        aliases=("give",),
        usage="NAME|TEAM",
        summary="Hand the ticket to an agent (the team stays) or to a team (as !team does).",
        examples=("jane", "Jane Doe", "jane@acme.example", "online banking"),
        settles=Settles.ASSIGNEE,
        read=arguments.agent_or_team,
        act=acts.to_agent_or_team,
        says=lambda whom: {
            settled.value: ("assign", whom)
            for settled in ((Settles.ASSIGNEE, Settles.TEAM) if isinstance(whom, Team) else (Settles.ASSIGNEE,))
        },
        bare=_NAME,
    ),
    Verb(
        name="take",
        group=Group.OWNER,
        aliases=("mine",),
        usage="",
        summary="Make the ticket yours.",
        examples=("",),
        settles=Settles.ASSIGNEE,
        read=arguments.speaker,
        act=acts.to_agent,
    ),
    Verb(
        name="drop",
        group=Group.OWNER,
        aliases=("unassign",),
        usage="",
        summary="Let the ticket go: nobody is its assignee, the team stays.",
        examples=("",),
        settles=Settles.ASSIGNEE,
        read=arguments.nothing,
        act=acts.to_nobody,
    ),
)

PEOPLE: tuple[Verb[Any], ...] = (
    Verb(
        name="for",
        group=Group.PEOPLE,
        usage="ADDRESS",
        summary="In a fresh mail to the helpdesk: open a ticket for this person; your text is not sent to them.",
        examples=("bob@client.example",),
        settles=Settles.REQUESTER,
        read=arguments.outsider,
        act=acts.nothing,
        where=Where.IN_A_FRESH_MAIL,
        bare=_ADDRESS,
    ),
    Verb(
        name="to",
        group=Group.PEOPLE,
        usage="ADDRESS",
        summary="In a fresh mail to the helpdesk: open a ticket for this person and send them your text.",
        examples=("bob@client.example", "Bob Miller <bob@client.example>"),
        settles=Settles.REQUESTER,
        read=arguments.outsider,
        act=acts.nothing,
        where=Where.IN_A_FRESH_MAIL,
        bare=_ADDRESS,
    ),
    Verb(
        name="requester",
        group=Group.PEOPLE,
        aliases=("from",),
        usage="ADDRESS",
        summary="Say whom the ticket is for; answers go to them. You are asked first, unless the ticket was yours.",
        examples=("bob@client.example",),
        settles=Settles.REQUESTER,
        read=arguments.outsider,
        act=acts.for_requester,
        warns=acts.requester_warning,
        bare=_ADDRESS,
    ),
    Verb(
        name="cc",
        group=Group.PEOPLE,
        usage="ADDRESS [+history]",
        summary="Let somebody take part: they see what comes after, with +history also what came before.",
        examples=("eve@client.example", "Eve <eve@client.example>", "eve@client.example +history"),
        settles=Settles.NOTHING,
        says=lambda invited: {f"whether {invited.person.address} takes part": ("cc", invited.history)},
        read=arguments.invitation,
        act=acts.invite,
        warns=lambda ticket, invited, context: (
            acts.history_warning(ticket, invited, context) if invited.history else ""
        ),
        bare=_ADDRESS,
    ),
    Verb(
        name="uncc",
        group=Group.PEOPLE,
        usage="ADDRESS",
        summary="Let somebody take part no more.",
        examples=("eve@client.example",),
        settles=Settles.NOTHING,
        says=lambda person: {f"whether {person.address} takes part": "uncc"},
        read=arguments.participant,
        act=acts.let_go,
        brings=acts.stranger_receipt,
        bare=_ADDRESS,
    ),
)

SETTING: tuple[Verb[Any], ...] = (
    Verb(
        name="tag",
        group=Group.TRIAGE,
        usage="+A -B",
        summary="Put tags on and take tags off; a word without a sign is put on.",
        examples=("+urgent -printer", "vip"),
        settles=Settles.NOTHING,
        says=lambda tagging: (
            {f"the tag {name}": True for name in tagging.added} | {f"the tag {name}": False for name in tagging.removed}
        ),
        read=arguments.tags,
        act=acts.tag,
        bare=_SIGNED_TAGS,
    ),
    Verb(
        name="title",
        group=Group.TRIAGE,
        aliases=("retitle",),
        usage="TEXT",
        summary="Give the ticket another title in lists; the subject of its mails stays.",
        examples=("The fuser of the printer is broken",),
        settles=Settles.TITLE,
        read=arguments.title,
        act=acts.retitle,
        verbatim=True,
        bare=NEVER,
    ),
    Verb(
        name="priority",
        group=Group.TRIAGE,
        aliases=("pri",),
        usage="|".join(Priority),
        summary="Set the priority.",
        examples=tuple(Priority),
        settles=Settles.PRIORITY,
        read=arguments.priority,
        act=acts.at_priority,
        bare=_WORD,
    ),
    Verb(
        name="sla",
        group=Group.TRIAGE,
        aliases=("severity", "sev"),
        usage="PLAN",
        summary="Put the ticket under an SLA plan, which no later priority or department changes.",
        examples=("sev-a", "a", "Sev A"),
        settles=Settles.PLAN,
        read=arguments.plan,
        act=acts.under_plan,
        bare=_WORD,
    ),
    Verb(
        name="reopen",
        group=Group.STATE,
        aliases=("open",),
        usage="",
        summary="Open the ticket again.",
        examples=("",),
        settles=Settles.STATUS,
        read=arguments.nothing,
        act=acts.becomes(Status.OPEN, unless=frozenset({Status.OPEN})),
    ),
    Verb(
        name="due",
        group=Group.TRIAGE,
        usage="WHEN|none",
        summary="Say when the ticket must be resolved, whatever its SLA plan says; none gives that back to the plan.",
        examples=("fri 15:00", "+2bh", "none"),
        settles=Settles.DUE,
        read=arguments.moment_or_never,
        act=acts.due,
        brings=acts.due_receipt,
        bare=_MOMENT_OR_NONE,
    ),
    Verb(
        name="snooze",
        group=Group.STATE,
        usage="WHEN|none",
        summary="Keep the ticket out of lists and digests until WHEN; its SLA runs on.",
        examples=("1d", "mon", "none"),
        settles=Settles.SNOOZE,
        read=arguments.moment_or_never,
        act=acts.snooze,
        brings=acts.receipt_until("snoozed until"),
        bare=_MOMENT_OR_NONE,
    ),
    Verb(
        name="link",
        group=Group.SHAPE,
        usage="NUMBER",
        summary="Link the ticket with another one.",
        examples=("17", "#17", "[#17-7k2m]"),
        settles=Settles.NOTHING,
        read=elsewhere.linkable,
        act=elsewhere.link,
        brings=elsewhere.linked_there,
        where=Where.ON_A_TICKET,
        bare=_NUMBER,
    ),
    Verb(
        name="split",
        group=Group.SHAPE,
        usage="[TITLE]",
        summary="Open a linked ticket for the same requester; it begins with a copy of their last message.",
        examples=("", "The second printer"),
        settles=Settles.NOTHING,
        read=elsewhere.part,
        act=elsewhere.split,
        brings=elsewhere.opened_there,
        where=Where.ON_A_TICKET,
        verbatim=True,
    ),
)

ENDING: tuple[Verb[Any], ...] = (
    Verb(
        name="wait",
        group=Group.STATE,
        aliases=("pending",),
        usage="[WHEN]",
        summary="Wait for the customer, at the longest until WHEN.",
        examples=("", "2h", "fri 15:00"),
        settles=Settles.STATUS,
        read=arguments.moment_or_none,
        act=acts.wait,
        brings=acts.receipt_until("waiting until"),
        bare=_PERHAPS_MOMENT,
    ),
    Verb(
        name="resolve",
        group=Group.STATE,
        aliases=("solved", "done"),
        usage="[quiet]",
        summary="The issue is solved: the ticket closes by itself some days later; quiet tells the customer nothing.",
        examples=("", "quiet"),
        settles=Settles.STATUS,
        read=arguments.quietly,
        act=acts.becomes(Status.RESOLVED, unless=frozenset({Status.RESOLVED, Status.CLOSED})),
        brings=lambda _ticket, quiet, _context: (QuietToCustomer(),) if quiet else (),
        bare=_QUIET,
    ),
    Verb(
        name="close",
        group=Group.STATE,
        usage="[quiet]",
        summary="Close the ticket now; quiet tells the customer nothing.",
        examples=("", "quiet"),
        settles=Settles.STATUS,
        read=arguments.quietly,
        act=acts.becomes(Status.CLOSED, unless=frozenset({Status.CLOSED})),
        brings=lambda _ticket, quiet, _context: (QuietToCustomer(),) if quiet else (),
        bare=_QUIET,
    ),
    Verb(
        name="spam",
        group=Group.STATE,
        usage="",
        summary="It is spam: out of all lists, and its sender gets no automatic answer any more. You are asked first.",
        examples=("",),
        settles=Settles.STATUS,
        read=arguments.nothing,
        act=acts.spam,
        brings=acts.always(QuietToCustomer()),
        warns=acts.spam_warning,
    ),
    Verb(
        name="merge",
        group=Group.SHAPE,
        usage="NUMBER",
        summary="End this ticket in another one, where its people and its later mail go. You are asked first.",
        examples=("17", "#17"),
        settles=Settles.STATUS,
        read=elsewhere.merge_target,
        act=elsewhere.merge,
        brings=elsewhere.absorbed_there,
        where=Where.ON_A_TICKET,
        warns=elsewhere.merge_warning,
        bare=_NUMBER,
    ),
)
