"""Templates: what they say, what they cannot do, and what happens when one is wrong."""

import json
import os
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from maild.mail.templates import lint as template_lint
from maild.mail.templates.filters import COLUMNS, FILTERS, columns, greeting, head, listing, size, transcript, wrap
from maild.mail.templates.lint import contrast, faults_of_html
from maild.mail.templates.render import (
    DEFAULTS,
    MAX_TEXT,
    TEMPLATES,
    Rendered,
    Renderer,
    TemplateFailed,
    fixtures,
    shipped_templates,
)
from tests.rig.misses import in_turn

TEXT_ONLY = {"page"}
EXAMPLES = fixtures()
SHIPPED = Renderer()
NOTICES = [(template, case) for template, cases in EXAMPLES.items() for case in cases if template not in TEXT_ONLY]
FOR_CUSTOMERS = ("acknowledgement", "reply", "closed", "status", "history", "waiting-reminder", "monthly-report")
FOR_AGENTS = tuple(template for template in TEMPLATES if template not in {*FOR_CUSTOMERS, *TEXT_ONLY})


def example(template: str, case: str = "plain", **changes: Any) -> dict[str, Any]:
    return {**EXAMPLES[template][case], **changes}


def render(template: str, case: str = "plain", **changes: Any) -> tuple[str, str]:
    made = SHIPPED.render(template, example(template, case, **changes))
    return made.text, made.html


class Words(HTMLParser):
    """The words that a reader of the HTML part sees, the hidden preview apart."""

    def __init__(self) -> None:
        super().__init__()
        self.preview = ""
        self.seen: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = "display:none" in (dict(attrs).get("style") or "")
        if tag not in ("meta", "br"):
            self._inside.append("hidden" if hidden else tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside.pop()

    def handle_data(self, data: str) -> None:
        if "hidden" in self._inside:
            self.preview += data
        elif not {"style", "title"} & set(self._inside) and data.strip():
            self.seen.append(" ".join(data.split()))


def words(html: str) -> Words:
    reader = Words()
    reader.feed(html)
    return reader


# -- every template ------------------------------------------------------------------------------------------


def test_the_shipped_templates_have_no_faults() -> None:
    assert Renderer().lint() == []


def test_every_template_has_three_fixtures_and_one_is_hostile() -> None:
    assert set(EXAMPLES) == set(TEMPLATES)
    for template, cases in EXAMPLES.items():
        assert len(cases) >= 3, template
        assert "hostile" in cases, template


@in_turn(("template", "case"), NOTICES)
def test_html_is_fit_for_mail_clients(template: str, case: str) -> None:
    text, html = render(template, case)
    assert html.startswith('<!doctype html>\n<html lang="en" dir="ltr">')
    assert len(html.encode()) < 20_000
    assert "http:" not in html
    assert 'role="article"' in html
    assert text.endswith("\n")
    assert "\n\n\n" not in text
    assert words(html).preview.strip()


@in_turn(("template", "case"), NOTICES)
def test_a_strangers_words_are_only_words(template: str, case: str) -> None:
    context = json.loads(json.dumps(EXAMPLES[template][case]).replace("7*7", "7*191"))
    made = SHIPPED.render(template, context)
    text, html = made.text, made.html
    for part in (text, html):
        assert "1337" not in part
        assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in part)
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in text


def test_braces_of_a_mail_appear_as_written() -> None:
    text, html = render("new-ticket", "hostile")
    for part in (text, html):
        assert part.count("{{7*7}}") >= 4
        assert "{{ cycler.__init__.__globals__ }}" in part
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@in_turn(("template", "case"), NOTICES)
def test_our_prose_keeps_to_72_columns(template: str, case: str) -> None:
    if case in ("hostile", "arabic"):
        return
    context = example(template, case)
    theirs = {
        line.strip()
        for said in (context["entry"], context["last_message"])
        if said
        for line in said["text"].splitlines()
    }
    theirs |= {line.strip() for line in context["help"].splitlines()}
    theirs |= {line.strip() for line in context["original_text"].splitlines()}
    for line in render(template, case)[0].splitlines():
        if len(line) > COLUMNS:
            assert line.removeprefix("> ").strip() in theirs or line.startswith("   ^--"), line


