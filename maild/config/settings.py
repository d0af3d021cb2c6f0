"""The frozen settings of maild. Each struct is a table of maild.toml, and its fields are the table's keys.

The commented reference (reference.toml) explains each key. A test compares it with these structs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta, Struct

from maild.config.problems import Problem
from maild.config.secrets import Secret
from maild.config.values import (
    DigestTime,
    Endpoint,
    HostName,
    Language,
    Network,
    Port,
    QuietHours,
    ScannerEndpoint,
    ServerName,
    Size,
    ZoneName,
)
from maild.domain.intake.rules import Ban, Rule, Topic
from maild.domain.intake.spam_and_robots import MailingList, Robots, SpamMarks
from maild.domain.people.directory import Address, Directory
from maild.domain.policy import AcknowledgeTo, AgentProof
from maild.domain.sla.standing import Plan
from maild.domain.times.calendars import Calendar

Tls = Literal["implicit", "starttls", "none"]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class HelpdeskSettings(Struct, frozen=True, kw_only=True):
    """[helpdesk]: name, addresses, time zone and language of the helpdesk."""

    name: str
    address: Address
    aliases: tuple[Address, ...] = ()
    subject_token: Literal["all", "agents", "none"] = "all"
    plus_addressing: bool = True
    timezone: ZoneName = ZoneName("UTC")
    language: Language = Language("en")
    token_key: Secret | None = None


class StateSettings(Struct, frozen=True, kw_only=True):
    """[state]: the folder for files beside the database."""

    folder: Path = Path("/var/lib/maild")


class StoreSettings(Struct, frozen=True, kw_only=True):
    """[store]: the database. A password in the URL is removed from it."""

    url: str = ""
    password: Secret | None = None


class MailboxSettings(Struct, frozen=True, kw_only=True):
    """[[mailbox]]: an IMAP folder to read."""

    name: str
    host: HostName
    port: Port = Port(993)
    tls: Tls = "implicit"
    user: str
    password: Secret | None = None
    oauth: str = ""
    folder: str = "INBOX"
    start: str | datetime = "now"  # "now", "all", or an aware datetime
    after: Literal["move", "seen", "delete"] = "move"
    processed: str = "Processed"
    junk: str = ""  # the provider's spam folder, read but never changed; empty: not read
    idle: bool = True
    poll: timedelta = timedelta(seconds=60)
    trusted_authserv: tuple[ServerName, ...] = ()
    hops: tuple[Network, ...] = ()
    entry: tuple[ServerName, ...] = ()
    results: Literal["above", "below"] = "above"
    department: str = ""  # after loading never empty: by default the first department


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """[listener]: where maild accepts mail by SMTP (RFC 5321) and LMTP (RFC 2033)."""

    smtp: Endpoint | None = None
    lmtp: Endpoint | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    hostname: str = ""  # empty: the machine's own name
    max_message: Size = Size(25 * 2**20)
    max_recipients: Count = 100
    max_connections: Count = 200
    max_connections_per_peer: Count = 50
    trusted_authserv: tuple[ServerName, ...] = ()
    hops: tuple[Network, ...] = ()
    entry: tuple[ServerName, ...] = ()
    results: Literal["above", "below"] = "above"


class RelaySettings(Struct, frozen=True, kw_only=True):
    """[[relay]]: the SMTP server that sends our mail, or a Maildir folder for trials."""

    name: str = "main"
    host: HostName | None = None
    port: Port = Port(587)
    tls: Tls = "starttls"
    user: str = ""
    password: Secret | None = None
    maildir: Path | None = None


class ImportanceSettings(Struct, frozen=True, kw_only=True):
    """[importance]: whether a mail's own headers may set its priority."""

    respect: bool = False


# Files that start a program or change a machine when they are opened. No customer needs to send these.
_BLOCKED = (
    "*.exe *.com *.scr *.pif *.cpl *.dll *.sys"  # programs of Windows
    " *.bat *.cmd *.ps1 *.vb *.vbe *.vbs *.js *.jse *.wsf *.wsh *.hta *.sct"  # scripts that run on a double click
    " *.msi *.msp *.mst *.msc *.msix *.appx *.appinstaller *.jar *.apk"  # installers and packages
    " *.lnk *.url *.scf *.library-ms *.settingcontent-ms *.reg *.inf *.chm"  # shortcuts and settings
    " *.iso *.img *.vhd *.vhdx"  # disk images, which hide that a file came from outside
)


class AttachmentSettings(Struct, frozen=True, kw_only=True):
    """[attachments]: which files of a mail are shown and passed on. The raw mail keeps all."""

    blocked: tuple[str, ...] = tuple(_BLOCKED.split())
    max_count: Count = 100
    max_size: Size = Size(25 * 2**20)
    clamd: ScannerEndpoint | None = None
    when_unavailable: Literal["accept", "hold"] = "hold"


