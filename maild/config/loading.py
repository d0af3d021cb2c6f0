"""Finds and reads maild.toml, and returns the settings or all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from maild.config import endpoints, filters, organisations, people, plans, rotas, tables
from maild.config.decode import ParsedTable, TableReader
from maild.config.people import KnownNames
from maild.config.problems import ConfigError, Diagnostics, Place, Problem
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
_SHORTEST_KEY = 32  # characters; 128 bits need 22 in base64, and people may type plain words

# Placeholders, so that the rest of a file without a usable [helpdesk] is still checked.
_PLACEHOLDER_HELPDESK = HelpdeskSettings(name="", address=Address("nobody", "invalid"))
_PLACEHOLDER_ZONE = _PLACEHOLDER_HELPDESK.timezone

AnyTable = TypeVar("AnyTable", bound=Struct)

_CREATE = "create one with: maild config example"


def find_config(explicit: str | Path | None, environ: Mapping[str, str]) -> Path:
    """Return the path of the configuration file.

    It is the file named by -c, else by $MAILD_CONFIG, else the first of the usual places that exists. Raises
    ConfigError that lists the places."""
    for source, asked in (("-c", explicit), ("$MAILD_CONFIG", environ.get("MAILD_CONFIG"))):
        if asked:
            path = Path(asked)
            if not path.is_file():
                message = f"the file that {source} names does not exist"
                raise ConfigError([Problem(Place(str(path), 0), message, f"{_CREATE} > {path}")])
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
                f"{_CREATE} > /etc/maild/maild.toml",
            )
        ]
    )


def load(path: Path, *, environ: Mapping[str, str]) -> Settings:
    """Read, check and return the settings of a file and of `maild.d/*.toml` beside it.

    Raises ConfigError with all problems, sorted by file and line. A file that is not TOML hides problems of the other
    files. Doubtful but allowed settings are in `Settings.warnings`."""
    document = read_document(path)
    diagnostics = Diagnostics(Place(str(path)))
    reader = TableReader(document, diagnostics, environ, tables.TABLES)
    reader.unknown_tables()
    settings = _Builder(reader, environ).settings(path)
    problems = diagnostics.problems(document.files)
    if problems:
        raise ConfigError(problems)
    return settings


class _Builder:
    """Builds the settings from the tables, and reports mistakes to the reader's diagnostics."""

    def __init__(self, reader: TableReader, environ: Mapping[str, str]) -> None:
        self._reader = reader
        self._diagnostics = reader.diagnostics
        self._environ = environ
        self._document = reader.document
        self._known = self._names()

    def settings(self, path: Path) -> Settings:
        """Return the settings. Some parts are placeholders when a problem was found."""
        helpdesk = self._helpdesk()
        zone = helpdesk.table.timezone if helpdesk is not None else _PLACEHOLDER_ZONE
        store, state = self._store_and_state(helpdesk)
        directory = self._directory(helpdesk)
        mailboxes, listener = self._mail_in(directory, zone)
        relays = self._relays()
        many, diagnostics, known = self._reader.many, self._diagnostics, self._known
        mapping = self._reader.one("priority_plan", tables.PriorityPlanTable)
        settings = Settings(
            path=path,
            folder=self._document.folder,
            helpdesk=helpdesk.table if helpdesk is not None else _PLACEHOLDER_HELPDESK,
            state_folder=state,
            store=store,
            mailboxes=mailboxes,
            listener=listener,
            relays=relays,
            directory=directory,
            topics=filters.build_topics(many("topic", tables.TopicTable), known, diagnostics),
            rules=filters.build_rules(many("rule", tables.RuleTable), known, diagnostics),
            bans=filters.build_bans(many("ban", tables.BanTable), directory, diagnostics),
            importance=self._single("importance", ImportanceSettings),
            lists=filters.build_lists(many("list", tables.ListTable), diagnostics),
            spam=filters.build_spam_marks(self._single("spam", tables.SpamTable)),
            robots=filters.build_robots(self._reader.one("robots", tables.RobotsTable), directory, diagnostics),
            attachments=self._single("attachments", AttachmentSettings, endpoints.check_attachments),
            calendars=plans.build_calendars(many("calendar", tables.CalendarTable), known, zone, diagnostics),
            plans=plans.build_plans(many("sla_plan", tables.PlanTable), known, directory, diagnostics),
            priority_plans=plans.build_priority_plans(mapping, known) if mapping is not None else {},
            acknowledge=self._single("acknowledge", AcknowledgeSettings),
            satisfaction=self._satisfaction(helpdesk),
            outbox=self._single("outbox", OutboxSettings),
            notices=self._single("notices", NoticeSettings, endpoints.check_notices),
            security=self._single("security", SecuritySettings),
            limits=self._single("limits", LimitSettings),
            closing=self._single("closing", ClosingSettings),
            retention=self._single("retention", RetentionSettings),
            digest=self._single("digest", DigestSettings),
            templates=self._single("templates", TemplateSettings, endpoints.check_templates),
            metrics=self._single("metrics", MetricsSettings, endpoints.check_metrics),
            log=self._single("log", LogSettings),
        )
        return replace(settings, warnings=diagnostics.warnings(self._document.files))

    def _single(
        self, name: str, kind: type[AnyTable], check: Callable[[ParsedTable[AnyTable], Diagnostics], None] | None = None
    ) -> AnyTable:
        """Return a table that may be absent; then it has its defaults."""
        parsed = self._reader.one(name, kind)
        if parsed is not None and check is not None:
            check(parsed, self._diagnostics)
        return parsed.table if parsed is not None else kind()

    def _satisfaction(self, helpdesk: ParsedTable[HelpdeskSettings] | None) -> SatisfactionSettings:
        parsed = self._reader.one("satisfaction", SatisfactionSettings)
        if parsed is None:
            return SatisfactionSettings()
        if parsed.table.ask and helpdesk is not None and not helpdesk.table.plus_addressing:
            message = "ask: needs sealed reply addresses, but plus_addressing is false"
            self._diagnostics.problem(parsed.at("ask"), message, "set ask = false, or helpdesk.plus_addressing = true")
        return parsed.table

    def _names(self) -> KnownNames:
        root, diagnostics = self._document.root, self._diagnostics

        def names(kind: str, built_in: Iterable[str] = (), default: str = "") -> Names:
            return Names.of_tables(kind, root.items(kind), diagnostics, built_in, default)

        has_departments = root.get("department") is not None
        return KnownNames(
            agents=names("agent"),
            teams=names("team"),
            departments=names("department", () if has_departments else (people.BUILT_IN_DEPARTMENT,)),
            topics=names("topic"),
            plans=names("sla_plan", plans.SHIPPED_NAMES),
            calendars=names("calendar", plans.BUILT_IN_CALENDARS),
            rotas=names("rota"),
            relays=names("relay", default=RelaySettings().name),
            mailboxes=names("mailbox"),
            organisations=names("organisation"),
        )

    def _helpdesk(self) -> ParsedTable[HelpdeskSettings] | None:
        parsed = self._reader.one("helpdesk", HelpdeskSettings)
        if self._document.root.get("helpdesk") is None:
            remedy = 'add [helpdesk] with name = "Acme Support" and address = "support@acme.example"'
            self._diagnostics.problem(self._diagnostics.top, "there is no [helpdesk]", remedy)
        if parsed is not None and parsed.table.token_key is not None:
            self._check_token_key(parsed, parsed.table.token_key)
        return parsed

    def _check_token_key(self, helpdesk: ParsedTable[HelpdeskSettings], key: Secret) -> None:
        try:
            length = len(key.reveal())
        except SecretError as error:
            self._diagnostics.problem(helpdesk.at("token_key"), f"token_key: {error.cause}", error.remedy)
            return
        if length < _SHORTEST_KEY:
            message = f"token_key: has only {length} characters, but needs {_SHORTEST_KEY}"
            self._diagnostics.problem(helpdesk.at("token_key"), message, "create one with: openssl rand -base64 32")

    def _store_and_state(self, helpdesk: ParsedTable[HelpdeskSettings] | None) -> tuple[StoreSettings, Path]:
        store = self._reader.one("store", StoreSettings)
        state = endpoints.state_folder(
            self._reader.one("state", StateSettings), store, self._document.folder, self._environ
        )
        built = endpoints.build_store(store, state, self._document.folder, self._diagnostics)
        if built.url.startswith("postgresql") and helpdesk is not None and helpdesk.node.get("token_key") is None:
            self._diagnostics.problem(
                helpdesk.at(),
                "token_key is required with PostgreSQL, because all nodes must share it",
                'add token_key = { credential = "token-key" } with the output of: openssl rand -base64 32',
            )
        return built, state

    def _directory(self, helpdesk: ParsedTable[HelpdeskSettings] | None) -> Directory:
        many = self._reader.many
        directory = people.build_directory(
            helpdesk,
            many("department", tables.DepartmentTable),
            many("team", tables.TeamTable),
            many("agent", tables.AgentTable),
            many("topic", tables.TopicTable),
            self._known,
            self._diagnostics,
        )
        parsed = many("organisation", tables.OrganisationTable)
        customers = organisations.build_organisations(parsed, self._known, directory, self._diagnostics)
        directory = replace(directory, organisations=customers)
        zone = helpdesk.table.timezone if helpdesk is not None else _PLACEHOLDER_ZONE
        return rotas.with_rotas(directory, many("rota", tables.RotaTable), self._known, zone, self._diagnostics)

    def _mail_in(self, directory: Directory, zone: str) -> tuple[tuple[MailboxSettings, ...], ListenerSettings | None]:
        parsed = self._reader.many("mailbox", MailboxSettings)
        first = directory.departments[0].name
        mailboxes = endpoints.build_mailboxes(parsed, self._known.departments, first, zone, self._diagnostics)
        listener = self._reader.one("listener", ListenerSettings)
        endpoints.check_listener(listener, self._diagnostics)
        if not ({"mailbox", "listener"} & set(self._document.root.table or {})):
            message = "no [[mailbox]] and no [listener]: mail comes in only by `maild inject`"
            self._diagnostics.warning(self._diagnostics.top, message)
        return mailboxes, listener.table if listener is not None else None

    def _relays(self) -> tuple[RelaySettings, ...]:
        if not self._document.root.items("relay"):
            remedy = 'add [[relay]] with host = "smtp.acme.example", or maildir = "var/sent" for trials'
            self._diagnostics.problem(self._diagnostics.top, "there is no [[relay]], so no mail could be sent", remedy)
        return endpoints.build_relays(self._reader.many("relay", RelaySettings, also_single=True), self._diagnostics)