@in_turn("template", TEMPLATES)
def test_whatever_may_be_null_may_be(template: str) -> None:
    nothing = dict.fromkeys(("entry", "last_message", "due", "actor", "answer"))
    made = SHIPPED.render(template, next(iter(EXAMPLES[template].values())) | nothing)
    assert template in TEXT_ONLY or faults_of_html(made.html) == []
    assert "None" not in made.text + made.html


def test_a_page_is_one_line_of_words() -> None:
    assert SHIPPED.render("page", EXAMPLES["page"]["many"]) == Rendered(
        "Resolution was due 6 h 42 min ago, Fri 21 Nov 09:00 CET. Normal, nobody; 499 more: Printer on fire\n", ""
    )
    hostile = SHIPPED.render("page", EXAMPLES["page"]["hostile"]).text
    assert hostile.count("\n") == 1
    assert "{{7*7}}" in hostile


def test_many_alarms_are_a_list_that_can_be_answered() -> None:
    text, html = render("sla-gathered")
    for part in (text, html):
        assert "#1042" in part
        assert "Resolution was due 2 d 3 h ago, Wed 19 Nov 09:00" in part
    assert "Resolution due in 40 min" in text
    assert "9 more" in render("sla-gathered", "beyond")[0]
    assert all(f"#{number}" in render("sla-gathered", "beyond")[0] for number in range(2000, 2009))


# -- mail to agents ------------------------------------------------------------------------------------------


@in_turn(("template", "case"), [(t, c) for t, c in NOTICES if t in FOR_AGENTS])
@in_turn(
    ("answer", "line"),
    [
        (
            {"scope": "r", "to": "Bob Miller <bob@client.example>", "copies": []},
            "Your answer goes to Bob Miller <bob@client.example>.",
        ),
        (
            {"scope": "r", "to": "bob@client.example", "copies": ["eve@client.example"]},
            "Your answer goes to bob@client.example, copy to eve@client.example.",
        ),
        ({"scope": "n", "to": "", "copies": []}, "Your answer stays inside Acme Support (internal note)."),
    ],
)
def test_line_1_says_what_an_answer_does(template: str, case: str, answer: dict[str, Any], line: str) -> None:
    text, html = render(template, case, answer=answer)
    assert text.split("\n\n", 1)[0].replace("\n", " ") == line
    assert words(html).seen[1] == line if words(html).seen[0] == "\xa0" else words(html).seen[0] == line


@in_turn("template", FOR_AGENTS)
def test_the_preview_says_what_happened(template: str) -> None:
    case = next(iter(EXAMPLES[template]))
    preview = " ".join(words(render(template, case)[1]).preview.split())
    beginnings = {
        "new-ticket": "New ticket from Bob Miller: The printer on the second floor smokes",
        "message": "Bob Miller wrote: It is still burning.",
        "note": "Ana Silva noted: Talked to the building manager",
        "assigned": "Ana Silva assigned this ticket to you",
        "transferred": "Ana Silva moved this ticket to System Administrators",
        "sla-warning": "First response is due in 3 h 18 min: Fri 21 Nov 16:00 CET. Printer on fire",
        "sla-breach": "First response is overdue by 25 min: it was due Fri 21 Nov 09:00 CET.",
        "feedback": "Nothing was changed and nothing was sent: !clsoe unknown command",
        "held": "Your text is held: there is news on this ticket. John Smith answered the customer",
        "list": "list open mine: #1042 Printer on fire; #1051 Excel does not start",
        "digest": "Your tickets: 1 overdue, 1 due soon, 1 without an owner: #1042 Printer on fire; #1051",
        "was-this-you": "Was this you? A mail came in your name",
        "answers-stopped": "Acme Support answers nobody by itself for an hour",
        "gathered": "4 more notices about 3 tickets",
        "sla-gathered": "2 tickets overdue, 1 ticket due soon",
    }
    assert preview.startswith(beginnings[template])
    assert len(preview) < 250


