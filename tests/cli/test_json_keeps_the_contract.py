"""The documents that scripts rely on: every field there, with its type. Fields may be added, none may go."""

import re
from typing import Any

NULL = type(None)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Moment(str):
    """A time in RFC 3339, UTC."""


class OneOf:
    def __init__(self, words: str) -> None:
        self.words = set(words.split())


STATUS = OneOf("open waiting resolved closed spam")
PRIORITY = OneOf("low normal high emergency")
OUTCOME = OneOf("opened replied noted commanded ignored bounced duplicate held quarantined rejected")
STOP = OneOf("limits parse authentication classify route rules decide notices")

INJECT = {"inbound": int, "outcome": OUTCOME, "ticket": (int, NULL), "reason": str}
TICKET = {
    "number": int,
    "token": str,
    "subject": str,
    "status": STATUS,
    "priority": PRIORITY,
    "sla_plan": str,
    "department": (str, NULL),
    "team": (str, NULL),
    "assignee": (str, NULL),
    "requester": {"address": str, "name": str},
    "created_at": Moment,
    "updated_at": Moment,
    "due_at": (Moment, NULL),
    "overdue": bool,
}
ATTACHMENT = {"name": str, "content_type": str, "size": int, "sha256": str, "inline": bool}
ENTRY = {
    "id": int,
    "kind": OneOf("message reply note"),
    "author": {"address": str, "name": str, "role": OneOf("requester participant agent system")},
    "at": Moment,
    "text": str,
    "html": str,
    "message_id": str,
    "trust": OneOf("verified claimed failed"),
    "delivery": OneOf("none queued sent bounced deferred failed held"),
    "attachments": [ATTACHMENT],
}
SHOWN = TICKET | {
    "participants": [{"address": str, "name": str, "role": OneOf("cc third-party")}],
    "tags": [str],
    "topic": (str, NULL),
    "closed_at": (Moment, NULL),
    "links": [int],
    "merged_into": (int, NULL),
    "sla": [
        {
            "target": OneOf("first-response next-response resolution"),
            "due_at": (Moment, NULL),
            "met_at": (Moment, NULL),
            "breached_at": (Moment, NULL),
            "paused": bool,
        }
    ],
    "entries": [ENTRY],
    "events": [{"at": Moment, "kind": str, "by": str, "detail": dict}],
}
SET_ASIDE = {"id": int, "inbound": int, "reason": str, "attempts": int, "at": Moment, "from": str, "subject": str}
TICK = {
    "steps": [{"ticket": int, "target": str, "step": str, "notified": [str]}],
    "timers": int,
    "digests": int,
}
OUTBOX = {
    "id": int,
    "ticket": (int, NULL),
    "template": str,
    "to": [str],
    "envelope_from": str,
    "subject": str,
    "message_id": str,
    "state": OneOf("queued sending sent deferred failed held dropped"),
    "attempts": int,
    "next_at": (Moment, NULL),
    "last_answer": str,
}
FLUSH = {"sent": int, "deferred": int, "failed": int}
EXPLAIN = {
    "inbound": (int, NULL),
    "ticket": (int, NULL),
    "outcome": str,
    "steps": [{"stop": STOP, "verdict": str, "reason": str}],
    "effects": [str],
}


