"""maild tick: the due work, once."""

from __future__ import annotations

import click

from maild.cli.session import Session, at_option, json_option, print_json
from maild.services.escalate import escalate_due, reckon_stale
from maild.services.housekeeping import keep_house


@click.command()
@at_option
@json_option
@click.pass_obj
def tick(session: Session, at: str | None, as_json: bool) -> None:
    """Fire SLA steps and timers that are due."""
    now = session.clock(at).now()
    reckon_stale(session.store, session.helpdesk, now)
    fired = escalate_due(session.store, session.helpdesk, now)
    changed = keep_house(session.store, session.helpdesk, now)
    if as_json:
        steps = [{"ticket": f.ticket, "target": f.target, "step": f.step, "notified": list(f.notified)} for f in fired]
        print_json({"steps": steps, "timers": changed, "digests": 0})
        return
    for step in fired:
        click.echo(f"ticket {step.ticket}: {step.target} {step.step}, told {', '.join(step.notified) or 'nobody'}")
    click.echo(f"{len(fired)} steps, {changed} timers")