def test_a_new_ticket_in_full() -> None:
    assert render("new-ticket")[0] == (
        "Your answer goes to Bob Miller <bob@client.example>.\n"
        "\n"
        "New ticket from Bob Miller, Fri 21 Nov 10:42 CET: Printer on fire\n"
        "\n"
        "    The printer on the second floor smokes when it prints more than ten pages. Photo attached.\n"
        "\n"
        "    We switched it off and on again:\n"
        "      1. it warms up\n"
        "      2. it hums\n"
        "      3. it smokes\n"
        "\n"
        "    Bob\n"
        "\n"
        "Attached: printer.jpg (184 KB)\n"
        "\n"
        "Support · normal priority · assigned to nobody · SLA plan default ·\n"
        "first response due Fri 21 Nov 16:00 CET (3 h 18 min left)\n"
        "\n"
        "To act, begin your answer with one of these lines:\n"
        "\n"
        "    Take it:  !take\n"
        "    Wait for Bob:  !wait\n"
        "    Close it:  !close\n"
        "\n"
        "-- \n"
        "Why you got this: you work in the department Support.\n"
        "Ticket 1042 · trace 01J9ZK6M3Q · commands: reply !help\n"
    )


def test_actions_are_buttons_that_open_a_mail_and_lines_to_type() -> None:
    text, html = render("message")
    assert html.count('href="mailto:support%2Ba1042r7s4.') == 3
    assert "!take" in html
    assert "&amp;body=" in html
    assert "    Close it:  !close\n" in text


def test_without_reply_addresses_the_lines_to_type_remain() -> None:
    actions = [{"label": "Take it", "mailto": "", "typed": "!take"}]
    text, html = render("message", actions=actions)
    assert "<a " not in html
    assert "To act, begin your answer with !take." in " ".join(words(html).seen).replace(" .", ".")
    assert "Take it:  !take" in text


def test_a_quiet_notice_asks_for_nothing() -> None:
    text, html = render("note", "quiet")
    assert "mailto:" not in html
    assert "To act" not in text


def test_a_late_ticket_is_called_overdue_in_words() -> None:
    text, html = render("message", "overdue")
    assert "first response OVERDUE since Thu 20 Nov 16:00 CET (by 18 h 42 min)" in " ".join(text.split())
    assert "First response OVERDUE since Thu 20 Nov 16:00 CET" in html


def test_quotes_that_were_folded_are_mentioned() -> None:
    for part in render("message"):
        assert "[+ 38 quoted lines]" in part


def test_a_colleagues_answer_names_both() -> None:
    assert "Ana Silva answered Bob Miller, Fri 21 Nov 11:15 CET:" in render("message", "a colleague answered")[0]


def test_a_note_without_words_tells_the_news() -> None:
    text, html = render("note", "a bounce")
    assert (
        "The mail to bob@client.example was not delivered: mailbox full (5.2.2).\n\n* the first response is due again"
        in text
    )
    assert html.count("mailbox full") == 2  # preview and heading


def test_the_customers_last_message_is_quoted_and_a_long_one_is_cut() -> None:
    long = example("note")["last_message"] | {"text": "\n".join(f"line {number}" for number in range(100))}
    text, html = render("note", last_message=long)
    assert "> line 39\n> [+ 60 more lines]\n" in text
    assert "line 40" not in text
    assert "[+ 60 more lines]" in html


def test_a_transcript_marks_each_fault_and_shows_the_mend() -> None:
    text, html = render("feedback", "typing error")
    assert "Nothing was changed and nothing was sent." in text
    assert " > !clsoe\n   ^-- Unknown command. Did you mean !close ?\n" in text
    assert "    Done, new cable shipped.\n    !close\n    !assign samo\n" in text
    assert "Send it corrected" in html
    assert "&amp;body=Done%2C%20new%20cable%20shipped.%0D%0A%21close" in html


def test_receipt_and_help() -> None:
    assert "Done:\n\n* priority normal -> emergency\n" in render("feedback", "receipt")[0]
    text, html = render("feedback", "help")
    assert "!assign NAME       give it to an agent or a team  (give)\n" in text
    assert "!assign NAME" in html


