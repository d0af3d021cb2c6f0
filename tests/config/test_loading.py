"""What a file means once it is read: defaults, references, merged files, warnings."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from maild.config import ConfigError, Endpoint, Settings, describe, find_config, load
from maild.domain.intake.rules import Match, Rule, Topic
from maild.domain.people.directory import Address, Agent, AgentRole, Department, Team
from maild.domain.sla.standing import EscalationStep, Target
from maild.domain.times.calendars import ALWAYS, Span
from tests.config.writing import LEAST, loaded, problems

TWO_AGENTS = """
[[agent]]
name = "jane"
display = "Jane Doe"
addresses = ["jane@acme.example"]
role = "admin"
[[agent]]
name = "ana"
addresses = ["ana@acme.example", "a.ruiz@acme.example"]
"""
DEPARTMENTS = '[[department]]\nname = "Support"\n[[department]]\nname = "Online Banking"\n'


def warnings(settings: Settings) -> str:
    return "\n".join(map(str, settings.warnings))


# -- defaults -----------------------------------------------------------------------------------------------------


def test_the_least_configuration_has_everything_a_helpdesk_needs(tmp_path: Path):
    settings = loaded(tmp_path)
    assert settings.default_department == "support"
    assert settings.directory.departments == (Department("support"),)
    assert settings.directory.own_addresses == {Address.of("support@acme.example")}
    assert set(settings.calendars) == {"always", "office"}
    assert settings.store_url == "sqlite:////var/lib/maild/maild.db"
    assert settings.listener is None
    assert settings.mailboxes == ()
    assert settings.relays[0].maildir == tmp_path / "sent"
    assert settings.outbox.hold == timedelta(seconds=60)
    assert settings.closing.reopen_within == timedelta(days=30)


def test_the_shipped_plans_are_those_of_the_four_severities(tmp_path: Path):
    plans = loaded(tmp_path).plans
    resolutions = {name: (plan.calendar, plan.goal(Target.RESOLUTION)) for name, plan in plans.items()}
    assert resolutions == {
        "sev-a": ("always", timedelta(hours=1)),
        "sev-b": ("always", timedelta(hours=4)),
        "sev-c": ("office", timedelta(hours=8)),
        "default": ("office", timedelta(hours=18)),
    }
    assert all(plan.goal(Target.FIRST_RESPONSE) and plan.goal(Target.NEXT_RESPONSE) for plan in plans.values())
    assert [(step.at_share, step.notify) for step in plans["default"].steps] == [
        (0.75, ("assignee", "team")),
        (1.0, ("assignee", "team-lead", "manager")),
    ]


def test_the_office_opens_on_the_helpdesks_clock(tmp_path: Path):
    least = LEAST.replace("[relay]", 'timezone = "Asia/Kolkata"\n[relay]')
    calendars = loaded(tmp_path, least=least).calendars
    assert calendars["office"].zone == "Asia/Kolkata"
    assert calendars["office"].week == ((Span(480, 1020),),) * 5 + ((), ())
    assert calendars["always"] is ALWAYS


@pytest.mark.parametrize(
    ("written", "port"),
    [("", 993), ('tls = "starttls"', 143), ('tls = "starttls"\nport = 993', 993), ("port = 1993", 1993)],
)
def test_the_port_of_a_mailbox_follows_its_tls(tmp_path: Path, written: str, port: int):
    text = f'[[mailbox]]\nname = "m"\nhost = "imap.acme.example"\nuser = "u"\npassword = "p"\n{written}\n'
    assert loaded(tmp_path, text).mailboxes[0].port == port


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465)])
def test_the_port_of_a_relay_follows_its_tls(tmp_path: Path, tls: str, port: int):
    least = LEAST.replace('maildir = "sent"', f'host = "smtp.acme.example"\ntls = "{tls}"')
    assert loaded(tmp_path, least=least).relays[0].port == port


def test_a_plain_date_is_one_on_the_helpdesks_clock(tmp_path: Path):
    text = '[[mailbox]]\nname = "m"\nhost = "h.example"\nuser = "u"\npassword = "p"\nstart = 2026-07-01\n'
    least = LEAST.replace("[relay]", 'timezone = "Europe/Berlin"\n[relay]')
    assert loaded(tmp_path, text, least=least).mailboxes[0].start == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_a_mailbox_without_a_department_feeds_the_first(tmp_path: Path):
    text = '[[mailbox]]\nname = "m"\nhost = "h.example"\nuser = "u"\npassword = "p"\n' + DEPARTMENTS
    assert loaded(tmp_path, text).mailboxes[0].department == "Support"


# -- where things lie ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "environ", "state", "url"),
    [
        ("", {}, "/var/lib/maild", "sqlite:////var/lib/maild/maild.db"),
        ("", {"STATE_DIRECTORY": "/s:/t"}, "/s", "sqlite:////s/maild.db"),
        ('[state]\nfolder = "/f"', {"STATE_DIRECTORY": "/s"}, "/f", "sqlite:////f/maild.db"),
        ('[store]\nurl = "sqlite:////d/x.db"', {}, "/d", "sqlite:////d/x.db"),
        ('[store]\nurl = "sqlite:////d/x.db"', {"STATE_DIRECTORY": "/s"}, "/s", "sqlite:////d/x.db"),
        ('[store]\nurl = "sqlite:///var/x.db"', {}, "{folder}/var", "sqlite:///{folder}/var/x.db"),
    ],
)
def test_state_folder_and_database(tmp_path: Path, text: str, environ: dict[str, str], state: str, url: str):
    settings = loaded(tmp_path, text, environ=environ)
    assert str(settings.state_folder) == state.format(folder=tmp_path)
    assert settings.store_url == url.format(folder=tmp_path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_psycopg_with_the_password_of_its_own_key(tmp_path: Path, scheme: str):
    least = LEAST.replace("[relay]", 'token_key = { env = "KEY" }\n[relay]')
    text = f'[store]\nurl = "{scheme}://maild@db.acme.example/maild"\npassword = {{ env = "DB" }}\n'
    settings = loaded(tmp_path, text, least=least, environ={"KEY": "k" * 40, "DB": "p@ss/word"})
    assert settings.store_url == "postgresql+psycopg://maild:p%40ss%2Fword@db.acme.example/maild"


# -- references ---------------------------------------------------------------------------------------------------


def test_names_are_resolved_to_the_way_their_tables_write_them(tmp_path: Path):
    text = f"""{TWO_AGENTS}{DEPARTMENTS}
