"""maild tick: do the due work once."""

from __future__ import annotations

import click

from maild.cli.session import Session, at_option, json_option, print_json
from maild.services import tick as services
from maild.services.escalation.recompute import recompute_changed


@click.command()
@at_option
@json_option
@click.pass_obj
def tick(session: Session, at: str | None, as_json: bool) -> None:
    """Do the work that is due, once. That is: SLA steps, timers, reminders of held replies, digests."""
    now = session.clock(at).now()
    recompute_changed(session.store, session.helpdesk, now)
    done = services.tick(session.store, session.helpdesk, now)
    if as_json:
        steps = [
            {"ticket": f.ticket, "target": f.target, "step": f.step, "notified": list(f.notified)} for f in done.fired
        ]
        print_json({"steps": steps, "timers": done.timers, "reminders": done.reminders, "digests": done.digests})
        return
    for step in done.fired:
        click.echo(f"ticket {step.ticket}: {step.target} {step.step}, notified {', '.join(step.notified) or 'nobody'}")
    click.echo(f"{len(done.fired)} steps, {done.timers} timers, {done.reminders} reminders, {done.digests} digests")
