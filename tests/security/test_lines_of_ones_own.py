"""A line that somebody typed is theirs, also when it equals a line that we sent, or a line of a colleague's note.

What was typed is never cut in silence. Quotes are known by an attribution, a container, marks, or a run of lines at the
end of the mail. Words of a note hold an answer from twelve in a row on, and their writer is asked."""

import html as entities
from datetime import timedelta
from itertools import count

from maild.domain.agent_mail.signature import SIGNATURE_MAILS

KAREN = "karen@client.example"
BOB = "bob@client.example"
JOHN, JANE = "john@acme.example", "jane@acme.example"
LEAVES = timedelta(seconds=121)

GREETING, CLOSING = "Hello Karen, please do this as soon as you can:", "Kind regards from all of us"
NOTE = f"{GREETING}\n\nTake the fuser out.\n\n{CLOSING}"
TYPED = f"{GREETING}\n\nTurn the printer off.\n\n{CLOSING}"
TWELVE = "the customer has not paid since march and ana will not grant any credit"
STEPS = "First take the long grey cable out of the wall.\nThen press the green button for ten seconds.\nDone."


def as_text(text):
    return {"text": text}


def as_html(text):
    lines = "".join(f"<div>{entities.escape(line) or '<br>'}</div>" for line in text.split("\n"))
    return {"text": lines, "headers": {"Content-Type": "text/html; charset=utf-8"}}


def as_both(text):
    page = as_html(text)["text"]
    parts = f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b\nContent-Type: text/html\n\n{page}\n--b--"
    return {"text": parts, "headers": {"Content-Type": "multipart/alternative; boundary=b"}}


NUMBERS = count(1)

SHAPES = (as_text, as_html, as_both)


def marked(text):
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    return f"\n\nOn Mon, 4 May 2026 at 09:00, Acme Support <support@acme.example> wrote:\n{quoted}"


def outlook(text):
    head = "From: Acme Support\nSent: Monday, May 4, 2026\nTo: John\nSubject: Printer on fire"
    return f"\n\n________________________________\n{head}\n\n{text}"


def unmarked(text):
    return f"\n\n{text}"


def nothing(text):
    return ""


QUOTES = (nothing, marked, outlook, unmarked)
WAYS = [*((quote, as_text) for quote in QUOTES), (nothing, as_html), (unmarked, as_html), (nothing, as_both)]


def misses(ways, tried):
    """The ways, by name, in which something is not as it should be: `tried` says what, or nothing."""
    names = [tuple(each.__name__ for each in (way if isinstance(way, tuple) else (way,))) for way in ways]
    found = [(name, tried(*(way if isinstance(way, tuple) else (way,)))) for name, way in zip(names, ways, strict=True)]
    return [(name, wrong) for name, wrong in found if wrong]


def answer(office, row, text, shape=as_text, **more):
    made = shape(text)
    return office.receive(office.answer(row, made["text"], quote=False, headers=made.get("headers", {}), **more))


def noted(office, note=NOTE):
    """A ticket of John's in whose newest notice Jane's note stands -> its number and that notice."""
    number = office.open_ticket(subject=f"Printer {next(NUMBERS)} is on fire")
    answer(office, office.last("new-ticket", JOHN, number), "!take")
    answer(office, office.last("new-ticket", JANE, number), f"!note\n{note}")
    office.deliver(timedelta(minutes=20))  # news are gathered for a while
    assert office.sent_to(JOHN)[-1].header("x-maild-reason") == "note"
    return number, office.last("note", JOHN, number)


def replies(office, number):
    """The texts of what Karen got about a ticket from people."""
    office.deliver(LEAVES)
    mails = (mail for mail in office.sent_to(KAREN) if mail.header("x-maild-reason") == "reply")
    return [mail.text for mail in mails if f"[#{number}-" in mail.subject]


# -- agents -----------------------------------------------------------------------------------------------------------


def test_lines_of_an_answer_that_equal_lines_of_a_note_reach_the_customer(office):
    def tried(quote, shape):
        number, notice = noted(office)
        done = answer(office, notice, f"!reply\n{TYPED}{quote(office.words(notice))}", shape)
        sent = "\n".join(replies(office, number)).split("\n")
        lost = [line for line in TYPED.split("\n") if line not in sent]
        return [done.reason, lost] if lost or done.outcome != "replied" or "    Take the fuser out." in sent else None

    assert misses(WAYS, tried) == []


