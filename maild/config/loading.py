"""The door of the room: find maild.toml, read it, and answer settings or every mistake at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from maild.config import endpoints as servers
from maild.config import filters as sorting
from maild.config import organisations, plans, rotas, tables
from maild.config import people as directory
from maild.config.decode import TableReader, Written
from maild.config.people import Known
from maild.config.problems import ConfigError, Findings, Place, Problem
from maild.config.references import Names
from maild.config.secrets import Secret, SecretError
from maild.config.settings import (
    AcknowledgeSettings,
    AttachmentSettings,
    ClosingSettings,
    DigestSettings,
    HelpdeskSettings,
    ImportanceSettings,
    LimitSettings,
    ListenerSettings,
    LogSettings,
    MailboxSettings,
    MetricsSettings,
    NoticeSettings,
    OutboxSettings,
    RelaySettings,
    RetentionSettings,
    SatisfactionSettings,
    SecuritySettings,
    Settings,
    StateSettings,
    StoreSettings,
    TemplateSettings,
)
from maild.config.toml_document import read_document
from maild.domain.people.directory import Address, Directory

USUAL_PLACES = (Path("/etc/maild/maild.toml"), Path("config/maild.toml"))
_SHORTEST_KEY = 32  # characters; 128 bits need 22 in base64, and people type words

# Stand in while the rest of a file without a usable [helpdesk] is checked.
_NOBODY = HelpdeskSettings(name="", address=Address("nobody", "invalid"))
_ANY_ZONE = _NOBODY.timezone

AnyTable = TypeVar("AnyTable", bound=Struct)

_WRITE = "write one with: maild config example"


def find_config(explicit: str | Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: the one asked for (-c), else $MAILD_CONFIG, else the first usual place that has one.

    Raises ConfigError that says where it was looked for.
    """
    for source, asked in (("-c", explicit), ("$MAILD_CONFIG", environ.get("MAILD_CONFIG"))):
        if asked:
            path = Path(asked)
            if not path.is_file():
                message = f"no configuration there, though {source} names it"
                raise ConfigError([Problem(Place(str(path), 0), message, f"{_WRITE} > {path}")])
            return path
    for path in USUAL_PLACES:
        if path.is_file():
            return path
    looked = ", ".join(["$MAILD_CONFIG (not set)", *map(str, USUAL_PLACES)])
    raise ConfigError(
        [
            Problem(
                Place("maild.toml", 0),
                f"no configuration found; looked at {looked}",
                f"{_WRITE} > /etc/maild/maild.toml",
            )
        ]
    )


def load(path: Path, *, environ: Mapping[str, str]) -> Settings:
    """The checked settings of a file and of `maild.d/*.toml` beside it.

    Raises ConfigError with all problems, ordered by file and line; a file that is no TOML hides the others' problems.
    What is doubtful but possible is in `Settings.warnings`.
    """
    document = read_document(path)
    findings = Findings(Place(str(path)))
    reader = TableReader(document, findings, environ, tables.TABLES)
    reader.unknown_tables()
    settings = _Assembly(reader, environ).settings(path)
    problems = findings.problems(document.files)
    if problems:
        raise ConfigError(problems)
    return settings