def unlike(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Where a document differs from its shape."""
    if isinstance(shape, tuple):
        return [] if any(not unlike(value, one) for one in shape) else [f"{path}: {value!r} is none of {shape}"]
    if isinstance(shape, OneOf):
        return [] if value in shape.words else [f"{path}: {value!r} is not of {sorted(shape.words)}"]
    if isinstance(shape, dict):
        missing = [f"{path}.{key} is missing" for key in shape if key not in value]
        return missing + [f for key in shape if key in value for f in unlike(value[key], shape[key], f"{path}.{key}")]
    if isinstance(shape, list):
        assert isinstance(value, list), path
        return [f for index, item in enumerate(value) for f in unlike(item, shape[0], f"{path}[{index}]")]
    if shape is Moment:
        return [] if isinstance(value, str) and MOMENT.fullmatch(value) else [f"{path}: {value!r} is no time"]
    return [] if type(value) is shape else [f"{path}: {value!r} is no {shape.__name__}"]


ATTACHING = """\
From: Karen <karen@client.example>
To: support@acme.example
Subject: A file
Message-ID: <file@client.example>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

See the file.
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b--
"""


def test_a_shape_that_is_not_kept_is_noticed():
    assert unlike({"inbound": 1, "outcome": "lost", "ticket": "x"}, INJECT) == [
        "$.reason is missing",
        "$.outcome: 'lost' is not of " + repr(sorted(OUTCOME.words)),
        "$.ticket: 'x' is none of (<class 'int'>, <class 'NoneType'>)",
    ]
    assert unlike({"due_at": "tomorrow"}, {"due_at": Moment}) == ["$.due_at: 'tomorrow' is no time"]


def test_inject_prints_a_line_for_each_mail(shell):
    files = [shell.mail("One", id="1"), shell.write("2.eml", ATTACHING), shell.mail("Again", id="1")]
    lines = shell.maild("inject", "--json", *files).lines
    assert [f for line in lines for f in unlike(line, INJECT)] == []
    assert len(lines) == 3


def test_tickets_are_listed_and_shown(shell):
    shell.opened("Printer on fire")
    shell.maild("inject", shell.write("file.eml", ATTACHING))
    shell.maild("ticket", "do", 1, "reply", "We", "are", "on", "it.")
    listed = shell.maild("ticket", "list", "--json").json
    assert [f for one in listed for f in unlike(one, TICKET)] == []
    shown = [shell.maild("ticket", "show", number, "--json").json for number in (1, 2)]
    assert [f for one in shown for f in unlike(one, SHOWN)] == []
    assert shown[0]["entries"][1]["kind"] == "reply"
    assert shown[0]["entries"][1]["delivery"] == "queued"
    assert shown[1]["entries"][0]["attachments"][0]["name"] == "a.pdf"
    assert {event["kind"] for event in shown[0]["events"]} >= {"opened", "replied"}


def test_doing_prints_the_events(shell):
    shell.opened("Printer on fire")
    done = shell.maild("ticket", "do", "--json", 1, "assign", "jane").json
    assert [event["kind"] for event in done["events"]] == ["assigned"]
    assert done["events"][0]["detail"]["assignee"] == "jane"


def test_ticks_and_the_outbox(shell):
    shell.opened("Printer on fire")
    tick = shell.maild("tick", "--json", "--at", "2026-11-30T12:00:00Z").json
    assert unlike(tick, TICK) == []
    assert tick["steps"]
    rows = shell.maild("outbox", "list", "--json", "--state", "all").json
    assert [f for row in rows for f in unlike(row, OUTBOX)] == []
    assert unlike(shell.maild("outbox", "show", rows[0]["id"], "--json").json, OUTBOX) == []
    flushed = shell.maild("outbox", "flush", "--json", "--at", "2026-12-01T12:00:00Z").json
    assert unlike(flushed, FLUSH) == []
    assert flushed["sent"] == len(rows)


def test_held_and_quarantined_mails(shell):
    shell.opened("Printer on fire")
    token = shell.maild("ticket", "show", 1, "--json").json["token"]
    stranger = shell.mail("x", id="9").read_text().replace("bob@", "eve@").replace("Subject: x", f"Subject: [#{token}]")
    held = shell.maild("inject", "--json", shell.write("held.eml", stranger)).lines[0]
    assert (held["outcome"], held["reason"]) == ("held", "token-from-another-address")
    hops = "Received: from a by b\n" * 60
    looping = shell.maild("inject", "--json", shell.write("hops.eml", hops + shell.mail(id="10").read_text())).lines[0]
    assert looping["outcome"] == "quarantined"
    for noun, line in (("held", held), ("quarantine", looping)):
        (found,) = shell.maild(noun, "list", "--json").json
        assert unlike(found, SET_ASIDE) == []
        assert found["id"] == line["inbound"]
        assert unlike(shell.maild(noun, "show", found["id"], "--json").json, SET_ASIDE) == []


def test_explanations_of_files_and_tickets(shell):
    shell.opened("Printer on fire")
    dry = shell.maild("explain", "--json", shell.mail("Another", id="77")).json
    assert unlike(dry, EXPLAIN) == []
    assert (dry["inbound"], dry["outcome"]) == (None, "opened")
    past = shell.maild("explain", "--json", 1).json
    assert unlike(past, EXPLAIN) == []
    assert past["inbound"] == 1
    assert {step["stop"] for step in past["steps"]} >= {
        "parse",
        "authentication",
        "classify",
        "route",
        "rules",
        "decide",
    }
    assert shell.maild("explain", "--json", "--inbound", 1).json == past
    assert len(shell.maild("ticket", "list", "--status", "all", "--json").json) == 1  # nothing was written
