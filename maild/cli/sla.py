"""maild sla: how deadlines were computed, and how the present configuration would change them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import click

from maild.cli.session import Session, at_option, json_option, print_json
from maild.domain.tickets.event_words import deadline_words
from maild.services.escalation.recompute import Recomputed, differences
from maild.services.escalation.recompute import recompute as recomputed
from maild.services.queries.documents import moment
from maild.services.queries.due_explained import derived_document, derived_lines
from maild.services.queries.escalation_ledger import escalations_of, lines_of
from maild.services.work import Work


@click.group()
def sla() -> None:
    """Show how deadlines are computed, and compute them again."""


@sla.command()
@click.argument("number", type=int)
@at_option
@json_option
@click.pass_obj
def explain(session: Session, number: int, at: str | None, as_json: bool) -> None:
    """Show line by line how each deadline of a ticket was computed.

    With --at, as of that time."""
    now = session.clock(at).now()
    with session.store(reading=True) as unit:
        work = Work(unit, session.helpdesk, now)
        document = derived_document(work, number)
        lines = derived_lines(work, number)
        escalation_lines = lines_of(work, number)
        escalations = escalations_of(unit, number, now)
    if document is None or lines is None:
        missing = f"there was no ticket {number} at that time" if at else f"there is no ticket {number}"
        click.echo(f"{missing}; list them with: maild ticket list --status all", err=True)
        sys.exit(1)
    if as_json:
        print_json(document | {"escalations": escalations})
        return
    click.echo("\n".join((*lines, *escalation_lines)))


@sla.command()
@click.option("--dry-run", is_flag=True, help="Only show the differences.")
@at_option
@json_option
@click.pass_obj
def recompute(session: Session, dry_run: bool, at: str | None, as_json: bool) -> None:
    """Compute the deadlines of open tickets again.

    The present configuration is used. The daemon does the same at a start or reload. Use --dry-run to see the
    differences first."""
    now = session.clock(at).now()
    found = (differences if dry_run else recomputed)(session.store, session.helpdesk, now)
    if as_json:
        print_json({"dry_run": dry_run, **_document(found)})
        return
    _print(found, session.helpdesk.zone, dry_run)


def _document(found: Iterable[Recomputed]) -> dict[str, Any]:
    differing, same = [], 0
    for each in found:
        if each.differs:
            differing.append(_differences(each))
        else:
            same += 1
    return {"tickets": differing, "unchanged": same}


def _differences(found: Recomputed) -> dict[str, Any]:
    return {
        "ticket": found.ticket.number,
        "subject": found.ticket.subject,
        "plan": {"before": found.ticket.sla_plan, "after": found.plan},
        "differences": [
            {
                "target": move.target,
                "before": moment(move.previous),
                "after": moment(move.due_at),
                "newly_overdue": move.target in found.newly_overdue,
            }
            for move in found.moves
        ],
    }


def _print(found: Iterable[Recomputed], zone: ZoneInfo, dry_run: bool) -> None:
    differing = same = 0
    for each in found:
        if not each.differs:
            same += 1
            continue
        differing += 1
        subject = "".join(letter if letter.isprintable() else " " for letter in each.ticket.subject)[:60]
        click.echo(f"ticket {each.ticket.number}: {subject}")
        if each.plan != each.ticket.sla_plan:
            click.echo(f"  plan {each.ticket.sla_plan} -> {each.plan}")
        for move in each.moves:
            late = ", now overdue" if move.target in each.newly_overdue else ""
            click.echo(f"  {deadline_words(move, zone, with_reason=False)}{late}")
    if not differing and not same:
        click.echo("all open tickets already have the deadlines of the present configuration")
        return
    what = "would change" if dry_run else "changed"
    click.echo(f"{differing} {what}, {same} unchanged")
    if dry_run and differing:
        click.echo("nothing was changed; maild sla recompute changes them, and so does the next start or reload")
