"""The settings of one maild, frozen. Each struct is a table of maild.toml and its fields are the table's keys.

What a key means stands in the commented reference (reference.toml), which a test holds against these structs."""

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
    Port,
    QuietHours,
    ScannerEndpoint,
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
    """[helpdesk]: who we are."""

    name: str
    address: Address
    aliases: tuple[Address, ...] = ()
    subject_token: Literal["all", "agents", "none"] = "all"
    plus_addressing: bool = True
    timezone: ZoneName = ZoneName("UTC")
    language: Language = Language("en")
    token_key: Secret | None = None


class StateSettings(Struct, frozen=True, kw_only=True):
    """[state]: the folder for what maild keeps beside the database."""

    folder: Path = Path("/var/lib/maild")


class StoreSettings(Struct, frozen=True, kw_only=True):
    """[store]: the database. A password in the URL is taken out of it."""

    url: str = ""
    password: Secret | None = None


class MailboxSettings(Struct, frozen=True, kw_only=True):
    """[[mailbox]]: an IMAP folder that we watch."""

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
    junk: str = ""  # the provider's spam folder, watched and never changed; empty: not watched
    idle: bool = True
    poll: timedelta = timedelta(seconds=60)
    trusted_authserv: tuple[str, ...] = ()
    department: str = ""  # as read: never empty, the first department when the file names none


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """[listener]: where mail may be handed to us by SMTP (RFC 5321) and LMTP (RFC 2033)."""

    smtp: Endpoint | None = None
    lmtp: Endpoint | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    hostname: str = ""  # empty: the machine's own name
    max_message: Size = Size(25 * 2**20)
    max_recipients: Count = 100
    max_connections: Count = 200
    max_connections_per_peer: Count = 50
    trusted_authserv: tuple[str, ...] = ()


class RelaySettings(Struct, frozen=True, kw_only=True):
    """[[relay]]: the SMTP server that we hand mail to, or a Maildir folder for trials."""

    name: str = "main"
    host: HostName | None = None
    port: Port = Port(587)
    tls: Tls = "starttls"
    user: str = ""
    password: Secret | None = None
    maildir: Path | None = None


class ImportanceSettings(Struct, frozen=True, kw_only=True):
    """[importance]: may a mail's own headers set its priority?"""

    respect: bool = False


# What starts a program, or changes a machine, when somebody opens it; nobody mails these to a helpdesk in earnest.
_BLOCKED = (
    "*.exe *.com *.scr *.pif *.cpl *.dll *.sys"  # programs of Windows
    " *.bat *.cmd *.ps1 *.vb *.vbe *.vbs *.js *.jse *.wsf *.wsh *.hta *.sct"  # scripts that a double click runs
    " *.msi *.msp *.mst *.msc *.msix *.appx *.appinstaller *.jar *.apk"  # installers and packages
    " *.lnk *.url *.scf *.library-ms *.settingcontent-ms *.reg *.inf *.chm"  # shortcuts and settings
    " *.iso *.img *.vhd *.vhdx"  # disk images, which hide the mark of what came from outside
)


class AttachmentSettings(Struct, frozen=True, kw_only=True):
    """[attachments]: which files of a mail are shown and passed on; the raw mail keeps all."""

    blocked: tuple[str, ...] = tuple(_BLOCKED.split())
    max_count: Count = 100
    max_size: Size = Size(25 * 2**20)
    clamd: ScannerEndpoint | None = None
    when_unavailable: Literal["accept", "hold"] = "hold"


class AcknowledgeSettings(Struct, frozen=True, kw_only=True):
    """[acknowledge]: whom we tell that a ticket was opened."""

    to: AcknowledgeTo = AcknowledgeTo.AUTHENTICATED
    delay: timedelta = timedelta()
    most_per_minute: Count = 30
    most_per_domain: Count = 100


class SatisfactionSettings(Struct, frozen=True, kw_only=True):
    """[satisfaction]: are customers asked how the help was, once their ticket is resolved?"""

    ask: bool = False


class OutboxSettings(Struct, frozen=True, kw_only=True):
    """[outbox]: what happens to mail before it leaves."""

    hold: timedelta = timedelta(seconds=60)


class NoticeSettings(Struct, frozen=True, kw_only=True):
    """[notices]: when agents hear of what is not urgent; their own wishes are stronger."""

    batch: timedelta = timedelta(minutes=10)
    batch_most: timedelta = timedelta(minutes=15)
    quiet: QuietHours = QuietHours("")
    ceiling: Count = 30


class SecuritySettings(Struct, frozen=True, kw_only=True):
    """[security]: how much an agent's mail must prove."""

    agent_proof: AgentProof = AgentProof.NORMAL


class LimitSettings(Struct, frozen=True, kw_only=True):
    """[limits]: what a mail may be before a parser sees it."""

    depth: Count = 40
    parts: Count = 500
    header: Size = Size(128 * 2**10)
    header_fields: Count = 1_000
    received: Count = 50
    message: Size = Size(25 * 2**20)


class ClosingSettings(Struct, frozen=True, kw_only=True):
    """[closing]: when tickets close, and how long a reply brings one back."""

    resolved_to_closed: timedelta = timedelta(days=7)
    waiting_to_resolved: timedelta = timedelta(days=14)
    waiting_reminder: bool = False
    reopen_within: timedelta = timedelta(days=30)


class RetentionSettings(Struct, frozen=True, kw_only=True):
    """[retention]: nothing expires; the table is reserved."""


class DigestSettings(Struct, frozen=True, kw_only=True):
    """[digest]: which digests come by themselves, and when; agents' own wishes are stronger."""

    personal: DigestTime = DigestTime("daily 08:00")
    team: DigestTime = DigestTime("daily 08:00")
    manager: DigestTime = DigestTime("weekly mon 08:00")


class TemplateSettings(Struct, frozen=True, kw_only=True):
    """[templates]: the admin's own mail texts."""

    folder: Path | None = None


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """[metrics]: where measurements can be fetched; absent = nowhere."""

    listen: Endpoint | None = None


class LogSettings(Struct, frozen=True, kw_only=True):
    """[log]: how much is written, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything maild.toml says, checked, with defaults filled in. Holds no secret in the clear."""

    path: Path  # the main file
    folder: Path  # what relative paths start from
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
    lists: tuple[MailingList, ...] = ()  # that feed us
    spam: SpamMarks = SpamMarks()
    robots: Robots = Robots()
    attachments: AttachmentSettings = AttachmentSettings()
    calendars: Mapping[str, Calendar]  # "always" and "office" are always there
    plans: Mapping[str, Plan]  # sev-a, sev-b, sev-c and default are always there
    priority_plans: Mapping[str, str] = field(default_factory=dict)  # priority -> plan, where one is mapped
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
        """The database URL with its password: for the store alone, never for a log."""
        if self.store.password is None:
            return self.store.url
        scheme, separator, rest = self.store.url.partition("://")
        user, _, host = rest.rpartition("@")
        return f"{scheme}{separator}{user}:{quote(self.store.password.reveal(), safe='')}@{host}"

    @property
    def default_department(self) -> str:
        """The department of mail for which nothing else is said: the first one."""
        return self.directory.departments[0].name

    def relay_for(self, department: str) -> RelaySettings:
        """The relay that a department names, else the first."""
        found = self.directory.department(department)
        named = next((relay for relay in self.relays if found and relay.name == found.relay), None)
        return named or self.relays[0]