class _Assembly:
    """Puts the tables together; what is wrong goes to the reader's findings."""

    def __init__(self, reader: TableReader, environ: Mapping[str, str]) -> None:
        self._reader = reader
        self._findings = reader.findings
        self._environ = environ
        self._document = reader.document
        self._known = self._names()

    def settings(self, path: Path) -> Settings:
        """The settings, of which some parts are stand-ins once a problem was found."""
        helpdesk = self._helpdesk()
        zone = helpdesk.table.timezone if helpdesk is not None else _ANY_ZONE
        store, state = self._store_and_state(helpdesk)
        people = self._people(helpdesk)
        mailboxes, listener = self._ways_in(people, zone)
        relays = self._ways_out()
        many, findings, known = self._reader.many, self._findings, self._known
        mapping = self._reader.one("priority_plan", tables.PriorityPlanTable)
        settings = Settings(
            path=path,
            folder=self._document.folder,
            helpdesk=helpdesk.table if helpdesk is not None else _NOBODY,
            state_folder=state,
            store=store,
            mailboxes=mailboxes,
            listener=listener,
            relays=relays,
            directory=people,
            topics=sorting.build_topics(many("topic", tables.TopicTable), known, findings),
            rules=sorting.build_rules(many("rule", tables.RuleTable), known, findings),
            bans=sorting.build_bans(many("ban", tables.BanTable), people, findings),
            importance=self._single("importance", ImportanceSettings),
            lists=sorting.build_lists(many("list", tables.ListTable), findings),
            spam=sorting.build_spam_marks(self._single("spam", tables.SpamTable)),
            robots=sorting.build_robots(self._reader.one("robots", tables.RobotsTable), people, findings),
            attachments=self._single("attachments", AttachmentSettings, servers.check_attachments),
            calendars=plans.build_calendars(many("calendar", tables.CalendarTable), known, zone, findings),
            plans=plans.build_plans(many("sla_plan", tables.PlanTable), known, people, findings),
            priority_plans=plans.build_priority_plans(mapping, known) if mapping is not None else {},
            acknowledge=self._single("acknowledge", AcknowledgeSettings),
            satisfaction=self._satisfaction(helpdesk),
            outbox=self._single("outbox", OutboxSettings),
            notices=self._single("notices", NoticeSettings, servers.check_notices),
            security=self._single("security", SecuritySettings),
            limits=self._single("limits", LimitSettings),
            closing=self._single("closing", ClosingSettings),
            retention=self._single("retention", RetentionSettings),
            digest=self._single("digest", DigestSettings),
            templates=self._single("templates", TemplateSettings, servers.check_templates),
            metrics=self._single("metrics", MetricsSettings, servers.check_metrics),
            log=self._single("log", LogSettings),
        )
        return replace(settings, warnings=findings.warnings(self._document.files))

    def _single(
        self, name: str, kind: type[AnyTable], check: Callable[[Written[AnyTable], Findings], None] | None = None
    ) -> AnyTable:
        """A table that may be absent: its defaults then."""
        written = self._reader.one(name, kind)
        if written is not None and check is not None:
            check(written, self._findings)
        return written.table if written is not None else kind()

    def _satisfaction(self, helpdesk: Written[HelpdeskSettings] | None) -> SatisfactionSettings:
        written = self._reader.one("satisfaction", SatisfactionSettings)
        if written is None:
            return SatisfactionSettings()
        if written.table.ask and helpdesk is not None and not helpdesk.table.plus_addressing:
            message = "ask: the answers come to sealed reply addresses, which plus_addressing = false does without"
            self._findings.problem(written.at("ask"), message, "set ask = false, or helpdesk.plus_addressing = true")
        return written.table

    def _names(self) -> Known:
        root, findings = self._document.root, self._findings

        def names(kind: str, built_in: Iterable[str] = (), default: str = "") -> Names:
            return Names.written(kind, root.items(kind), findings, built_in, default)

        written_departments = root.get("department") is not None
        return Known(
            agents=names("agent"),
            teams=names("team"),
            departments=names("department", () if written_departments else (directory.BUILT_IN_DEPARTMENT,)),
            topics=names("topic"),
            plans=names("sla_plan", plans.SHIPPED_NAMES),
            calendars=names("calendar", plans.BUILT_IN_CALENDARS),
            rotas=names("rota"),
            relays=names("relay", default=RelaySettings().name),
            mailboxes=names("mailbox"),
            organisations=names("organisation"),
        )

    def _helpdesk(self) -> Written[HelpdeskSettings] | None:
        written = self._reader.one("helpdesk", HelpdeskSettings)
        if self._document.root.get("helpdesk") is None:
            remedy = 'add [helpdesk] with name = "Acme Support" and address = "support@acme.example"'
            self._findings.problem(self._findings.top, "there is no [helpdesk]", remedy)
        if written is not None and written.table.token_key is not None:
            self._check_token_key(written, written.table.token_key)
        return written

    def _check_token_key(self, helpdesk: Written[HelpdeskSettings], key: Secret) -> None:
        try:
            length = len(key.reveal())
        except SecretError as error:
            self._findings.problem(helpdesk.at("token_key"), f"token_key: {error.cause}", error.remedy)
            return
        if length < _SHORTEST_KEY:
            message = f"token_key: has {length} characters, {_SHORTEST_KEY} are needed against guessing"
            self._findings.problem(helpdesk.at("token_key"), message, "make one with: openssl rand -base64 32")

    def _store_and_state(self, helpdesk: Written[HelpdeskSettings] | None) -> tuple[StoreSettings, Path]:
        store = self._reader.one("store", StoreSettings)
        state = servers.state_folder(
            self._reader.one("state", StateSettings), store, self._document.folder, self._environ
        )
        built = servers.build_store(store, state, self._document.folder, self._findings)
        if built.url.startswith("postgresql") and helpdesk is not None and helpdesk.node.get("token_key") is None:
            self._findings.problem(
                helpdesk.at(),
                "token_key is needed with PostgreSQL: all nodes must share it",
                'add token_key = { credential = "token-key" } with the output of: openssl rand -base64 32',
            )
        return built, state

    def _people(self, helpdesk: Written[HelpdeskSettings] | None) -> Directory:
        many = self._reader.many
        people = directory.build_directory(
            helpdesk,
            many("department", tables.DepartmentTable),
            many("team", tables.TeamTable),
            many("agent", tables.AgentTable),
            many("topic", tables.TopicTable),
            self._known,
            self._findings,
        )
        written = many("organisation", tables.OrganisationTable)
        customers = organisations.build_organisations(written, self._known, people, self._findings)
        people = replace(people, organisations=customers)
        zone = helpdesk.table.timezone if helpdesk is not None else _ANY_ZONE
        return rotas.with_rotas(people, many("rota", tables.RotaTable), self._known, zone, self._findings)

    def _ways_in(self, people: Directory, zone: str) -> tuple[tuple[MailboxSettings, ...], ListenerSettings | None]:
        written = self._reader.many("mailbox", MailboxSettings)
        first = people.departments[0].name
        mailboxes = servers.build_mailboxes(written, self._known.departments, first, zone, self._findings)
        listener = self._reader.one("listener", ListenerSettings)
        servers.check_listener(listener, self._findings)
        if not ({"mailbox", "listener"} & set(self._document.root.table or {})):
            message = "no [[mailbox]] and no [listener]: mail comes in by `maild inject` alone"
            self._findings.warning(self._findings.top, message)
        return mailboxes, listener.table if listener is not None else None

    def _ways_out(self) -> tuple[RelaySettings, ...]:
        if not self._document.root.items("relay"):
            remedy = 'add [[relay]] with host = "smtp.acme.example", or maildir = "var/sent" for trials'
            self._findings.problem(self._findings.top, "there is no [[relay]]: nothing could be sent", remedy)
        return servers.build_relays(self._reader.many("relay", RelaySettings, also_single=True), self._findings)