# -- charts --------------------------------------------------------------------------------------------------


def test_charts_as_text_stand_in_72_columns() -> None:
    text, _ = render("list", "figures")
    assert (
        "New tickets        ▃▃█▅▂▁   14, most 6 on Thu 30 Apr\n"
        "\n"
        "How long it took, in business time\n"
        "  Target               Half within   90 % within        Number\n"
        "  First response        3 h 23 min   66 h 40 min            15\n"
        "  Next response          none came     none came             0\n"
        "  Resolution            15 h 5 min   84 h 50 min            26\n"
        "\n"
        "In time, by SLA plan\n"
        "  default                ███████████████░░░░░  16 of 21\n"
        "  sev-b                  ██░░░░░░░░░░░░░░░░░░  2 of 18\n"
        "  sev-c                  ████████████████████  6 of 6\n"
        "\n"
        "What is left, by age: 3 open, 1 waiting for the customer\n"
        "  under 1 day                                  0\n"
    ) in text


class Tables(HTMLParser):
    """The tables of data: their captions, their headers, and the words of their cells."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, list[str]]] = []
        self._layouts: list[bool] = []
        self._cell = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self._layouts.append(given.get("role") == "presentation")
            if not self._layouts[-1]:
                self.found.append({"caption": [""], "col": [], "row": [], "td": []})
        elif tag in ("caption", "th", "td") and self._layouts and not self._layouts[-1]:
            self._cell = tag if tag != "th" else str(given["scope"])
            if tag != "caption":
                self.found[-1][self._cell].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._layouts.pop()

    def handle_data(self, data: str) -> None:
        if self._cell and self._layouts and not self._layouts[-1] and data.strip():
            self.found[-1][self._cell][-1] += data


def test_charts_as_html_are_tables_with_captions_headers_and_numbers_in_words() -> None:
    reader = Tables()
    reader.feed(render("list", "figures")[1])
    columns_, times, plans, ages = reader.found
    assert columns_["caption"] == ["New tickets · 14, most 6 on Thu 30 Apr"]
    assert columns_["col"] == ["Tue 28", "Wed 29", "Thu 30", "Fri 1", "Sat 2", "Sun 3", "Mon 4"]
    assert columns_["td"] == ["2", "2", "6", "3", "1", "0", ""]
    assert times["col"] == ["Target", "Half within", "90 % within", "Number"]
    assert times["row"] == ["First response", "Next response", "Resolution"]
    assert plans["row"] == ["default", "sev-b", "sev-c"]
    assert [cell for cell in plans["td"] if cell] == ["16 of 21", "2 of 18", "6 of 6"]
    assert ages["caption"] == ["What is left, by age · 3 open, 1 waiting for the customer"]


def test_what_was_missed_is_an_outline_and_not_a_colour_alone() -> None:
    html = render("list", "figures")[1]
    missed = [line for line in html.splitlines() if "border:2px solid" in line]
    of_plans = [plan for line in missed for plan in ("16 of 21", "2 of 18", "6 of 6") if plan in line]
    assert (len(missed), of_plans) == (2, ["16 of 21", "2 of 18"])


def test_a_letter_of_an_older_version_has_no_charts() -> None:
    context = example("list", "nothing")
    context["sections"] = [{key: each[key] for key in ("title", "note", "rows")} for each in context["sections"]]
    assert "No ticket." in SHIPPED.render("list", context).text


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('<table role="presentation"><tr><td>x</td></tr></table>', ""),
        ("<table><tr><td>x</td></tr></table>", 'a table for layout has no role="presentation"'),
        ('<table><caption>x</caption><tr><th scope="row">y</th></tr></table>', ""),
        ("<table><caption>x</caption><tr><td>y</td></tr></table>", "a table of data needs a <caption>"),
        ('<table><tr><th scope="row">y</th></tr></table>', "a table of data needs a <caption>"),
        ("<table><caption>x</caption><tr><th>y</th></tr></table>", "a table of data needs a <caption>"),
    ],
)
def test_a_table_is_for_layout_or_has_a_caption_and_headers(table: str, fault: str) -> None:
    faults = [each for each in faults_of_html(table) if "table" in each]
    assert len(faults) == bool(fault)
    assert all(each.startswith(fault) for each in faults)


def test_bars_show_on_light_and_dark_paper_and_turned_inside_out() -> None:
    for ink in ("#2f7fd1", "#b7791f"):
        for paper in ("#ffffff", "#15181c", "#000000"):
            assert contrast(ink, paper) >= 3  # WCAG 2.2, 1.4.11: graphics
        assert contrast(inverted(ink), inverted("#ffffff")) >= 3


def inverted(colour: str) -> str:
    return "#" + "".join(f"{255 - int(colour[place : place + 2], 16):02x}" for place in (1, 3, 5))


# -- mail to customers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EXAMPLES["acknowledgement"])
def test_an_acknowledgement_is_short_and_promises_a_person(case: str) -> None:
    text, html = render("acknowledgement", case)
    assert len(text.splitlines()) <= 15
    for part in (text, " ".join(words(html).seen)):
        part = " ".join(part.split())
        assert "A person at Acme Support will read it and answer you" in part
        assert "1042" in part
        assert "just reply to this mail" in part


def test_a_promise_is_made_only_where_there_is_one() -> None:
    assert "answer you by Fri 21 Nov 16:00 CET." in render("acknowledgement", "with a promise")[0].replace("\n", " ")
    assert " by " not in render("acknowledgement")[0]
    late = {"target": "first-response", "at": "2025-11-21T15:00:00Z", "local": "Fri", "left": "1 h", "late": True}
    assert " by " not in render("acknowledgement", due=late)[0]


@in_turn(
    ("name", "greeted"),
    [
        ("Bob Miller", "Hello Bob Miller,"),
        ("Jean-Luc d'Arc Jr.", "Hello Jean-Luc d'Arc Jr.,"),
        ("ليلى حداد", "Hello ليلى حداد,"),
        ("", "Hello,"),
        ("bob@client.example", "Hello,"),
        ("Win 1000 now https://x.example", "Hello,"),
        ("Miller, Bob", "Hello,"),
        ("x" * 41, "Hello,"),
    ],
)
def test_only_names_are_greeted(name: str, greeted: str) -> None:
    person = {"name": name, "address": "bob@client.example"}
    assert render("closed", "closed", recipient=person)[0].splitlines()[0] == greeted


def test_a_reply_is_the_agents_words_and_little_more() -> None:
    assert render("reply")[0] == (
        "Hello Bob,\n"
        "\n"
        "the fuser was replaced this morning, and ten test pages came out clean. "
        "Could you try one of your long reports?\n"
        "\n"
        "Until then please keep the cover open.\n"
        "\n"
        "-- \n"
        "Ana Silva\n"
        "Acme Support\n"
        "\n"
        "Ticket 1042. Reply to this mail to answer.\n"
    )


def test_an_answer_that_ends_the_ticket_says_how_to_reopen_it() -> None:
    for case, word in (("closing", "closed"), ("resolved", "resolved")):
        for part in render("reply", case):
            assert f"Ticket 1042 is {word}. Reply to this mail to reopen it." in part


def test_nothing_internal_is_told_to_customers() -> None:
    for template in FOR_CUSTOMERS:
        for case in EXAMPLES[template]:
            inside = example(template, case)
            inside["last_message"] = {**EXAMPLES["note"]["plain"]["entry"], "text": "SECRET NOTE"}
            inside |= {"changes": ["SECRET CHANGE"], "actions": EXAMPLES["message"]["plain"]["actions"]}
            made = SHIPPED.render(template, inside)
            for part in (made.text, made.html):
                assert "SECRET" not in part
                assert "!take" not in part
                assert "sla" not in part.lower()


# -- the closed room -----------------------------------------------------------------------------------------


def own(folder: Path, **templates: str) -> Renderer:
    for name, source in templates.items():
        (folder / f"closed.{name}.j2").write_text(source, encoding="utf-8")
    return Renderer(folder)


@in_turn(
    ("source", "line"),  # line 0: the fault has no line of its own
    [
        ("{{ ''.__class__ }}", 2),
        ("{{ ''.__class__.__mro__ }}", 2),
        ("{{ ticket.__class__ }}", 2),
        ("{{ (1).to_bytes(100000000, 'big') }}", 2),
        ("{{ self.__init__.__globals__ }}", 2),
        ("{{ cycler }}", 2),
        ("{{ range(10) }}", 2),
        ("{{ lipsum() }}", 2),
        ("{{ dict(a=1) }}", 2),
        ("{{ namespace() }}", 2),
        ("{{ 'a' * 1000000000 }}", 2),
        ("{{ [1] * 1000000000 }}", 2),
        ("{{ 10 ** 100000 }}", 2),
        ("{{ '%1000000000d' % 1 }}", 2),
        ("{{ '{0.__class__}'.format(1) }}", 2),
        ("{{ 'x'.format_map({}) }}", 2),
        ("{{ '{:1000000000}'.format('x') }}", 2),
        ("{{ 'x'.center(1000000000) }}", 2),
        ("{{ 'x'|center(1000000000) }}", 2),
        ("{{ 'x'|format(1) }}", 2),
        ("{{ '<b>'|safe }}", 2),
        ("{{ ticket|attr('__class__') }}", 2),
        ("{{ ticket.update({'number': 1}) }}", 2),
        ("{{ changes.append(1) }}", 2),
        ("{% for a in text %}{% endfor %}", 2),
        ("{{ missing }}", 2),
        ("{{ ticket.missing }}", 2),
        ("{% include 'none.txt.j2' %}", 0),
        ("{% include '../../../../etc/passwd' %}", 0),
        ("{% import 'os' as os %}", 0),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", 2),
        ("{% if %}", 2),
        ("{{ 'x'|wrap(width='y') }}", 2),
        ("{% for a in words %}{% for b in words %}{% for c in words %}{% endfor %}{% endfor %}{% endfor %}", 2),
        ("{% for a in words %}{% for b in words %}{{ words }}{% endfor %}{% endfor %}", 0),
    ],
)
def test_a_template_that_goes_too_far_fails_and_nothing_else_does(tmp_path: Path, source: str, line: int) -> None:
    renderer = own(tmp_path, txt="line 1\n" + source)
    context = {**example("closed", "closed"), "words": "w" * 2000}
    with pytest.raises(TemplateFailed) as failed:
        renderer.render("closed", context)
    assert failed.value.reason
    assert failed.value.template.endswith(".j2")
    assert failed.value.line == line
    assert renderer.render("shipped/closed", context).text.startswith("Hello Bob Miller,")


def test_a_failure_names_file_line_and_reason(tmp_path: Path) -> None:
    renderer = own(tmp_path, html="<p>\n\n{{ tikcet.number }}")
    with pytest.raises(TemplateFailed) as failed:
        renderer.render("closed", example("closed", "closed"))
    assert (failed.value.template, failed.value.line) == ("closed.html.j2", 3)
    assert str(failed.value) == "closed.html.j2:3: 'tikcet' is undefined"


def test_an_unknown_template_is_named() -> None:
    with pytest.raises(TemplateFailed, match=r"there is no template no-such\.txt\.j2"):
        SHIPPED.render("no-such", example("closed", "closed"))


def test_the_admins_template_comes_first_and_may_build_on_the_shipped_one(tmp_path: Path) -> None:
    renderer = own(
        tmp_path,
        txt='{% extends "shipped/closed.txt.j2" %}{% block foot %}Acme, Berlin {{ ticket.number + 1 }}{% endblock %}',
    )
    made = renderer.render("closed", example("closed", "closed"))
    assert made.text.endswith("Acme, Berlin 1043\n")
    assert made.text.startswith("Hello Bob Miller,")
    assert "sent automatically" in made.html  # only the text part was replaced


def test_a_layout_of_the_admin_serves_the_shipped_templates(tmp_path: Path) -> None:
    (tmp_path / "words.j2").write_text(
        (shipped_templates() / "words.j2").read_text(encoding="utf-8").replace("Hello", "Good day"), encoding="utf-8"
    )
    made = Renderer(tmp_path).render("closed", example("closed", "closed"))
    assert made.text.startswith("Good day Bob Miller,")
    assert "Good day Bob Miller," in made.html


def test_a_changed_template_is_seen_at_the_next_mail(tmp_path: Path) -> None:
    renderer = own(tmp_path, txt="first")
    context = example("closed", "closed")
    assert renderer.render("closed", context).text == "first\n"
    (tmp_path / "closed.txt.j2").write_text("second")
    os.utime(tmp_path / "closed.txt.j2", (1, 1))
    assert renderer.render("closed", context).text == "second\n"


def test_lint_finds_what_an_admin_overlooks(tmp_path: Path) -> None:
    source = (
        "<html><title> </title><table><tr><td style='color:#999999'>pale</td></tr></table><img src='https://x/a.png'>"
        "<a href='javascript:x'>x</a><p onclick='x'>{{ ticket.number }}</p><form></form></b>"
    )
    found = "\n".join(map(str, own(tmp_path, html=source, txt="").lint()))
    for fault in (
        "no lang",
        "no dir",
        "<title> is empty",
        'no role="presentation"',
        "contrast of 2.8",
        "no alt",
        "not in the mail itself",
        "'javascript:x'",
        "onclick is active content",
        "<form>",
        "</b> closes nothing",
        "color-scheme",
        'role="article"',
        "text part is empty",
    ):
        assert fault in found, fault
    assert "closed.html.j2 (closed)" in found


def test_lint_tells_which_template_cannot_be_rendered(tmp_path: Path) -> None:
    problems = own(tmp_path, txt="{{ nothing }}").lint()
    assert str(problems[0]) == "closed.txt.j2 (closed): line 1: 'nothing' is undefined"
    assert len(problems) == len(EXAMPLES["closed"])


def test_heavy_and_clipped_mails_are_told_apart() -> None:
    page = render("closed", "closed")[1]
    assert faults_of_html(page) == []
    assert "near the size at which Gmail clips" in " ".join(faults_of_html(page.replace("<p", "<p" + " " * 65_000, 1)))
    assert "clips" in " ".join(faults_of_html(page.replace("<p", "<p" + " " * 95_000, 1)))


@pytest.mark.parametrize(
    ("ink", "paper", "ratio"), [("#000", "#ffffff", 21.0), ("#777777", "#fff", 4.48), ("#fff", "#fff", 1)]
)
def test_contrast_is_that_of_the_guidelines(ink: str, paper: str, ratio: float) -> None:
    assert contrast(ink, paper) == pytest.approx(ratio, abs=0.01)
    assert template_lint.LEAST_CONTRAST == 4.5


# -- the context ---------------------------------------------------------------------------------------------


@in_turn(("template", "case"), NOTICES)
def test_keys_that_may_be_left_out_may(template: str, case: str) -> None:
    context = example(template, case)
    absent = {key: value for key, value in context.items() if DEFAULTS.get(key, "needed") != value}
    assert SHIPPED.render(template, absent) == SHIPPED.render(template, context)


def test_a_context_survives_json_and_is_not_changed() -> None:
    context = json.loads(json.dumps(example("note")))
    before = json.dumps(context)
    SHIPPED.render("note", context)
    assert json.dumps(context) == before


def test_a_context_of_a_newer_maild_is_refused() -> None:
    with pytest.raises(TemplateFailed, match="version 2 is unknown here"):
        SHIPPED.render("note", example("note", v=2))


def test_objects_do_not_enter_and_words_of_other_kinds_become_plain() -> None:
    class Colour(StrEnum):
        RED = "<red>"

    with pytest.raises(TemplateFailed, match=r"actor\.soul is a object"):
        SHIPPED.render("note", example("note", actor={"soul": object()}))
    ticket = EXAMPLES["closed"]["closed"]["ticket"]
    for subject in (Markup("<red>"), Colour.RED):
        html = SHIPPED.render("closed", example("closed", "closed", ticket={**ticket, "subject": subject})).html
        assert "&lt;red&gt;" in html
        assert "<red>" not in html


def test_a_huge_text_is_cut_and_says_so() -> None:
    entry = {**EXAMPLES["message"]["plain"]["entry"], "text": "& " * MAX_TEXT}
    text, html = render("message", entry=entry)
    for part in (text, html):
        assert "more characters are left out here]" in part
    assert len(html) < 4_000_000


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        ("2025-11-21T09:42:00Z", "Europe/Berlin", "Fri 21 Nov 10:42 CET"),
        ("2025-07-01T09:42:00+00:00", "Europe/Berlin", "Tue 1 Jul 11:42 CEST"),
        ("2025-11-21T23:42:00Z", "Asia/Kolkata", "Sat 22 Nov 05:12 IST"),
        ("2025-11-21T09:42:00Z", "America/Sao_Paulo", "Fri 21 Nov 06:42 UTC-03"),
        ("2025-11-21T09:42:00Z", "UTC", "Fri 21 Nov 09:42 UTC"),
    ],
)
def test_times_are_shown_on_the_readers_clock_with_its_zone(moment: str, zone: str, shown: str) -> None:
    entry = {**EXAMPLES["message"]["plain"]["entry"], "at": moment}
    assert f"wrote, {shown}:" in render("message", entry=entry, timezone=zone)[0]


def test_the_direction_follows_the_language() -> None:
    assert '<html lang="ar-EG" dir="rtl">' in render("closed", "closed", language="ar-EG")[1]


# -- filters -------------------------------------------------------------------------------------------------


def test_wrapping_keeps_addresses_and_hyphens_whole() -> None:
    address = "<" + "a-very-long-address" * 6 + "@client.example>"
    assert wrap(f"Write to {address} and well-known friends").split("\n") == [
        "Write to",
        address,
        "and well-known friends",
    ]


@in_turn(
    ("octets", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 KB"),
        (12_345, "12 KB"),
        (999_499, "999 KB"),
        (999_500, "1.0 MB"),
        (26_214_400, "26.2 MB"),
    ],
)
def test_sizes(octets: int, shown: str) -> None:
    assert size(octets) == shown


def test_lists_in_words() -> None:
    assert [listing(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_a_long_line_counts_against_the_head_too() -> None:
    assert head("x" * 9000) == "x" * 4000
    assert head("a\nb\nc", lines=2) == "a\nb\n[+ 1 more lines]"


def test_a_problem_is_shown_once_at_its_line() -> None:
    problem = {"line": "!x", "message": "m", "suggestion": ""}
    rows = transcript("!x\n\n!x", [problem, {"line": "", "message": "n", "suggestion": ""}])
    assert [(row["line"], bool(row["problem"])) for row in rows] == [
        ("!x", True),
        ("", False),
        ("!x", False),
        ("", True),
    ]


def test_names_with_marks_are_no_greeting() -> None:
    assert greeting("Bob\r\nBcc: x") == ""
    assert set(FILTERS) >= {"wrap", "localtime", "size", "prefixed"}


def test_the_readme_names_every_key_of_the_context() -> None:
    told = (shipped_templates() / "README.md").read_text(encoding="utf-8")
    for key in {*DEFAULTS, *EXAMPLES["feedback"]["receipt"]}:
        assert f"| `{key}` |" in told, key
    for name in FILTERS:
        assert f"`{name}" in told, name


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("Printer", 9, "Printer  "),
        ("Printer on fire", 9, "Printer …"),
        ("プリンター", 9, "プリンタ…"),
        ("プリン", 9, "プリン   "),
        ("a\nb", 5, "a b  "),
        ("", 3, "   "),
    ],
)
def test_columns_are_as_wide_as_they_look(text: str, width: int, shown: str) -> None:
    assert columns(text, width) == shown
    assert columns(text, width, fill=False) == shown.rstrip()
    assert columns("3", 3, right=True) == "  3"