def test_a_line_of_a_note_alone_is_an_answer(office):
    def tried(shape):
        number, notice = noted(office)
        done = answer(office, notice, f"!reply\n{GREETING}", shape)
        return None if any(GREETING in sent for sent in replies(office, number)) else done.reason

    assert misses(SHAPES, tried) == []


def test_long_lines_that_a_notice_shows_reach_the_customer(office):
    words = "The printer on floor two makes a noise.\nIt smells of smoke as well, very badly so."

    def tried(shape):
        number = office.open_ticket(text=words, subject=f"Printer {next(NUMBERS)} is on fire")
        said = f"You wrote:\n{words}\nSince when?"
        answer(office, office.last("new-ticket", JOHN, number), said, shape)
        sent = "\n".join(replies(office, number)).split("\n")
        return [line for line in said.split("\n") if line not in sent]

    assert misses(SHAPES, tried) == []


def test_twelve_words_of_a_note_hold_the_answer(office):
    def tried(quote, shape):
        number, notice = noted(office, f"{GREETING}\n{TWELVE}\n{CLOSING}")
        said = f"!reply\n{GREETING}\n{TWELVE}\nBye.{quote(office.words(notice))}"
        done = answer(office, notice, said, shape)
        why = " ".join(office.words(office.last("held", JOHN, number)).split()) if done.outcome == "held" else ""
        held = "words of an internal note are in it" in why and not replies(office, number)
        return None if held else done.reason

    assert misses(WAYS, tried) == []


def test_a_note_that_is_copied_as_the_answer_is_asked_about_and_not_emptied(office):
    def tried(shape):
        number, notice = noted(office, f"{GREETING}\n\n{STEPS}\n\n{CLOSING}")
        done = answer(office, notice, f"!reply\n{GREETING}\n\n{STEPS}\n\n{CLOSING}", shape)
        if done.outcome != "held" or replies(office, number):
            return done.reason
        answer(office, office.last("held", JOHN, number), "!send anyway")
        while office.processing.round():
            pass
        sent = "\n".join(replies(office, number)).split("\n")
        return [line for line in f"{GREETING}\n{STEPS}\n{CLOSING}".split("\n") if line not in sent]

    assert misses(SHAPES, tried) == []


def test_the_frame_of_a_notice_never_reaches_a_customer(office):
    frame = ("Your answer stays inside", "Why you got this", "!resolve", "To act, begin", "ref:a1n")

    def tried(quote):
        number, notice = noted(office)
        answer(office, notice, f"!reply\n{TYPED}{quote(office.words(notice))}")
        (sent,) = replies(office, number)
        return [line for line in frame if line in sent]

    assert misses(QUOTES, tried) == []


def test_a_held_answer_that_was_told_back_leaves_whole(office):
    """The notice about it shows its lines; they are no lines of ours for that."""
    number = office.open_ticket()
    old = office.last("new-ticket", JANE, number)
    answer(office, office.last("new-ticket", JOHN, number), "Use sand.")
    said = "Hello Karen,\nplease use a lot of water on it.\nThen call the fire brigade at once.\nJane"
    assert answer(office, old, said).outcome == "held"
    office.deliver(LEAVES)
    answer(office, office.last("held", JANE, number), "!send anyway")
    while office.processing.round():
        pass
    assert any(said in sent for sent in replies(office, number))


def test_lines_of_our_own_notice_amid_an_answer_are_left_out_and_that_is_told(office):
    number, notice = noted(office)
    banner = office.words(notice).split("\n")[0]
    assert answer(office, notice, f"!reply\nTurn it off.\n{banner}\nThen on.").outcome == "replied"
    (sent,) = replies(office, number)
    assert ("Turn it off.\nThen on." in sent, banner in sent) == (True, False)
    assert banner in office.words(office.last("feedback", JOHN, number))


