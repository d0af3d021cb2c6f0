"""The mail log: one function and one line for each event, with the trace id that follows a mail on its whole way."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_log = structlog.stdlib.get_logger("maild")


def configure(level: str = "info", *, json: bool = False, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (default: standard error), as key=value pairs or as JSON.

    Raises ValueError for an unknown level."""
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
    """Escape control characters in every field.

    Strangers write subjects and addresses, and must not forge log lines."""
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
    """Return the trace id of an incoming mail. It connects the log with `maild explain --inbound`."""
    return f"in-{inbound}"


# -- mail in ------------------------------------------------------------------------------------------------


def received(*, inbound: int, source: str, mailbox: str, size: int, known: bool) -> None:
    """Log that a mail is stored durably; `size` is in bytes. `known`: this delivery had been stored before."""
    _log.info("received", trace=trace_of(inbound), source=source, mailbox=mailbox, size=size, known=known)


def judged(*, inbound: int, outcome: str, ticket: int | None, sender: str, reason: str) -> None:
    """Log the outcome of a mail: opened, replied, noted, commanded, ignored, bounced, duplicate, held, rejected."""
    _log.info(outcome, trace=trace_of(inbound), ticket=ticket, sender=sender, reason=reason)


def reading_failed(*, inbound: int, attempt: int, reason: str) -> None:
    """Log that a mail could not be judged this time and will be tried again."""
    _log.warning("reading-failed", trace=trace_of(inbound), attempt=attempt, reason=reason)


def quarantined(*, inbound: int, attempts: int, reason: str) -> None:
    """Log that a mail is set aside with its raw bytes."""
    fix = f"maild quarantine show {inbound}"
    _log.error("quarantined", trace=trace_of(inbound), attempts=attempts, reason=reason, fix=fix)


def waiting(*, inbound: int, reason: str) -> None:
    """Log that a mail waits for a reason outside of itself. The caller logs it again only when the reason changes."""
    _log.warning("waiting", trace=trace_of(inbound), reason=reason)


def scanner_away(*, reason: str) -> None:
    """Log that the malware scanner stopped answering. Mails with attachments wait or pass unscanned, as configured."""
    _log.error("scanner-away", reason=reason, fix="systemctl status clamav-daemon")


def scanner_back() -> None:
    """Log that the malware scanner answers again."""
    _log.info("scanner-back")


# -- mail out -----------------------------------------------------------------------------------------------


def queued(*, outbox: int, ticket: int | None, template: str, to: str, trace: str) -> None:
    """Log that a mail was put into the outbox."""
    _log.info("queued", outbox=outbox, ticket=ticket, template=template, to=to, trace=trace)


def sent(*, outbox: int, ticket: int | None, to: str, answer: str) -> None:
    """Log that the relay accepted a mail."""
    _log.info("sent", outbox=outbox, ticket=ticket, to=to, answer=answer)


def deferred(*, outbox: int, ticket: int | None, to: str, answer: str, next_at: str) -> None:
    """Log that the relay did not accept a mail this time; it is tried again at `next_at`."""
    _log.warning("deferred", outbox=outbox, ticket=ticket, to=to, answer=answer, next_at=next_at)


def failed(*, outbox: int, ticket: int | None, to: str, answer: str) -> None:
    """Log that a mail will not be tried any more."""
    _log.error("failed", outbox=outbox, ticket=ticket, to=to, answer=answer, fix=f"maild outbox show {outbox}")


def relay_fault(*, relay: str, reason: str) -> None:
    """Log that the relay cannot be used, so every mail waits."""
    _log.error("relay-fault", relay=relay, reason=reason, fix="maild outbox list")


# -- the rest -----------------------------------------------------------------------------------------------


def escalated(*, ticket: int, target: str, step: str, notified: Iterable[str]) -> None:
    """Log that an SLA step fired."""
    _log.warning("escalated", ticket=ticket, target=target, step=step, notified=",".join(notified))


def alarm_handed_on(*, ticket: int, lost: str, to: Iterable[str]) -> None:
    """Log that an escalation mail did not arrive and that others were notified instead."""
    _log.warning("alarm-handed-on", ticket=ticket, lost=lost, to=",".join(to))


def alarm_unheard(*, ticket: int, lost: str) -> None:
    """Log that an escalation reached nobody, and that nobody is left to notify."""
    _log.error("alarm-unheard", ticket=ticket, lost=lost, fix=f"maild ticket show {ticket}")


def clock_stepped(*, seconds: float) -> None:
    """Log that the machine's clock was set. A negative number of seconds means that it was set back."""
    _log.warning("clock-stepped", seconds=round(seconds))


def store_away(*, what: str, reason: str) -> None:
    """Log that the database does not answer. `what` waits and tries again."""
    _log.error("store-away", what=what, reason=reason, fix="maild check")


def started(*, version: str, config: str, sources: str, relays: str) -> None:
    """Log that the daemon is running."""
    _log.info("started", version=version, config=config, sources=sources, relays=relays)


def stopping(*, signal: str) -> None:
    """Log that the daemon begins to stop."""
    _log.info("stopping", signal=signal)


def stopped() -> None:
    """Log that the daemon has stopped."""
    _log.info("stopped")


def reloaded(*, config: str, problems: int) -> None:
    """Log a reload. When the new configuration has problems, the old one stays in force."""
    _log.info("reloaded", config=config, problems=problems)
