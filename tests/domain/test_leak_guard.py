"""What was said inside and is about to leave, and the lines of our notices that never do."""

from maild.domain.agent_mail.leak_guard import leaked, leaked_file, leaving, marked_files, our_lines
from maild.domain.lookups import FileContent, Said

NOTE = "the customer has not paid since march and ana will not grant any more credit"
NOTICE = f"Your answer goes to Karen Hill <karen@client.example>.\n\n    {NOTE}\n\nWhy you got this: it is yours."
SAID = Said(notes=(NOTE,), notices=(NOTICE,), outside=("It burns.",))


def test_twelve_words_in_a_row_are_a_leak_and_eleven_are_none():
    words = NOTE.split()
    assert leaked(f"Hello {' '.join(words[:12])}", SAID) == " ".join(words[:12])
    assert leaked(f"Hello {' '.join(words[:11])}, bye", SAID) == ""


def test_what_was_said_outside_as_well_is_none():
    assert leaked(NOTE, Said(notes=(NOTE,), outside=(f"You know that {NOTE}",))) == ""


def test_an_agents_own_words_that_were_said_back_are_none():
    back = f"Your text is held: there is news on this ticket.\n\n> {NOTE}\n> Kind regards from all of us"
    said = Said(said_back=(back,))
    assert leaked(NOTE, said) == ""
    assert leaving(f"{NOTE}\nKind regards from all of us", said) == f"{NOTE}\nKind regards from all of us"
    assert our_lines("Your text is held: there is news on this ticket.", said) != ()


def test_lines_of_our_notices_do_not_leave_but_lines_that_somebody_wrote_do():
    text = f"Use water.\nWhy you got this: it is yours.\n{NOTE[:30]}\nIt burns."
    assert leaving(text, SAID) == f"Use water.\n{NOTE[:30]}\nIt burns."
    assert our_lines(text, SAID) == ("Why you got this: it is yours.",)


def test_the_first_file_with_words_of_a_note_is_named():
    files = (
        FileContent(name="a.txt", texts=("nothing", "here")),
        FileContent(name="b.txt", texts=("", f"x {NOTE.upper()} y")),
        FileContent(name="c.txt", texts=(NOTE,), marks=("a button of an agent",)),
    )
    name, run = leaked_file(files, SAID)
    assert (name, run.lower()) == ("b.txt", " ".join(NOTE.split()[:12]))
    assert leaked_file(files[:1], SAID) == ("", "")
    assert marked_files(files) == (("c.txt", ("a button of an agent",)),)


def test_words_behind_very_many_others_are_found():
    assert leaked("and so on " * 40_000 + NOTE, SAID) != ""
