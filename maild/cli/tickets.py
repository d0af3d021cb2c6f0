"""maild ticket and maild search: lists, one ticket, and the commands of mails on the command line."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click

from maild.cli.session import Session, at_option, json_option, print_json, print_table
from maild.domain.commands.parsing import CommandProblem
from maild.domain.people.directory import Directory, Role
from maild.domain.tickets.event_records import from_detail
from maild.domain.tickets.event_words import thread_line
from maild.domain.tickets.events import Actor
from maild.services.admin_command import command_ticket
from maild.services.queries.documents import (
    STATUS_LISTS,
    asked_list,
    event_document,
    raw_of_entry,
    searched,
    ticket_list,
    ticket_show,
)


@click.group()
def ticket() -> None:
    """Show and change tickets."""


@ticket.command("list")
@click.argument("query", nargs=-1)
@click.option(
    "--status",
    type=click.Choice(list(STATUS_LISTS)),
    help="Only tickets with this status. Default without QUERY: open.",
)
@click.option("--assignee", metavar="AGENT", help="Only tickets of this agent.")
@click.option("--department", metavar="NAME", help="Only tickets of this department.")
@at_option
@json_option
@click.pass_obj
def list_tickets(
    session: Session,
    query: tuple[str, ...],
    status: str | None,
    assignee: str | None,
    department: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """List tickets by status or by QUERY.

    QUERY is written as in lists by mail: overdue dept=support; closed 30d; from:acme.example"""
    now = session.clock(at).now()
    if query:
        named = {"status": status, "owner": assignee, "dept": department}
        words = (*query, *(f"{key}={value}" for key, value in named.items() if value))
        found = _understood(asked_list(session.store, session.helpdesk, words, now))
    else:
        status = status or "open"
        found = ticket_list(
            session.store, session.helpdesk, now, status=status, assignee=assignee, department=department
        )
    if as_json:
        print_json(found)
        return
    print_tickets(found)


def _understood(found: list[dict[str, Any]] | CommandProblem) -> list[dict[str, Any]]:
    """Return the answer to a query. Raises UsageError for a query that is not understood."""
    if isinstance(found, CommandProblem):
        meant = f"; did you mean: {found.suggestion}" if found.suggestion else ""
        raise click.UsageError(f"{found.message}{meant}")
    return found


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Show at most this many.")
@at_option
@json_option
@click.pass_obj
def search(session: Session, query: tuple[str, ...], limit: int, at: str | None, as_json: bool) -> None:
    """Search subjects, threads and people, best match first.

    Example: maild search "paper jam" dept=support"""
    found = _understood(searched(session.store, session.helpdesk, query, session.clock(at).now(), limit))
    if as_json:
        print_json(found)
        return
    keys = ("number", "status", "subject", "line")
    lines = [tuple(str(row[key]) for key in keys) for row in found]
    print_table(("number", "status", "subject", "found in"), lines)


def print_tickets(found: list[dict[str, Any]]) -> None:
    """Print a list of tickets for people."""
    head = ("number", "status", "priority", "plan", "department", "assignee", "due", "subject")
    keys = ("number", "status", "priority", "sla_plan", "department", "assignee", "due_at", "subject")
    lines = []
    for row in found:
        cells = [str(row[key]) if row[key] is not None else "-" for key in keys]
        cells[6] += " !" if row["overdue"] else ""
        lines.append(tuple(cells))
    print_table(head, lines)


@ticket.command()
@click.argument("number", type=int)
@at_option
@json_option
@click.pass_obj
def show(session: Session, number: int, at: str | None, as_json: bool) -> None:
    """Show a ticket with its thread and events."""
    found = ticket_show(session.store, session.helpdesk, number, session.clock(at).now())
    if found is None:
        _no_ticket(number)
    if as_json:
        print_json(found)
        return
    _print_ticket(found, session.settings.directory, session.helpdesk.zone)


def _print_ticket(found: dict[str, Any], directory: Directory, zone: ZoneInfo) -> None:
    requester = found["requester"]
    click.echo(f"#{found['number']} {found['subject']}")
    click.echo(
        f"{found['status']} · {found['priority']} · {found['sla_plan']} · {found['department']}"
        f" · {found['assignee'] or found['team'] or 'unassigned'}"
    )
    click.echo(f"requester {requester['name']} <{requester['address']}>, opened {found['created_at']}")
    for target in found["sla"]:
        state = f"met {target['met_at']}" if target["met_at"] else f"due {target['due_at'] or 'paused or not needed'}"
        click.echo(f"  {target['target']}: {state}{', breached' if target['breached_at'] else ''}")
    for step in found["escalations"]:
        notified = ", ".join(f"{each['agent'] or each['address']} ({each['outcome']})" for each in step["told"])
        click.echo(f"  alarm {step['at']} {step['target']} {step['step']}: notified {notified or 'nobody'}")
    for entry in found["entries"]:
        author = entry["author"]
        click.echo(f"\n[{entry['id']}] {entry['kind']} by {author['name'] or author['address']}, {entry['at']}")
        click.echo("\n".join(f"    {line}" for line in entry["text"].splitlines()))
        for file in entry["attachments"]:
            click.echo(f"    + {file['name']} ({file['content_type']}, {file['size']} bytes)")
    click.echo("")
    for event in found["events"]:
        click.echo(f"  {_event_line(event, directory, zone)}")


def _event_line(event: dict[str, Any], directory: Directory, zone: ZoneInfo) -> str:
    """Return an event of the JSON document in words, in the helpdesk's time zone."""
    at, by = datetime.fromisoformat(event["at"]), Actor(Role.SYSTEM, event["by"])
    return thread_line(from_detail(event["kind"], event["detail"], at=at, by=by, entry=None), directory, zone)


@ticket.command()
@click.argument("number", type=int)
@click.argument("entry", type=int)
@click.pass_obj
def raw(session: Session, number: int, entry: int) -> None:
    """Print the original mail of an entry."""
    found = raw_of_entry(session.store, number, entry)
    if found is None:
        click.echo(
            f"entry {entry} of ticket {number} has no mail; see the entries with: maild ticket show {number}", err=True
        )
        sys.exit(1)
    sys.stdout.buffer.write(found)


@ticket.command(context_settings={"ignore_unknown_options": True})
@at_option
@json_option
@click.argument("number", type=int)
@click.argument("words", nargs=-1, required=True, metavar="VERB [ARGS]...")
@click.pass_obj
def do(session: Session, at: str | None, as_json: bool, number: int, words: tuple[str, ...]) -> None:
    """Run a mail command on a ticket, as the admin.

    Example: maild ticket do 12 assign jane"""
    answer = command_ticket(session.store, session.helpdesk, number, words, session.clock(at).now())
    if answer is None:
        _no_ticket(number)
    if as_json:
        problems = [{"line": p[0], "message": p[1], "suggestion": p[2]} for p in answer.problems]
        print_json({"events": [event_document(event) for event in answer.events], "problems": problems})
    else:
        for line, message, suggestion in answer.problems:
            meant = f"; did you mean {suggestion} ?" if suggestion else ""
            click.echo(f"{line}: {message}{meant}", err=True)
        click.echo(answer.help or f"ticket {number}: {answer.reason}", err=bool(answer.problems))
    sys.exit(1 if answer.problems else 0)


def _no_ticket(number: int) -> NoReturn:
    click.echo(f"there is no ticket {number}; list them with: maild ticket list --status all", err=True)
    sys.exit(1)
