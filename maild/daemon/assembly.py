"""Builds the parts of the daemon from the settings, one function for each. The daemon connects them."""

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
from maild.scanners import ClamdScanner, ClamdSocket
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
    """Return the name of this node: unique among nodes on the same database, and the same after a restart."""
    return f"{socket.gethostname()}:{settings.state_folder}"


def open_store(settings: Settings, node: str) -> Store:
    """Open the database and upgrade its tables. Raises TemporaryFailure when it does not answer."""
    store = Store(settings.store_url, node)
    store.migrate()
    return store


def key_ring(settings: Settings) -> KeyRing:
    """Return the token keys from the configuration or from the state folder, where the first start creates them."""
    if settings.helpdesk.token_key is not None:
        return KeyRing.of_text(settings.helpdesk.token_key.reveal())
    path = settings.state_folder / _KEY_FILE
    if not path.exists():
        _make_key(path)
    return KeyRing.of_text(path.read_text())


def _make_key(path: Path) -> None:
    """Create a key file that only its owner can read. It appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"a:{secrets.token_hex(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)  # fails when another process created one meanwhile: that one counts
    except FileExistsError:
        pass
    finally:
        new.unlink()


def worker_pool(settings: Settings) -> WorkerPool:
    """Return the pool of processes that read mails."""
    return WorkerPool(workers=max(1, min(4, os.cpu_count() or 1)), limits=limits(settings))


def limits(settings: Settings) -> Limits:
    """Return the limits for reading a mail."""
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
    """Return the malware scanner for mails with attachments; None when none is configured."""
    place = settings.attachments.clamd
    return ClamdScanner(ClamdSocket(place.host, place.port, place.path)) if place is not None else None


def renderer(settings: Settings) -> Renderer:
    """Return the renderer for mail templates."""
    return Renderer(settings.templates.folder)


# -- sources ----------------------------------------------------------------------------------------------------


def mailbox_source(box: MailboxSettings, settings: Settings, ledger: SqlMailboxLedger, clock: Clock) -> ImapSource:
    """Return the source that reads a mailbox."""
    return ImapSource(mailbox_options(box, settings), ledger, clock)


def mailbox_options(box: MailboxSettings, settings: Settings) -> MailboxOptions:
    """Return how the folder of a mailbox is read. Raises SecretError when the mailbox has no password."""
    if box.password is None:
        raise SecretError(
            f"mailbox {box.name} has no password, and this version cannot sign in with OAuth2", "set its password"
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
    """Return the source that reads the provider's spam folder without changing it; None when the mailbox names none.

    Mail that lay there before the first look is ignored, whatever `start` the mailbox itself has."""
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
    """Return the SMTP and LMTP listener; None when none is configured."""
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
    """Return a function that says whether a recipient is ours.

    Ours are our addresses, also with a suffix after a plus (RFC 5233), and postmaster (RFC 5321 4.5.1)."""
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
    """Return the transport of a relay: SMTP, or a Maildir folder for trials."""
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
