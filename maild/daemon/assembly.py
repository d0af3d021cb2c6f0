"""Parts from settings: each function builds one thing. What is connected to what stands in the daemon."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from maild.config import SecretError, Settings
from maild.config.settings import MailboxSettings, RelaySettings
from maild.domain.intake.rules import refused_at_the_door
from maild.domain.messages.reply_tokens import KeyRing
from maild.domain.people.directory import Address, Directory
from maild.mail.reading.limits import Limits
from maild.mail.templates.render import Renderer
from maild.mail.worker.pool import WorkerPool
from maild.ports import Clock, MailTransport, Scanner
from maild.scanners import ClamdPlace, ClamdScanner
from maild.services.helpdesk import junk_name
from maild.sources.imap import ImapSource
from maild.sources.imap_options import After, MailboxOptions, Start, Tls
from maild.sources.listener_options import ListenerOptions
from maild.sources.smtp import SmtpSource
from maild.store.mailboxes import SqlMailboxLedger
from maild.store.unit_of_work import Store
from maild.transports.maildir import MaildirTransport
from maild.transports.smtp import RelayOptions, SmtpTransport

_KEY_FILE = "token-key"
_POSTMASTER = "postmaster"


def node_name(settings: Settings) -> str:
    """What tells this node from others on the same database; the same after a restart."""
    return f"{socket.gethostname()}:{settings.state_folder}"


def open_store(settings: Settings, node: str) -> Store:
    """The database, its tables at this program's version. TemporaryFailure when it is away."""
    store = Store(settings.store_url, node)
    store.migrate()
    return store


def key_ring(settings: Settings) -> KeyRing:
    """The token keys: as configured, else from the state folder, where they are made at the first start."""
    if settings.helpdesk.token_key is not None:
        return KeyRing.of_text(settings.helpdesk.token_key.reveal())
    path = settings.state_folder / _KEY_FILE
    if not path.exists():
        _make_key(path)
    return KeyRing.of_text(path.read_text())


def _make_key(path: Path) -> None:
    """A new key, readable by its owner alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"a:{secrets.token_hex(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)  # fails when another process made one meanwhile: then that one counts
    except FileExistsError:
        pass
    finally:
        new.unlink()


def worker_pool(settings: Settings) -> WorkerPool:
    """The processes that read mails."""
    return WorkerPool(workers=max(1, min(4, os.cpu_count() or 1)), limits=limits(settings))


def limits(settings: Settings) -> Limits:
    chosen = settings.limits
    return Limits(
        max_bytes=chosen.message,
        header_bytes=chosen.header,
        header_fields=chosen.header_fields,
        received=chosen.received,
        parts=chosen.parts,
        depth=chosen.depth,
        attachments=settings.attachments.max_count,
        attachment_bytes=settings.attachments.max_size,
    )


def scanner(settings: Settings) -> Scanner | None:
    """Who looks for malware in mails with attachments; None when nobody shall."""
    place = settings.attachments.clamd
    return ClamdScanner(ClamdPlace(place.host, place.port, place.path)) if place is not None else None


def renderer(settings: Settings) -> Renderer:
    return Renderer(settings.templates.folder)


# -- sources ----------------------------------------------------------------------------------------------------


def mailbox_source(box: MailboxSettings, settings: Settings, ledger: SqlMailboxLedger, clock: Clock) -> ImapSource:
    return ImapSource(mailbox_options(box, settings), ledger, clock)


def mailbox_options(box: MailboxSettings, settings: Settings) -> MailboxOptions:
    """How the mailbox's own folder is watched. SecretError for a way to sign in that this version does not have."""
    if box.password is None:
        raise SecretError(
            f"mailbox {box.name} has no password, and signing in by OAuth2 is not there yet", "set password"
        )
    return MailboxOptions(
        name=box.name,
        host=box.host,
        port=box.port,
        user=box.user,
        password=box.password.reveal,
        tls=Tls(box.tls),
        folder=box.folder,
        start=box.start if isinstance(box.start, datetime) else Start(box.start),
        after=After(box.after),
        processed=box.processed,
        idle=box.idle,
        poll=box.poll.total_seconds(),
        max_message=settings.limits.message,
    )


def junk_source(box: MailboxSettings, settings: Settings, ledger: SqlMailboxLedger, clock: Clock) -> ImapSource | None:
    """Watches the provider's spam folder without a change to it; None when the mailbox names none.

    What lay there before the first sight was never anybody's business here, whatever the mailbox itself starts with."""
    if not box.junk:
        return None
    return ImapSource(
        replace(
            mailbox_options(box, settings),
            name=junk_name(box.name),
            folder=box.junk,
            start=Start.NOW,
            after=After.LEAVE,
        ),
        ledger,
        clock,
    )


def listener_source(settings: Settings, clock: Clock) -> SmtpSource | None:
    """The SMTP and LMTP listener; None when none is configured."""
    listener = settings.listener
    if listener is None:
        return None
    options = ListenerOptions(
        accepts=acceptance(settings.directory),
        refuses_sender=lambda sender: refused_at_the_door(sender, settings.bans),
        smtp=str(listener.smtp or ""),
        lmtp=str(listener.lmtp or ""),
        hostname=listener.hostname or socket.gethostname(),
        max_recipients=listener.max_recipients,
        max_connections=listener.max_connections,
        max_connections_per_peer=listener.max_connections_per_peer,
        tls_certificate=str(listener.tls_certificate or ""),
        tls_key=str(listener.tls_key or ""),
        max_message=listener.max_message,
        max_hops=settings.limits.received,
    )
    return SmtpSource(options, clock)


def acceptance(directory: Directory) -> Callable[[str], bool]:
    """Which recipients are ours: our addresses, bare or with anything behind a plus (RFC 5233), and postmaster."""
    domains = {address.domain for address in directory.own_addresses}

    def accepts(recipient: str) -> bool:
        address = Address.read(recipient)
        if address is None:
            return False
        if directory.is_own(address):
            return True
        return address.local.lower() == _POSTMASTER and address.domain in domains

    return accepts


# -- transports -------------------------------------------------------------------------------------------------


def transport(relay: RelaySettings, settings: Settings) -> MailTransport:
    """A relay by SMTP, or a Maildir for trials."""
    if relay.maildir is not None:
        return MaildirTransport(relay.maildir)
    options = RelayOptions(
        host=relay.host or "",
        port=relay.port,
        tls=relay.tls,
        user=relay.user,
        password=relay.password.reveal if relay.password else None,
        name=relay.name,
        helo=settings.helpdesk.address.domain,
    )
    return SmtpTransport(options)