[[team]]
name = "night-shift"
lead = "JANE"
members = ["Jane", "ana", "jane"]
[[topic]]
name = "Access Issue"
match = {{ address = "Access@acme.example" }}
department = "onlinebanking"
priority = "high"
sla_plan = "SEV B"
tag = "one"
tags = ["two"]
[[rule]]
when = {{ from = "*@monitor.example", subject = "*" }}
then = {{ topic = "access-issue", team = "night shift", assignee = "ANA", acknowledge = false }}
"""
    settings = loaded(tmp_path, text)
    assert settings.directory.teams == (Team("night-shift", ("jane", "ana"), "jane"),)
    assert settings.topics == (
        Topic(
            "Access Issue",
            Match(address="access@acme.example"),
            department="Online Banking",
            priority="high",
            sla_plan="sev-b",
            tags=("one", "two"),
        ),
    )
    assert settings.rules == (
        Rule(
            Match(subject=".*", from_="*@monitor.example"),
            topic="Access Issue",
            team="night-shift",
            assignee="ana",
            acknowledge=False,
        ),
    )
    assert Address.of("access@acme.example") in settings.directory.own_addresses


def test_an_agent_who_names_no_department_is_in_the_first(tmp_path: Path):
    agents = loaded(tmp_path, TWO_AGENTS + DEPARTMENTS).directory.agents
    assert agents[0] == Agent(
        "jane", (Address.of("jane@acme.example"),), "Jane Doe", ("Support",), AgentRole.ADMIN, timezone=""
    )


def test_a_plan_of_the_file_takes_the_place_of_the_shipped_one(tmp_path: Path):
    text = f"""{TWO_AGENTS}
