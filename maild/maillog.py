"""The mail log: one function per fact, one line each, with the trace id that leads through a mail's whole way."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_log = structlog.stdlib.get_logger("maild")


def configure(level: str = "info", *, json: bool = False, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (stderr), as key=value or as JSON. ValueError for an unknown level."""
    if level not in _LEVELS:
        raise ValueError(f"log level {level!r}: choose one of {', '.join(_LEVELS)}")
    renderer: Any = structlog.processors.JSONRenderer() if json else _logfmt
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    processors = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _one_line, renderer]
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    for noisy in ("apscheduler", "imapclient", "mail.log", "asyncio", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, _LEVELS[level]))


def _one_line(logger: Any, name: str, fields: Any) -> Any:
    """Strangers write subjects and addresses: nothing of theirs may move the cursor or begin a line."""
    return {key: _harmless(value) for key, value in fields.items()}


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return value


_HEAD = ("timestamp", "level", "event")


def _logfmt(logger: Any, name: str, fields: Any) -> str:
    rest = " ".join(f"{key}={_quoted(value)}" for key, value in fields.items() if key not in _HEAD)
    return f"{fields.get('timestamp', '')} {fields.get('level', '')} {fields.get('event', '')} {rest}".rstrip()


def _quoted(value: Any) -> str:
    text = str(value)
    return text if text and all(c not in text for c in ' "=') else '"' + text.replace('"', "'") + '"'


def trace_of(inbound: int) -> str:
    """The trace id of a mail in: it leads from the log to `maild explain --inbound`."""
    return f"in-{inbound}"


# -- mail in ------------------------------------------------------------------------------------------------


def received(*, inbound: int, source: str, mailbox: str, size: int, known: bool) -> None:
    """A mail is durably ours; `size` in bytes."""
    _log.info("received", trace=trace_of(inbound), source=source, mailbox=mailbox, size=size, known=known)


def judged(*, inbound: int, outcome: str, ticket: int | None, sender: str, reason: str) -> None:
    """A mail was judged: opened, replied, noted, commanded, ignored, bounced, duplicate, held, rejected."""
    _log.info(outcome, trace=trace_of(inbound), ticket=ticket, sender=sender, reason=reason)


def reading_failed(*, inbound: int, attempt: int, reason: str) -> None:
    """A mail could not be judged this time; it is tried again."""
    _log.warning("reading-failed", trace=trace_of(inbound), attempt=attempt, reason=reason)


def quarantined(*, inbound: int, attempts: int, reason: str) -> None:
    """A mail was set aside with its raw bytes."""
    mend = f"maild quarantine show {inbound}"
    _log.error("quarantined", trace=trace_of(inbound), attempts=attempts, reason=reason, mend=mend)


def waiting(*, inbound: int, reason: str) -> None:
    """A mail waits for something that is no fault of its own; told again only when the reason is another one."""
    _log.warning("waiting", trace=trace_of(inbound), reason=reason)


def scanner_away(*, reason: str) -> None:
    """The scanner stopped answering; mails with attachments wait or go on unscanned, as configured."""
    _log.error("scanner-away", reason=reason, mend="systemctl status clamav-daemon")


def scanner_back() -> None:
    """The scanner answers again."""
    _log.info("scanner-back")


# -- mail out -----------------------------------------------------------------------------------------------


def queued(*, outbox: int, ticket: int | None, template: str, to: str, trace: str) -> None:
    """A mail waits in the outbox."""
    _log.info("queued", outbox=outbox, ticket=ticket, template=template, to=to, trace=trace)


def sent(*, outbox: int, ticket: int | None, to: str, answer: str) -> None:
    """The relay took a mail."""
    _log.info("sent", outbox=outbox, ticket=ticket, to=to, answer=answer)


def deferred(*, outbox: int, ticket: int | None, to: str, answer: str, next_at: str) -> None:
    """The relay did not take a mail this time."""
    _log.warning("deferred", outbox=outbox, ticket=ticket, to=to, answer=answer, next_at=next_at)


def failed(*, outbox: int, ticket: int | None, to: str, answer: str) -> None:
    """A mail will never be taken."""
    _log.error("failed", outbox=outbox, ticket=ticket, to=to, answer=answer, mend=f"maild outbox show {outbox}")


def relay_fault(*, relay: str, reason: str) -> None:
    """The relay could not be used; every mail waits."""
    _log.error("relay-fault", relay=relay, reason=reason, mend="maild outbox list")


# -- the rest -----------------------------------------------------------------------------------------------


def escalated(*, ticket: int, target: str, step: str, notified: Iterable[str]) -> None:
    """An SLA step fired."""
    _log.warning("escalated", ticket=ticket, target=target, step=step, notified=",".join(notified))


def alarm_handed_on(*, ticket: int, lost: str, to: Iterable[str]) -> None:
    """An escalation mail did not arrive; others were told at once."""
    _log.warning("alarm-handed-on", ticket=ticket, lost=lost, to=",".join(to))


def alarm_unheard(*, ticket: int, lost: str) -> None:
    """An escalation reached nobody, and nobody is left to be told."""
    _log.error("alarm-unheard", ticket=ticket, lost=lost, mend=f"maild ticket show {ticket}")


def clock_stepped(*, seconds: float) -> None:
    """The machine's clock was set: forward, or back by a negative number of seconds. Timers count from there anew."""
    _log.warning("clock-stepped", seconds=round(seconds))


def store_away(*, what: str, reason: str) -> None:
    """The database did not answer; `what` waits and tries again."""
    _log.error("store-away", what=what, reason=reason, mend="maild check")


def started(*, version: str, config: str, sources: str, relays: str) -> None:
    """The daemon is up."""
    _log.info("started", version=version, config=config, sources=sources, relays=relays)


def stopping(*, signal: str) -> None:
    """The daemon drains."""
    _log.info("stopping", signal=signal)


def stopped() -> None:
    """The daemon has drained."""
    _log.info("stopped")


def reloaded(*, config: str, problems: int) -> None:
    """A reload was asked for; with problems the old configuration stays."""
    _log.info("reloaded", config=config, problems=problems)
