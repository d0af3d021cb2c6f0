"""What an admin types, what it does, and how it ends: 0 fine, 1 a problem, 2 usage or configuration."""

import re
import subprocess
import sys

import pytest


def test_one_mail_five_times_is_one_ticket(shell):
    path = shell.mail()
    lines = shell.maild("inject", "--json", *[path] * 5).lines
    assert [line["outcome"] for line in lines] == ["opened", *["duplicate"] * 4]
    assert {line["ticket"] for line in lines} == {1}


def test_standard_input_is_a_mail(shell):
    program = [sys.executable, "-m", "maild", "-c", str(shell.config), "inject", "-"]
    done = subprocess.run(program, input=shell.mail().read_bytes(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"inbound 1: opened ticket 1")


@pytest.mark.parametrize(
    ("raw", "outcome", "subject"),
    [
        (b"Subject: no sender\r\n\r\nhello\r\n", "opened", "no sender"),
        (b"From: bob@client.example\r\n\r\nno subject\r\n", "opened", "(no subject)"),
        (b"", "opened", "(no subject)"),
        (b"\x00\xff\xfe rubbish", "opened", "(no subject)"),
        (b"From: a@b.example, c@d.example\r\nSubject: two\r\n\r\nx\r\n", "opened", "two"),
        (b"From: bob@client.example\r\nDate: yesterday\r\nSubject: when\r\n\r\nx\r\n", "opened", "when"),
    ],
    ids=["no From", "no Subject", "empty", "rubbish", "two senders", "no real Date"],
)
def test_a_mail_that_lacks_what_mails_have_is_a_ticket_all_the_same(shell, raw, outcome, subject):
    (line,) = shell.maild("inject", "--json", shell.write("odd.eml", raw)).lines
    assert line["outcome"] == outcome
    assert shell.maild("ticket", "show", line["ticket"], "--json").json["subject"] == subject
    assert shell.maild("outbox", "flush").code == 0


@pytest.mark.parametrize(
    "message_id",
    ["<" + "x" * 400 + "@client.example>", "<nul\0byte@client.example>", "<ümlaut@client.example>"],
    ids=["over-long", "NUL", "not ASCII"],
)
def test_a_bad_message_id_neither_stops_a_reply_nor_reaches_the_wire(shell, message_id):
    head = "From: bob@client.example\r\nTo: support@acme.example\r\nSubject: id\r\n"
    shell.maild("inject", shell.write("id.eml", f"{head}Message-ID: {message_id}\r\n\r\nhello\r\n"))
    assert shell.maild("ticket", "do", 1, "reply", "Here", "we", "are.").code == 0
    assert shell.maild("outbox", "flush", "--at", "2026-12-24T00:00:00Z").code == 0
    mails = shell.sent()
    assert len(mails) == 3  # acknowledgement, notice, reply
    for mail in mails:
        assert message_id.encode() not in mail
        assert b"\0" not in mail
        assert mail.isascii()


def test_the_untouched_mail_of_an_entry_comes_back(shell):
    path = shell.mail()
    shell.maild("inject", path)
    assert shell.maild("ticket", "raw", 1, 1).out.encode() == path.read_bytes()
    assert shell.maild("ticket", "raw", 1, 99).code == 1


def test_a_command_with_a_slip_changes_nothing(shell):
    shell.opened("Printer on fire")
    before = shell.maild("ticket", "show", 1, "--json").json
    refused = shell.maild("ticket", "do", 1, "assgn", "jane")
    assert refused.code == 1
    assert "assign" in refused.err
    nobody = shell.maild("ticket", "do", 1, "assign", "nobody")
    assert nobody.code == 1
    after = shell.maild("ticket", "show", 1, "--json").json
    assert after == before


def test_commands_on_the_command_line_do_what_they_do_in_mail(shell):
    shell.opened("Printer on fire")
    for words in (["priority", "emergency"], ["sla", "sev-a"], ["team", "online banking"], ["note", "called Bob"]):
        assert shell.maild("ticket", "do", "--at", "2026-11-23T08:05:00Z", 1, *words).code == 0
    shown = shell.maild("ticket", "show", 1, "--json", "--at", "2026-11-23T08:05:00Z").json
    assert (shown["priority"], shown["sla_plan"], shown["team"]) == ("emergency", "sev-a", "online-banking")
    assert shown["entries"][1]["text"] == "called Bob"
    assert shown["due_at"] == "2026-11-23T08:15:00Z"
    assert shell.maild("ticket", "show", 1).out.startswith("#1 Printer on fire\nopen · emergency · sev-a · support")


def test_what_does_not_exist_is_said_with_where_to_look(shell):
    for words in (["ticket", "show", 7], ["ticket", "do", 7, "take"], ["sla", "explain", 7], ["explain", "7"]):
        done = shell.maild(*words)
        assert done.code == 1
        assert "7" in done.err
    assert shell.maild("outbox", "show", 7).code == 1
    assert shell.maild("held", "show", 7).code == 1
    assert shell.maild("explain", "no-such-file").code == 1
    assert shell.maild("explain").code == 2
    assert shell.maild("inject", "no-such-file.eml").code == 2
    assert shell.maild("inject", "--mailbox", "nowhere", shell.mail()).code == 2
    assert shell.maild("tick", "--at", "noonish").code == 2


def test_deadlines_are_explained(shell):
    shell.opened("Printer on fire")
    lines = shell.maild("sla", "explain", 1, "--at", "2026-11-23T09:00:00Z").out.splitlines()
    assert lines[:3] == ["Plan default", "Calendar office in Europe/Berlin", "  open mon-fri 08:00-17:00"]
    assert any("resolution" in line.lower() for line in lines)
    shown = shell.maild("sla", "explain", 1, "--at", "2026-11-23T09:00:00Z", "--json").json
    assert shown["plan"] == {"name": "default", "chosen_by": "default", "organisation": None}
    target = shown["targets"][0]
    assert (target["target"], target["due_at"]) == ("first-response", "2026-11-23T12:00:00Z")
    assert sum(line.get("seconds", 0) for line in target["lines"]) == target["goal_seconds"] == 4 * 3600
    assert "there was no ticket 1 at that time" in shell.maild("sla", "explain", 1, "--at", "2026-11-01").err


def test_a_changed_configuration_can_be_looked_at_before_it_counts(shell):
    shell.opened("Printer on fire")
    same = shell.maild("sla", "recompute", "--dry-run")
    assert (same.code, same.out) == (0, "all open tickets already have the deadlines of the present configuration\n")
    plan = '\n[[sla_plan]]\nname = "default"\nfirst_response = "2h"\nresolution = "18h"\n'
    shell.config.write_text(shell.config.read_text() + plan)
    at = ["--at", "2026-11-23T11:00:00Z"]
    dry = shell.maild("sla", "recompute", "--dry-run", *at).out.splitlines()
    assert dry[0] == "ticket 1: Printer on fire"
    assert dry[1].startswith("  first response now due Mon 2026-11-23 11:00 CET (was Mon 2026-11-23 13:00 CET)")
    assert dry[1].endswith(", now overdue")
    assert any(line.startswith("1 would change, 0 unchanged") for line in dry)
    shown = shell.maild("sla", "recompute", "--dry-run", "--json", *at).json
    assert shown["dry_run"] is True
    (ticket,) = shown["tickets"]
    assert (ticket["ticket"], ticket["plan"]) == (1, {"before": "default", "after": "default"})
    assert ticket["differences"][0] == {
        "target": "first-response",
        "before": "2026-11-23T12:00:00Z",
        "after": "2026-11-23T10:00:00Z",
        "newly_overdue": True,
    }
    assert "1 changed, 0 unchanged" in shell.maild("sla", "recompute", *at).out
    assert "all open tickets already have" in shell.maild("sla", "recompute", *at).out
    events = shell.maild("ticket", "show", 1, "--json", *at).json["events"]
    told = "first response now due Mon 2026-11-23 11:00 CET (was Mon 2026-11-23 13:00 CET): the configuration changed"
    assert f"{told} (SLA)" in shell.maild("ticket", "show", 1, *at).out
    moved = next(event for event in events if event["kind"] == "deadline-moved")
    assert moved["detail"]["reason"] == "the configuration changed"


def test_mails_are_held_released_retried_and_dropped(shell):
    shell.opened("Printer on fire")
    assert shell.maild("outbox", "hold", "--all").out.count("held") == 2
    assert shell.maild("outbox", "flush", "--at", "2026-12-01T00:00:00Z").out.startswith("0 sent")
    assert shell.maild("outbox", "release", 1).code == 0
    assert shell.maild("outbox", "release", 1).code == 1  # it is not held any more
    assert shell.maild("outbox", "drop", 2).code == 0
    assert shell.maild("outbox", "retry", 2).code == 1
    assert shell.maild("outbox", "retry").code == 2
    assert shell.maild("outbox", "flush", "--at", "2026-12-01T00:00:00Z").out.startswith("1 sent")
    assert len(shell.sent()) == 1
    raw = shell.maild("outbox", "show", 1, "--raw").out
    assert raw.replace("\r\n", "\n") in shell.sent()[0].decode().replace("\r\n", "\n")


def test_a_replayed_mail_is_judged_again(shell):
    hops = "Received: from a by b\n" * 60
    shell.maild("inject", shell.write("hops.eml", hops + shell.mail().read_text()))
    assert "1" in shell.maild("quarantine", "list").out
    assert "Received" in shell.maild("quarantine", "show", 1, "--raw").out
    again = shell.maild("quarantine", "replay", "--json", 1)
    assert (again.code, again.lines[0]["outcome"]) == (0, "quarantined")
    assert shell.maild("quarantine", "replay", 99).code == 1
    assert shell.maild("quarantine", "replay").code == 2


def test_a_configuration_is_checked_and_shown(shell):
    assert ": OK." in shell.maild("check").out
    assert shell.maild("check", "--quiet").out == ""
    assert shell.maild("config", "show", "--json").json["helpdesk"]["name"] == "Acme Support"
    assert "Acme Support" in shell.maild("config", "show").out
    assert "[helpdesk]" in shell.maild("config", "example").out
    text = shell.config.read_text()
    shell.config.write_text(text.replace("[relay]", "[rely]").replace('manager = "ana"', 'manager = "anna"'))
    broken = shell.maild("check")
    assert broken.code == 2
    assert "maild.toml:" in broken.err
    assert "relay" in broken.err
    assert "ana" in broken.err


def test_without_a_configuration_it_is_said_where_one_was_looked_for(shell):
    shell.config.unlink()
    done = shell.maild("ticket", "list")
    assert done.code == 2
    assert "maild.toml" in done.err


def test_lists_are_for_people_too(shell):
    shell.opened("Printer on fire", "Scanner hums")
    shell.maild("ticket", "do", 2, "assign", "jane")
    listed = shell.maild("ticket", "list").out
    assert "Printer on fire" in listed
    assert "Scanner hums" in listed
    assert shell.maild("ticket", "list", "--assignee", "Jane").out.count("\n") == 2
    assert shell.maild("ticket", "list", "--department", "Support", "--status", "closed").out.count("\n") == 1
    assert "acknowledgement" in shell.maild("outbox", "list").out
    assert "acknowledgement" in shell.maild("outbox", "list", "--state", "queued").out
    assert "acknowledgement" not in shell.maild("outbox", "list", "--state", "sent").out
    assert "parse" in shell.maild("explain", 1).out
    assert "nothing was written" in shell.maild("explain", shell.mail("Third", id="3")).out


def test_a_held_mail_counts_once_it_is_released(shell):
    shell.opened("Printer on fire")
    token = shell.maild("ticket", "show", 1, "--json").json["token"]
    stranger = shell.mail(f"[#{token}]", text="I am Bob's colleague.", id="9").read_text().replace("bob@", "eve@")
    held = shell.maild("inject", "--json", shell.write("held.eml", stranger)).lines[0]
    released = shell.maild("held", "release", "--json", held["inbound"])
    assert (released.code, released.lines[0]["outcome"]) == (0, "replied")
    assert shell.maild("ticket", "show", 1, "--json").json["entries"][-1]["text"] == "I am Bob's colleague."
    assert shell.maild("held", "release", held["inbound"]).code == 1
    assert shell.maild("held", "list", "--json").json == []


def test_of_many_mails_set_aside_the_newest_are_listed(shell):
    hops = "Received: from a by b\n" * 60
    for number in (1, 2, 3):
        shell.maild("inject", shell.write(f"{number}.eml", hops + shell.mail(id=str(number)).read_text()))
    listed = shell.maild("quarantine", "list", "--json", "--limit", 2)
    assert [row["id"] for row in listed.json] == [2, 3]
    assert "these are the newest 2; use a higher --limit" in listed.err
    assert len(shell.maild("quarantine", "list", "--json", "--limit", 3).json) == 3


def test_a_release_obeys_no_command_in_an_agents_name(shell):
    shell.opened("Printer on fire")
    token = shell.maild("ticket", "show", 1, "--json").json["token"]
    forged = shell.mail(f"[#{token}]", text="!close quiet", id="9").read_text()
    forged = forged.replace("Bob Miller <bob@client.example>", "Jane <jane@acme.example>")
    held = shell.maild("inject", "--json", shell.write("forged.eml", forged)).lines[0]
    assert held["outcome"] == "held"
    again = shell.maild("held", "release", "--json", held["inbound"]).lines[0]
    assert (again["outcome"], shell.maild("ticket", "show", 1, "--json").json["status"]) == ("held", "open")


def test_mails_set_aside_can_be_dropped_and_keep_their_bytes(shell):
    hops = "Received: from a by b\n" * 60
    shell.maild("inject", shell.write("hops.eml", hops + shell.mail().read_text()))
    assert shell.maild("quarantine", "drop", 1).code == 0
    assert shell.maild("quarantine", "list", "--json").json == []
    assert shell.maild("explain", "--json", "--inbound", 1).json["outcome"] == "ignored"
    assert shell.maild("quarantine", "drop", 1).code == 1
    assert shell.maild("held", "drop").code == 2


LATER = "2026-11-24T08:00:00Z"


def test_lists_in_the_words_of_mail(shell):
    shell.opened("Printer on fire", "Scanner melts")
    shell.maild("ticket", "do", "--at", "2026-11-23T09:00:00Z", 2, "close")

    def listed(*words):
        return [row["number"] for row in shell.maild("ticket", "list", "--at", LATER, *words, "--json").json]

    assert (listed(), listed("open"), listed("closed"), listed("all")) == ([1], [1], [2], [2, 1])
    assert listed("from:client.example", "7d") == [2, 1]
    assert listed("unassigned", "--department", "support") == [1]
    assert listed("--status", "closed") == [2]
    refused = shell.maild("ticket", "list", "opne", "unassigned")
    assert refused.code == 2
    assert "did you mean: list open unassigned" in refused.err
    assert "belongs to no agent" in shell.maild("ticket", "list", "mine").err


def test_search_on_the_command_line(shell):
    shell.opened("Printer on fire", "Scanner melts")
    shell.maild("ticket", "do", 2, "note", "the paper jam again")
    (found,) = shell.maild("search", "paper jam", "--json").json
    assert (found["number"], found["subject"], found["line"]) == (2, "Scanner melts", "the paper jam again")
    assert found["requester"]["address"] == "bob@client.example"
    told = shell.maild("search", "melt*")
    assert told.code == 0
    assert "Scanner melts" in told.out
    assert shell.maild("search", "nothing-like-it", "--json").json == []
    assert shell.maild("search", "toner", "dept=nowhere").code == 2
    assert len(shell.maild("search", "bob@client.example", "--limit", 1, "--json").json) == 1


# -- agents -----------------------------------------------------------------------------------------------------------


def test_an_agent_is_shown_with_what_they_wish_to_hear(shell):
    name = shell.maild("agent", "show", "nobody at all").err.partition("choose from: ")[2].split(",")[0].strip()
    assert shell.maild("agent", "prefs", name).out.startswith("no preferences")
    assert shell.maild("agent", "prefs", name, "notify", "quiet", "20:00-7:00").code == 0
    assert shell.maild("agent", "prefs", name, "digest weekly mon 8:30").code == 0
    assert shell.maild("agent", "prefs", name, "--json").json == {
        "agent": name,
        "wishes": ["digest weekly mon 08:30", "notify quiet 20:00-07:00"],
    }
    shown = shell.maild("agent", "show", name, "--json").json
    assert (shown["name"], shown["quiet"], shown["away_until"], shown["tickets"]) == (name, "20:00-07:00", None, 0)
    assert shown["wishes"] == {"digest": "weekly mon 08:30", "quiet": "20:00-07:00"}
    assert "20:00-07:00" in shell.maild("agent", "show", name).out


def test_a_wish_that_is_none_changes_nothing_and_is_told(shell):
    name = shell.maild("agent", "show", "?").err.partition("choose from: ")[2].split(",")[0].strip()
    refused = shell.maild("agent", "prefs", name, "notify", "nwe", "off")
    assert (refused.code, refused.out) == (1, "")
    assert f"did you mean: maild agent prefs {name} notify new off" in refused.err
    assert shell.maild("agent", "prefs", name, "substitute", name).code == 1
    assert shell.maild("agent", "prefs", name, "--json").json["wishes"] == []
    assert shell.maild("agent", "show", "nobody").code == 1


def test_an_agent_who_leaves_gives_up_marks_and_tickets_and_is_named_where_they_stand(shell):
    shell.opened("Printer on fire")
    names = shell.maild("agent", "show", "?").err.partition("choose from: ")[2].strip().split(", ")
    leaves, heir = names[0], names[1]
    shell.maild("ticket", "do", 1, "assign", leaves)
    told = shell.maild("agent", "revoke", leaves, "--to", heir, "--json").json
    assert (told["agent"], told["reassigned"]) == (leaves, [1])
    assert f"[[agent]] {leaves}" in told["named_in"]
    (listed,) = shell.maild("ticket", "list", "--json").json
    assert listed["assignee"] == heir
    assert shell.maild("agent", "revoke", leaves, "--to", leaves).code == 2


def test_a_mail_that_holds_an_agents_mark_fails_and_says_why(shell):
    """The customer quotes a reply address of an agent, and the admin shows somebody what they wrote."""
    shell.maild("inject", "--at", "2026-11-23T08:00:00Z", shell.mail())
    shell.maild("outbox", "flush", "--at", "2026-11-23T09:00:00Z")
    address = next(found[0] for raw in shell.sent() if (found := re.findall(rb"[^\s<]+\+a1r\d+s\d+\.[^\s>]+", raw)))
    answer = shell.mail("Re: Printer on fire", f"What is {address.decode()}?", id="2")
    raw = answer.read_bytes().replace(b"\n\n", b"\nIn-Reply-To: <1@client.example>\n\n", 1)
    shell.maild("inject", "--at", "2026-11-23T09:01:00Z", shell.write("2.eml", raw))
    done = shell.maild("ticket", "do", 1, "cc", "ann@client.example", "+history")
    assert done.code == 0, done
    shell.maild("outbox", "flush", "--at", "2026-12-24T00:00:00Z")
    (row,) = shell.maild("outbox", "list", "--state", "failed", "--json").json
    shown, bytes_of = shell.maild("outbox", "show", row["id"]), shell.maild("outbox", "show", row["id"], "--raw")
    assert "a reply address of an agent stands in its text" in shown.out
    assert (bytes_of.code, bytes_of.out) == (1, "")
    assert "it never leaves: a reply address of an agent stands in its text" in bytes_of.err
    assert not any(b"\r\nTo: ann@client.example" in raw for raw in shell.sent())