class AcknowledgeSettings(Struct, frozen=True, kw_only=True):
    """[acknowledge]: who is told that a ticket was opened."""

    to: AcknowledgeTo = AcknowledgeTo.AUTHENTICATED
    delay: timedelta = timedelta()
    most_per_minute: Count = 30
    most_per_domain: Count = 100


class SatisfactionSettings(Struct, frozen=True, kw_only=True):
    """[satisfaction]: whether customers are asked for a rating when their ticket is resolved."""

    ask: bool = False


class OutboxSettings(Struct, frozen=True, kw_only=True):
    """[outbox]: how long agents' answers wait before they leave."""

    hold: timedelta = timedelta(seconds=60)


class NoticeSettings(Struct, frozen=True, kw_only=True):
    """[notices]: when agents are notified of what is not urgent. An agent's own preferences take precedence."""

    batch: timedelta = timedelta(minutes=10)
    batch_most: timedelta = timedelta(minutes=15)
    quiet: QuietHours = QuietHours("")
    ceiling: Count = 30


class SecuritySettings(Struct, frozen=True, kw_only=True):
    """[security]: how much proof an agent's mail needs."""

    agent_proof: AgentProof = AgentProof.NORMAL


class LimitSettings(Struct, frozen=True, kw_only=True):
    """[limits]: limits of a mail that are checked before it is parsed."""

    depth: Count = 40
    parts: Count = 500
    header: Size = Size(128 * 2**10)
    header_fields: Count = 1_000
    received: Count = 50
    message: Size = Size(25 * 2**20)


class ClosingSettings(Struct, frozen=True, kw_only=True):
    """[closing]: when tickets close, and how long a reply reopens one."""

    resolved_to_closed: timedelta = timedelta(days=7)
    waiting_to_resolved: timedelta = timedelta(days=14)
    waiting_reminder: bool = False
    reopen_within: timedelta = timedelta(days=30)


class RetentionSettings(Struct, frozen=True, kw_only=True):
    """[retention]: reserved; nothing expires in this version."""


class DigestSettings(Struct, frozen=True, kw_only=True):
    """[digest]: which digests are sent, and when. An agent's own preferences take precedence."""

    personal: DigestTime = DigestTime("daily 08:00")
    team: DigestTime = DigestTime("daily 08:00")
    manager: DigestTime = DigestTime("weekly mon 08:00")


class TemplateSettings(Struct, frozen=True, kw_only=True):
    """[templates]: the folder of the admin's own mail texts."""

    folder: Path | None = None


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """[metrics]: where metrics can be fetched; absent: nowhere."""

    listen: Endpoint | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """[log]: how much is logged, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of maild.toml, checked, with defaults filled in. It holds no secret in plain text."""

    path: Path  # the main file
    folder: Path  # where relative paths start
    helpdesk: HelpdeskSettings
    state_folder: Path
    store: StoreSettings
    mailboxes: tuple[MailboxSettings, ...] = ()
    listener: ListenerSettings | None = None
    relays: tuple[RelaySettings, ...]  # never empty; the first is the default
    directory: Directory  # never without a department; the first is the default
    topics: tuple[Topic, ...] = ()
    rules: tuple[Rule, ...] = ()
    bans: tuple[Ban, ...] = ()
    importance: ImportanceSettings = ImportanceSettings()
    lists: tuple[MailingList, ...] = ()  # mailing lists that send to us
    spam: SpamMarks = SpamMarks()
    robots: Robots = Robots()
    attachments: AttachmentSettings = AttachmentSettings()
    calendars: Mapping[str, Calendar]  # "always" and "office" are always there
    plans: Mapping[str, Plan]  # sev-a, sev-b, sev-c and default are always there
    priority_plans: Mapping[str, str] = field(default_factory=dict)  # priority -> plan, for priorities that have one
    acknowledge: AcknowledgeSettings = AcknowledgeSettings()
    satisfaction: SatisfactionSettings = SatisfactionSettings()
    outbox: OutboxSettings = OutboxSettings()
    notices: NoticeSettings = NoticeSettings()
    security: SecuritySettings = SecuritySettings()
    limits: LimitSettings = LimitSettings()
    closing: ClosingSettings = ClosingSettings()
    retention: RetentionSettings = RetentionSettings()
    digest: DigestSettings = DigestSettings()
    templates: TemplateSettings = TemplateSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    warnings: tuple[Problem, ...] = ()

    @property
    def store_url(self) -> str:
        """The database URL with its password. It is for the store only, never for a log."""
        if self.store.password is None:
            return self.store.url
        scheme, separator, rest = self.store.url.partition("://")
        user, _, host = rest.rpartition("@")
        return f"{scheme}{separator}{user}:{quote(self.store.password.reveal(), safe='')}@{host}"

    @property
    def default_department(self) -> str:
        """The department of mail that nothing else assigns: the first one."""
        return self.directory.departments[0].name

    def relay_for(self, department: str) -> RelaySettings:
        """Return the relay that a department names, else the first one."""
        found = self.directory.department(department)
        named = next((relay for relay in self.relays if found and relay.name == found.relay), None)
        return named or self.relays[0]