def test_an_answer_of_nothing_but_our_own_lines_is_refused(office):
    number, notice = noted(office)
    banner = office.words(notice).split("\n")[0]
    assert answer(office, notice, f"!reply\n{banner}").outcome == "rejected"
    assert replies(office, number) == []


def test_a_name_alone_at_the_end_stays_though_every_mail_ends_with_it(office):
    for index in range(SIGNATURE_MAILS + 1):
        number = office.open_ticket(subject=f"Number {index} is broken")
        answer(office, office.last("new-ticket", JOHN, number), f"Your contact for {index} is now\n\nJohn Smith")
    assert office.ticket(number)["entries"][-1]["text"].endswith("is now\n\nJohn Smith")


def test_a_block_that_the_line_above_announces_is_no_signature(office):
    block = "John Smith\nAcme Support"
    for index in range(SIGNATURE_MAILS):
        number = office.open_ticket(subject=f"Number {index} is broken")
        answer(office, office.last("new-ticket", JOHN, number), f"I repaired part {index}.\n\n{block}")
    number = office.open_ticket(subject="Whom do I call?")
    answer(office, office.last("new-ticket", JOHN, number), f"Please ask for:\n\n{block}")
    assert office.ticket(number)["entries"][-1]["text"] == f"Please ask for:\n\n{block}"


# -- customers --------------------------------------------------------------------------------------------------------


def answered(office, text):
    """A ticket that John answered -> its number and the mail that Karen got."""
    number = office.open_ticket(subject=f"Printer {next(NUMBERS)} is on fire")
    answer(office, office.last("new-ticket", JOHN, number), text)
    office.deliver(LEAVES)
    return number, office.last("reply", KAREN, number)


def test_lines_of_a_customer_that_equal_lines_of_our_answer_stay(office):
    first, second, _ = STEPS.split("\n")
    said = f"I did all that:\n{first}\n{second}\nThe lamp is red."

    def tried(quote, shape):
        number, row = answered(office, f"{STEPS}\n\nIs the lamp still red or is it green now?")
        answer(office, row, said + quote(office.words(row)), shape)
        text = office.ticket(number)["entries"][-1]["text"]
        return None if text == said else text

    assert misses(WAYS, tried) == []


def test_one_long_line_of_our_answer_at_the_end_of_a_customers_mail_stays(office):
    said = "What do you mean by this?\n\nIs the lamp still red or is it green now?"

    def tried(shape):
        number, row = answered(office, f"{STEPS}\n\nIs the lamp still red or is it green now?")
        answer(office, row, said, shape)
        text = office.ticket(number)["entries"][-1]["text"]
        return None if text == said else text

    assert misses(SHAPES, tried) == []


def test_our_whole_mail_at_the_end_of_a_customers_mail_is_a_quote(office):
    def tried(shape):
        number, row = answered(office, STEPS)
        answer(office, row, f"It is red.\n\n{office.words(row)}", shape)
        entry = office.ticket(number)["entries"][-1]
        return None if (entry["text"], entry["folded_lines"] > 2) == ("It is red.", True) else entry["text"]

    assert misses(SHAPES, tried) == []


def test_what_another_customer_wrote_at_the_end_is_a_quote(office):
    """Bob had it from Karen herself, in his copy of her mail."""
    said = "The printer on floor two makes a noise.\nIt smells of smoke as well, very badly so.\nKaren"
    number = office.open_ticket(text=said, cc=BOB)
    answer(office, office.last("new-ticket", JOHN, number), "Use water.")
    office.deliver(LEAVES)
    row = office.last("reply", BOB, number)
    answer(office, row, f"I have none.\n\n{said}")
    assert office.ticket(number)["entries"][-1]["text"] == "I have none."


def test_a_customer_who_says_the_same_once_more_is_heard(office):
    said = "The printer on floor two makes a noise.\nIt smells of smoke as well, very badly so.\nKaren"
    number = office.open_ticket(text=said)
    answer(office, office.last("new-ticket", JOHN, number), "Use water.")
    office.deliver(LEAVES)
    answer(office, office.last("reply", KAREN, number), f"As I wrote:\n\n{said}")
    assert office.ticket(number)["entries"][-1]["text"] == f"As I wrote:\n\n{said}"