[[sla_plan]]
name = "Sev A"
resolution = "2h"
[[sla_plan.step]]
at = "50%"
target = "resolution"
notify = ["agent:Jane", "pager@acme.example", "admins"]
raise_priority = true
reassign = "ANA"
switch_plan = "sev b"
[[sla_plan.step]]
at = "+30m"
notify = ["manager"]
every = "1h"
[priority_plan]
emergency = "seva"
"""
    settings = loaded(tmp_path, text)
    assert list(settings.plans) == ["sev-a", "sev-b", "sev-c", "default"]
    plan = settings.plans["sev-a"]
    assert plan.calendar == ""
    assert plan.goals == ((Target.RESOLUTION, timedelta(hours=2)),)
    assert plan.steps == (
        EscalationStep(
            at_share=0.5,
            target=Target.RESOLUTION,
            notify=("agent:jane", "pager@acme.example", "admins"),
            raise_priority=True,
            reassign="ana",
            switch_plan="sev-b",
        ),
        EscalationStep(offset=timedelta(minutes=30), notify=("manager",), every=timedelta(hours=1)),
    )
    assert settings.priority_plans == {"emergency": "sev-a"}


def test_a_plan_without_steps_warns_as_the_shipped_ones_do(tmp_path: Path):
    plans = loaded(tmp_path, '[[sla_plan]]\nname = "gold"\nresolution = "2h"\n').plans
    assert plans["gold"].steps == plans["default"].steps != ()


def test_a_calendar_has_hours_holidays_and_days_of_its_own(tmp_path: Path):
    text = """
