"""`maild explain FILE --json`: the effects are those that `maild inject FILE` then has."""

import email

import pytest

MUTED = '\n[[rule]]\nwhen = { from = "*@client.example" }\nthen = { mute = true }\n'


def explained(shell, path) -> list[str]:
    done = shell.maild("explain", path, "--json")
    assert done.code == 0, done.err
    assert set(done.json) == {"inbound", "ticket", "outcome", "reason", "steps", "effects"}
    return done.json["effects"]


def answered(shell, ticket: int, text: str):
    """John's answer to the notice of a ticket -> the file."""
    rows = shell.maild("outbox", "list", "--json").json
    (row,) = (r for r in rows if (r["template"], r["ticket"], r["to"]) == ("new-ticket", ticket, ["john@acme.example"]))
    notice = email.message_from_string(shell.maild("outbox", "show", row["id"], "--raw").out)
    head = f"From: John Smith <john@acme.example>\nTo: {notice['Reply-To']}\nSubject: Re: {notice['Subject']}\n"
    return shell.write(
        "answer.eml", f"{head}In-Reply-To: {notice['Message-ID']}\nMessage-ID: <a@acme.example>\n\n{text}\n"
    )


def test_a_rule_that_mutes_leaves_no_notice_to_agents(shell):
    plain = explained(shell, shell.mail())
    assert [line for line in plain if line.startswith("mail new-ticket to john@acme.example: ")]
    shell.config.write_text(shell.config.read_text() + MUTED)
    muted = explained(shell, shell.mail())
    assert [line for line in muted if line.startswith("mail ")] == [
        "mail acknowledgement to bob@client.example: you wrote to us"
    ]
    assert shell.maild("ticket", "list", "--json").json == []  # nothing was written


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("!link 2", ["event linked (ticket 2)"]),
        ("!split Scanner is dead", ["event opened (a new ticket)"]),
    ],
)
def test_the_other_ticket_is_named(shell, text, elsewhere):
    shell.opened("Printer on fire", "Scanner melts")
    effects = explained(shell, answered(shell, 1, text))
    assert [line for line in effects if line.startswith("event ") and line.endswith(")")] == elsewhere


def test_an_undo_names_the_ticket_that_it_reaches(shell):
    shell.opened("Printer on fire", "Scanner melts")
    assert shell.maild("inject", "--json", answered(shell, 1, "!link 2")).lines[0]["outcome"] == "commanded"
    effects = explained(shell, answered(shell, 1, "!undo").rename(shell.folder / "undo.eml"))
    assert [line for line in effects if line.endswith("(ticket 2)")] == [
        "event unlinked (ticket 2)",
        "event undone (ticket 2)",
    ]
    assert "-> event unlinked (ticket 2)" in shell.maild("explain", shell.folder / "undo.eml").out
