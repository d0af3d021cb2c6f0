"""Builds and checks the settings for connections: database, mailboxes, listener, relays.

Fills in defaults that depend on each other, and reports what would otherwise fail later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from maild.config.decode import ParsedTable
from maild.config.problems import Diagnostics, Place
from maild.config.references import Names
from maild.config.secrets import Secret
from maild.config.settings import (
    AttachmentSettings,
    ListenerSettings,
    MailboxSettings,
    MetricsSettings,
    NoticeSettings,
    RelaySettings,
    StateSettings,
    StoreSettings,
    TemplateSettings,
)
from maild.config.values import is_loopback

_IMAP_PORTS = {"implicit": 993, "starttls": 143, "none": 143}  # RFC 8314, RFC 9051
_SMTP_PORTS = {"implicit": 465, "starttls": 587, "none": 25}  # RFC 8314, RFC 6409, RFC 5321
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql+psycopg", "postgresql", "postgres")


def check_notices(parsed: ParsedTable[NoticeSettings], diagnostics: Diagnostics) -> None:
    """Report a longest wait that is shorter than the usual wait."""
    if parsed.table.batch_most < parsed.table.batch:
        remedy = "make it as long as batch, or longer"
        diagnostics.problem(parsed.at("batch_most"), "batch_most is shorter than batch", remedy)


# -- database and state folder ------------------------------------------------------------------------------------


def build_store(
    parsed: ParsedTable[StoreSettings] | None, state: Path, folder: Path, diagnostics: Diagnostics
) -> StoreSettings:
    """Return the database settings. The default is SQLite in the state folder; a relative path starts at `folder`."""
    if parsed is None or not parsed.table.url:
        return StoreSettings(url=f"{_SQLITE}{state / 'maild.db'}")
    url, place = parsed.table.url, parsed.at("url")
    scheme = url.partition("://")[0]
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE) and ":memory:" not in url:
        return StoreSettings(url=f"{_SQLITE}{folder / url.removeprefix(_SQLITE)}")
    if scheme in _POSTGRESQL and "://" in url:
        return _postgresql(parsed, diagnostics)
    shown = (
        "a SQLite database in memory loses all mail at a restart" if scheme == "sqlite" else "expected a database URL"
    )
    remedy = 'write "sqlite:////var/lib/maild/maild.db" or "postgresql+psycopg://user@host/name"'
    diagnostics.problem(place, f"url: {shown}", remedy)
    return StoreSettings(url=f"{_SQLITE}{state / 'maild.db'}")


def _postgresql(parsed: ParsedTable[StoreSettings], diagnostics: Diagnostics) -> StoreSettings:
    """Return the settings for PostgreSQL, with psycopg as driver and no password in the URL.

    URLs get printed, so they must not contain a password."""
    table, place = parsed.table, parsed.at("url")
    rest = table.url.partition("://")[2]
    try:
        parts = urlsplit(f"postgresql://{rest}")
        inline = parts.password
    except ValueError as error:
        diagnostics.problem(place, f"url: not a URL: {error}")
        return table
    if inline is None:
        if table.password is not None and not parts.username:
            diagnostics.problem(
                place, "url: has no user name for the password", 'write "postgresql+psycopg://user@host/name"'
            )
        return replace(table, url=f"postgresql+psycopg://{rest}")
    login, _, host = rest.rpartition("@")
    remedy = 'move it to password = { credential = "…" }'
    if table.password is not None:
        diagnostics.problem(place, "url: contains a password, but password is set too", "remove it from the URL")
    diagnostics.warning(place, "url contains a password in plain text", remedy)
    url = f"postgresql+psycopg://{login.partition(':')[0]}@{host}"
    return replace(table, url=url, password=table.password or Secret.literal(unquote(inline)))


def state_folder(
    state: ParsedTable[StateSettings] | None,
    store: ParsedTable[StoreSettings] | None,
    folder: Path,
    environ: Mapping[str, str],
) -> Path:
    """Return the state folder.

    It is [state] folder, else $STATE_DIRECTORY (systemd.exec(5)), else the folder of the SQLite file, else the
    default."""
    if state is not None and state.node.get("folder") is not None:
        return state.table.folder
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    url = store.table.url if store is not None else ""
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return (folder / url.removeprefix(_SQLITE)).parent
    return StateSettings().folder


# -- mail in ------------------------------------------------------------------------------------------------------


def build_mailboxes(
    mailboxes: Sequence[ParsedTable[MailboxSettings]],
    departments: Names,
    first_department: str,
    zone: str,
    diagnostics: Diagnostics,
) -> tuple[MailboxSettings, ...]:
    """Return the IMAP mailboxes with port, department and the time zone of `start` filled in."""
    seen: dict[tuple[str, str, str], str] = {}
    built = []
    _check_junk_apart(mailboxes, diagnostics)
    for parsed in mailboxes:
        table = parsed.table
        _check_tls(parsed, table.host, table.tls, diagnostics)
        _check_sign_in(parsed, diagnostics)
        if table.after == "move" and _folder_key(table.processed) == _folder_key(table.folder):
            diagnostics.problem(parsed.at("processed"), "processed: is the same as folder", "name another folder")
        if table.poll.total_seconds() < 1:
            diagnostics.problem(parsed.at("poll"), "poll: is shorter than a second", 'write "60s"')
        _check_junk(parsed, diagnostics)
        _check_trust(parsed, diagnostics)
        same = seen.setdefault((table.host, table.user, _folder_key(table.folder)), table.name)
        folder = parsed.node.get("folder")
        if same != table.name and (folder is None or folder.plain == table.folder):
            remedy = "remove one of them, otherwise every mail comes twice"
            diagnostics.problem(
                parsed.at(), f"mailbox {table.name!r} reads the same folder as mailbox {same!r}", remedy
            )
        department = departments.resolve(table.department, parsed.at("department"), "department")
        built.append(
            replace(
                table,
                port=table.port if parsed.node.get("port") else _IMAP_PORTS[table.tls],
                department=department or first_department,
                start=_with_zone(table.start, zone),
            )
        )
    return tuple(built)


def _check_junk(parsed: ParsedTable[MailboxSettings], diagnostics: Diagnostics) -> None:
    """Report a spam folder from which mail is taken, or into which mail is moved. It is only read and never changed."""
    table = parsed.table
    others = {_folder_key(table.folder): "folder"}
    if table.after == "move":
        others[_folder_key(table.processed)] = "processed"
    if table.junk and (taken := others.get(_folder_key(table.junk))):
        remedy = 'name the folder where the provider puts spam, such as "Junk" or "Spam"'
        diagnostics.problem(parsed.at("junk"), f"junk: is the same as {taken}", remedy)


def _check_junk_apart(mailboxes: Sequence[ParsedTable[MailboxSettings]], diagnostics: Diagnostics) -> None:
    """Report a spam folder that another mailbox of the same account reads: its mail would come twice."""
    read = {(w.table.host, w.table.user, _folder_key(w.table.folder)): w.table.name for w in mailboxes}
    for parsed in mailboxes:
        table = parsed.table
        if not table.junk:
            continue
        owner = read.setdefault((table.host, table.user, _folder_key(table.junk)), table.name)
        if owner != table.name:
            diagnostics.problem(
                parsed.at("junk"), f"junk: mailbox {owner!r} reads this folder", "remove one of the two"
            )


def _check_trust(
    parsed: ParsedTable[MailboxSettings] | ParsedTable[ListenerSettings], diagnostics: Diagnostics
) -> None:
    """Report settings about our own servers that have no effect, or that miss another one."""
    table = parsed.table
    if not table.trusted_authserv:
        for key in ("hops", "entry", "results"):
            if parsed.node.get(key) is not None:
                diagnostics.warning(parsed.at(key), f"{key} has no effect without trusted_authserv")
    elif "microsoft365" in table.trusted_authserv and not table.entry and not table.hops:
        remedy = 'add entry = ["*.mail.protection.outlook.com"]'
        diagnostics.warning(
            parsed.at("trusted_authserv"),
            "Microsoft 365 hands mail on between its own servers, so maild cannot find the first",
            remedy,
        )


def _folder_key(folder: str) -> str:
    """Return the folder name for comparisons. INBOX is the only name that ignores case (RFC 9051 5.1)."""
    return "INBOX" if folder.upper() == "INBOX" else folder


def _with_zone(start: str | datetime, zone: str) -> str | datetime:
    """Return the start with a time zone; a date without one is in the helpdesk's time zone."""
    if isinstance(start, str):
        return start
    return (start if start.tzinfo else start.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _check_sign_in(parsed: ParsedTable[MailboxSettings], diagnostics: Diagnostics) -> None:
    table = parsed.table
    if table.oauth:
        what = f"mailbox {table.name!r}: this version cannot sign in with OAuth"
        diagnostics.problem(parsed.at("oauth"), what, 'use password = { credential = "imap-password" }')
    elif parsed.node.get("password") is None:
        remedy = 'add password = { credential = "imap-password" }'
        diagnostics.problem(parsed.at(), f"mailbox {table.name!r} has no password", remedy)


def check_listener(parsed: ParsedTable[ListenerSettings] | None, diagnostics: Diagnostics) -> None:
    """Report a listener without an address, with half a certificate, or open to other machines."""
    if parsed is None:
        return
    table = parsed.table
    if parsed.node.get("smtp") is None and parsed.node.get("lmtp") is None:
        diagnostics.problem(
            parsed.at(), "[listener] has no address to listen at", 'add smtp = "127.0.0.1:2525" or lmtp = "…"'
        )
    if table.smtp is not None and table.smtp == table.lmtp:
        diagnostics.problem(
            parsed.at("lmtp"), "lmtp: is the same address as smtp", "use a different address for each protocol"
        )
    for key, endpoint in (("smtp", table.smtp), ("lmtp", table.lmtp)):
        if endpoint is not None and not endpoint.local:
            diagnostics.warning(
                parsed.at(key),
                f"{key} can be reached from other machines, at {endpoint}",
                "put your MTA in front and listen on 127.0.0.1, unless this host is the MX",
            )
    _check_trust(parsed, diagnostics)
    beyond = [key for key, endpoint in (("smtp", table.smtp), ("lmtp", table.lmtp)) if endpoint and not endpoint.local]
    if beyond and table.trusted_authserv and not table.hops:
        diagnostics.warning(
            parsed.at("trusted_authserv"),
            "trusted_authserv counts for nobody who connects from another machine",
            "name the servers that hand mail to the listener in hops",
        )
    pair = {"tls_certificate": table.tls_certificate, "tls_key": table.tls_key}
    for key, path in pair.items():
        other = "tls_key" if key == "tls_certificate" else "tls_certificate"
        if path is not None and not path.is_file():
            diagnostics.problem(parsed.at(key), f"{key}: the file {path} does not exist", "check the path")
        elif path is not None and parsed.node.get(other) is None:
            diagnostics.problem(parsed.at(key), f"{key} needs {other}", f'add {other} = "…"')


def check_metrics(parsed: ParsedTable[MetricsSettings], diagnostics: Diagnostics) -> None:
    """Warn of metrics that other machines can read: they name departments and mailboxes."""
    listen = parsed.table.listen
    if listen is not None and not listen.local:
        diagnostics.warning(
            parsed.at("listen"), f"metrics can be read from other machines, at {listen}", "listen on 127.0.0.1"
        )


def check_attachments(parsed: ParsedTable[AttachmentSettings], diagnostics: Diagnostics) -> None:
    """Check the scanner and the blocked files.

    clamd has neither TLS nor passwords, so it should run on this machine."""
    scanner = parsed.table.clamd
    if scanner is not None and not scanner.local:
        remedy = "run clamd on this machine, or use a tunnel"
        diagnostics.warning(parsed.at("clamd"), f"clamd: every file is sent to {scanner.host} unencrypted", remedy)
    if parsed.node.get("clamd") is None and parsed.node.get("when_unavailable") is not None:
        diagnostics.problem(
            parsed.at("when_unavailable"), "when_unavailable: works only together with clamd", 'add clamd = "unix:/…"'
        )
    for index, glob in enumerate(parsed.table.blocked):
        if not set("*?") & set(glob):
            remedy = f'write "*.{glob.removeprefix(".")}" for all files with this ending'
            diagnostics.problem(
                parsed.at("blocked", index), f"blocked: {glob!r} matches only a file of exactly this name", remedy
            )


def check_templates(parsed: ParsedTable[TemplateSettings], diagnostics: Diagnostics) -> None:
    """Report a template folder that does not exist: a mistyped name would silently use the shipped texts."""
    folder = parsed.table.folder
    if folder is not None and not folder.is_dir():
        remedy = f"create it: mkdir -p {folder}, or remove the key to use the shipped templates"
        diagnostics.problem(parsed.at("folder"), f"folder: the folder {folder} does not exist", remedy)


# -- mail out -----------------------------------------------------------------------------------------------------


def build_relays(relays: Sequence[ParsedTable[RelaySettings]], diagnostics: Diagnostics) -> tuple[RelaySettings, ...]:
    """Return the relays with their ports filled in."""
    for parsed in relays:
        _check_relay(parsed, diagnostics)
    return tuple(
        replace(
            parsed.table,
            port=parsed.table.port if parsed.node.get("port") else _SMTP_PORTS[parsed.table.tls],
        )
        for parsed in relays
    )


def _check_relay(parsed: ParsedTable[RelaySettings], diagnostics: Diagnostics) -> None:
    table, node = parsed.table, parsed.node
    has_host, has_maildir = node.get("host") is not None, node.get("maildir") is not None
    if has_host == has_maildir:
        wrong = "has a host and a maildir" if has_host else "has neither host nor maildir"
        remedy = (
            "keep one of them" if has_host else 'add host = "smtp.acme.example", or maildir = "var/sent" for trials'
        )
        diagnostics.problem(parsed.at("maildir"), f"relay {table.name!r} {wrong}", remedy)
    if table.host is not None:
        _check_tls(parsed, table.host, table.tls, diagnostics)
    if bool(table.user) != (node.get("password") is not None):
        lacking, given = ("password", "user") if table.user else ("user", "password")
        diagnostics.problem(parsed.at(given), f"relay {table.name!r} has a {given} but no {lacking}", f"add {lacking}")


def _check_tls(
    parsed: ParsedTable[MailboxSettings] | ParsedTable[RelaySettings], host: str, tls: str, diagnostics: Diagnostics
) -> None:
    """Report a connection without TLS to another machine: anybody in between could read it (RFC 8314 3)."""
    if tls == "none" and not is_loopback(host):
        place: Place = parsed.at("tls")
        diagnostics.problem(place, f'tls = "none" sends passwords and mail to {host} unencrypted', 'write "starttls"')