[[calendar]]
name = "Office"
timezone = "Europe/Berlin"
open = { mon = ["13:00-17:00", "08:00-12:00"], sun = "22:00-06:00" }
holidays = ["DE-BE", "FR"]
closed = [2026-08-03]
special = { 2026-12-24 = "08:00-12:00", 2026-12-31 = [] }
"""
    settings = loaded(tmp_path, text)
    office = settings.calendars["office"]
    assert set(settings.calendars) == {"always", "office"}
    assert office.week[0] == (Span(480, 720), Span(780, 1020))
    assert office.week[6] == (Span(1320, 1800),)
    assert office.holidays is not None
    assert {date(2026, 3, 8), date(2026, 7, 14)} <= office.holidays.dates(2026)
    assert office.closed == {date(2026, 8, 3)}
    assert dict(office.special)[date(2026, 12, 31)] == ()


def test_a_department_may_name_its_relay(tmp_path: Path):
    least = LEAST.replace("[relay]", "[[relay]]")
    text = '[[relay]]\nname = "second"\nmaildir = "x"\n'
    text += '[[department]]\nname = "a"\n[[department]]\nname = "b"\nrelay = "Second"\n'
    settings = loaded(tmp_path, text, least=least)
    assert settings.relay_for("a").name == "main"
    assert settings.relay_for("b").name == "second"


# -- merged files -------------------------------------------------------------------------------------------------


def test_files_of_maild_d_add_tables_and_win_in_the_order_of_their_names(tmp_path: Path):
    folder = tmp_path / "maild.d"
    folder.mkdir()
    (folder / "20-late.toml").write_text(
        '[outbox]\nhold = "20s"\n[[agent]]\nname = "b"\naddresses = ["b@acme.example"]\n'
    )
    (folder / "10-early.toml").write_text(
        '[outbox]\nhold = "10s"\n[[agent]]\nname = "a"\naddresses = ["a@acme.example"]\n'
    )
    (folder / "30-not-read.toml~").write_text("[")
    settings = loaded(tmp_path, TWO_AGENTS)
    assert settings.outbox.hold == timedelta(seconds=20)
    assert [agent.name for agent in settings.directory.agents] == ["jane", "ana", "a", "b"]


def test_a_single_relay_and_one_of_another_file_are_two(tmp_path: Path):
    (tmp_path / "maild.d").mkdir()
    (tmp_path / "maild.d" / "relay.toml").write_text('[[relay]]\nname = "second"\nmaildir = "x"\n')
    assert [relay.name for relay in loaded(tmp_path).relays] == ["main", "second"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path):
    assert loaded(tmp_path, least="\ufeff" + LEAST).helpdesk.name == "Acme Support"


def test_what_is_not_utf_8_is_told_with_its_place(tmp_path: Path):
    path = tmp_path / "maild.toml"
    path.write_bytes(b'[helpdesk]\nname = "B\xfcro"\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert str(caught.value) == f"{path}:2:10: byte 0xfc is not UTF-8; save the file as UTF-8"


def test_what_is_nested_without_end_is_refused(tmp_path: Path):
    path = tmp_path / "maild.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(ConfigError, match="nested too deep"):
        load(path, environ={})


# -- doubtful but possible ----------------------------------------------------------------------------------------


def test_nobody_to_hear_of_tickets_is_a_warning(tmp_path: Path):
    assert "no [[agent]]: nobody is notified of tickets" in warnings(loaded(tmp_path))


def test_no_admin_is_a_warning(tmp_path: Path):
    assert "no agent is an admin" in warnings(loaded(tmp_path, TWO_AGENTS.replace('role = "admin"', "")))
    assert "no agent is an admin" not in warnings(loaded(tmp_path, TWO_AGENTS))


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ('[listener]\nsmtp = "*:25"', True),
        ('[listener]\nsmtp = "127.0.0.1:25"', False),
        ('[listener]\nlmtp = "/run/maild/lmtp.sock"', False),
        ('[listener]\nsmtp = "systemd:smtp"', False),
        ('[metrics]\nlisten = "192.0.2.1:9465"', True),
        ('[metrics]\nlisten = "127.0.0.1:9465"', False),
    ],
)
def test_a_door_that_the_whole_net_can_reach_is_a_warning(tmp_path: Path, text: str, warned: bool):
    assert ("from other machines" in warnings(loaded(tmp_path, text))) is warned


MAILBOX = """
[[mailbox]]
name = "support"
host = "imap.acme.example"
user = "support@acme.example"
password = "canary"
"""
TRUSTED = 'trusted_authserv = ["mx.acme.example"]\n'


@pytest.mark.parametrize("table", [MAILBOX, '[listener]\nsmtp = "127.0.0.1:2525"\n'], ids=["mailbox", "listener"])
def test_whose_results_count_and_where_our_servers_end(tmp_path: Path, table: str):
    def read(text: str = ""):
        settings = loaded(tmp_path, table + text)
        place = settings.mailboxes[0] if settings.mailboxes else settings.listener
        assert place is not None
        return place.trusted_authserv, place.hops, place.entry, place.results

    assert read() == ((), (), (), "above")
    assert read(
        'trusted_authserv = ["microsoft365", "*.messagingengine.com", "mx1"]\n'
        'hops = ["192.0.2.7", "10.0.0.0/8", "2001:DB8::/32"]\n'
        'entry = ["*.mail.protection.outlook.com"]\nresults = "below"'
    ) == (
        ("microsoft365", "*.messagingengine.com", "mx1"),
        ("192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32"),
        ("*.mail.protection.outlook.com",),
        "below",
    )


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (MAILBOX + TRUSTED, ""),
        (MAILBOX + TRUSTED + 'hops = ["10.0.0.0/8"]\nentry = ["mx.acme.example"]\nresults = "below"', ""),
        (MAILBOX + 'hops = ["10.0.0.0/8"]', "hops has no effect without trusted_authserv"),
        (MAILBOX + 'entry = ["mx.acme.example"]', "entry has no effect without trusted_authserv"),
        (MAILBOX + 'results = "below"', "results has no effect without trusted_authserv"),
        (MAILBOX + 'trusted_authserv = ["microsoft365"]', 'add entry = ["*.mail.protection.outlook.com"]'),
        (MAILBOX + 'trusted_authserv = ["microsoft365"]\nentry = ["*.mail.protection.outlook.com"]', ""),
        ('[listener]\nsmtp = "*:25"\n' + TRUSTED, "counts for nobody who connects from another machine"),
        ('[listener]\nsmtp = "*:25"\nhops = ["192.0.2.7"]\n' + TRUSTED, ""),
        ('[listener]\nsmtp = "127.0.0.1:25"\n' + TRUSTED, ""),
    ],
)
def test_settings_of_trust_that_can_have_no_effect_are_warned_of(tmp_path: Path, text: str, warned: str):
    signs = ("no effect", "Microsoft 365 hands", "counts for nobody")
    found = [line for line in warnings(loaded(tmp_path, text)).splitlines() if any(sign in line for sign in signs)]
    assert [warned in line for line in found] == [True] * bool(warned)


def test_a_long_address_is_a_warning_only_with_sealed_reply_addresses(tmp_path: Path):
    least = LEAST.replace("support@", "customer-happiness-team@")
    assert "may be too long" in warnings(loaded(tmp_path, least=least))
    assert "may be too long" not in warnings(
        loaded(tmp_path, least=least.replace("[relay]", "plus_addressing = false\n[relay]"))
    )


def test_warnings_have_places(tmp_path: Path):
    (warning,) = (
        w for w in loaded(tmp_path, '[listener]\nsmtp = "*:25"').warnings if "from other machines" in w.message
    )
    assert str(warning).startswith(
        f"{tmp_path / 'maild.toml'}:7:1: smtp can be reached from other machines, at 0.0.0.0:25; "
    )


# -- texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["\\r\\nBcc: x@evil.example", "\\u0000", "\\u001b[31m", "\\u0085"])
def test_control_characters_are_refused_in_every_text_of_one_line(tmp_path: Path, bad: str):
    (problem,) = problems(tmp_path, f'[[team]]\nname = "a{bad}"\n')
    assert "contains a control character or a line break; remove it" in problem


def test_a_signature_may_have_lines(tmp_path: Path):
    text = '[[department]]\nname = "support"\nsignature = "Acme Support\\nwww.acme.example"\n'
    assert loaded(tmp_path, text).directory.departments[0].signature == "Acme Support\nwww.acme.example"


# -- finding and describing ---------------------------------------------------------------------------------------


def test_the_file_asked_for_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).touch()
    environ = {"MAILD_CONFIG": str(tmp_path / "b.toml")}
    assert find_config(tmp_path / "a.toml", environ) == tmp_path / "a.toml"
    assert find_config(None, environ) == tmp_path / "b.toml"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "maild.toml").touch()
    if not Path("/etc/maild/maild.toml").exists():
        assert find_config(None, {}) == Path("config/maild.toml")


def test_a_missing_file_is_told_with_who_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigError, match=r"x.toml: the file that -c names does not exist; .*maild config example > x.toml"
    ):
        find_config("x.toml", {})
    with pytest.raises(ConfigError, match=r"the file that \$MAILD_CONFIG names does not exist"):
        find_config(None, {"MAILD_CONFIG": "y.toml"})


def test_nothing_found_lists_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("maild.config.loading.USUAL_PLACES", (Path("etc/maild.toml"), Path("config/maild.toml")))
    with pytest.raises(ConfigError, match=r"looked at \$MAILD_CONFIG \(not set\), etc/maild.toml, config/maild.toml"):
        find_config(None, {})


def test_described_settings_are_in_the_words_of_the_file(tmp_path: Path):
    text = '[listener]\nsmtp = "[::1]:2525"\n[outbox]\nhold = "90s"\n'
    settings = loaded(tmp_path, text + TWO_AGENTS)
    assert settings.listener is not None
    assert settings.listener.smtp == Endpoint(host="::1", port=2525)
    described = describe(settings)
    assert described["listener"]["max_message"] == "25 MiB"
    assert described["outbox"] == {"hold": "1m30s"}
    assert described["sla_plan"][0]["resolution"] == "1h"
    assert described["sla_plan"][0]["step"][1] == {"at": "100%", "notify": ["assignee", "team-lead", "manager"]}


def test_described_changes_are_only_what_the_file_changed(tmp_path: Path):
    text = '[outbox]\nhold = "90s"\n[limits]\ndepth = 40\n[[rule]]\nwhen = { subject = "x" }\nthen = { tag = "y" }\n'
    changed = describe(loaded(tmp_path, text), changed_only=True)
    assert changed["outbox"] == {"hold": "1m30s"}
    assert changed["rule"] == [{"when": {"subject": "x"}, "then": {"tags": ["y"]}}]
    assert not {"limits", "closing", "calendar", "sla_plan", "agent"} & set(changed)
