"""The new words of a reply: what is folded and what stays, in the languages of mail programs."""

import pytest

from maild.mail.quoting.cut import cut
from maild.mail.quoting.html import cut_html
from tests.rig.misses import in_turn

QUOTE = "> Did the fuser help?\n> Ana"

ATTRIBUTIONS = {
    "English, Gmail": "On Mon, Nov 17, 2025 at 10:12 AM Ana <support@acme.example> wrote:",
    "English, Gmail, two lines": "On Mon, Nov 17, 2025 at 10:12 AM Ana (Acme Support) <\nsupport@acme.example> wrote:",
    "English, three lines": "On Mon, Nov 17, 2025 at 10:12 AM\nAna (Acme Support) <\nsupport@acme.example> wrote:",
    "English, Apple": "On 17. Nov 2025, at 10:12, Ana <support@acme.example> wrote:",
    "English, mutt": "On Mon, Nov 17, 2025 at 10:12:13AM +0100, Ana wrote:",
    "English, name first": "Ana <support@acme.example> wrote on 17/11/2025 10:12:",
    "English, no date": "Ana (support@acme.example) wrote:",
    "German, Thunderbird": "Am 17.11.25 um 10:12 schrieb Ana (Acme Support):",
    "German, Gmail": "Am Mo., 17. Nov. 2025 um 10:12 Uhr schrieb Ana <support@acme.example>:",
    "German, phone": "Ana <support@acme.example> schrieb am Mo. 17. Nov. 2025 um 10:12:",
    "French": "Le 17 nov. 2025 à 10:12, Ana <support@acme.example> a écrit\u00a0:",
    "Spanish": "El lun, 17 nov 2025 a las 10:12, Ana (<support@acme.example>) escribió:",
    "Italian": "Il giorno lun 17 nov 2025 alle ore 10:12 Ana <support@acme.example> ha scritto:",
    "Portuguese": "Em seg., 17 de nov. de 2025 às 10:12, Ana <support@acme.example> escreveu:",
    "Dutch": "Op ma 17 nov 2025 om 10:12 schreef Ana <support@acme.example>:",
    "Polish": "pon., 17 lis 2025 o 10:12 Ana <support@acme.example> napisał(a):",
    "Polish, Thunderbird": "W dniu 17.11.2025 o 10:12, Ana pisze:",
    "Swedish": "Den mån 17 nov. 2025 kl 10:12 skrev Ana <support@acme.example>:",
    "Danish": "Den man. 17. nov. 2025 kl. 10.12 skrev Ana <support@acme.example>:",
    "Norwegian": "man. 17. nov. 2025 kl. 10:12 skrev Ana <support@acme.example>:",
    "Finnish": "ma 17. marrask. 2025 klo 10.12 Ana (support@acme.example) kirjoitti:",
    "Czech": "po 17. 11. 2025 v 10:12 odesílatel Ana <support@acme.example> napsal:",
    "Russian, Gmail": "пн, 17 нояб. 2025 г. в 10:12, Ana <support@acme.example>:",
    "Russian": "17.11.2025 10:12, Ana пишет:",
    "Turkish": "Ana <support@acme.example>, 17 Kas 2025 Pzt, 10:12 tarihinde şunu yazdı:",
    "Japanese": "2025年11月17日(月) 10:12 Ana <support@acme.example>:",
    "Chinese": "Ana <support@acme.example> 于2025年11月17日周一 10:12写道：",
    "Korean": "2025년 11월 17일 (월) 오전 10:12, Ana <support@acme.example>님이 작성:",
}


@in_turn("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_attribution_goes_with_the_quote_below_it(attribution):
    found = cut(f"It prints.\n\n{attribution}\n\n{QUOTE}\n")
    assert found.new_text == "It prints."
    assert found.folded_lines == attribution.count("\n") + 3


@in_turn("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_attribution_above_an_answer_at_the_bottom_goes_and_the_answer_stays(attribution):
    assert cut(f"{attribution}\n{QUOTE}\n\nIt prints.\n").new_text == "It prints."


@in_turn("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_attribution_whose_quote_a_program_took_away_goes(attribution):
    assert cut(f"It prints.\n\n{attribution}\n\n").new_text == "It prints."


HEADER_BLOCKS = {
    "English": "From: Ana <support@acme.example>\nSent: Monday, November 17, 2025\nTo: Karen\nSubject: Re: Printer",
    "English, dated": "From: Ana\nDate: Monday, November 17, 2025 at 10:12\nTo: Karen\nCc: Bob\nSubject: Re: Printer",
    "English, bold": "*From:* Ana\n*Sent:* Monday\n*To:* Karen\n*Subject:* Re: Printer",
    "English, spaced": "From: Ana\n\nSent: Monday\n\nTo: Karen\n\nSubject: Re: Printer",
    "German": "Von: Ana\nGesendet: Montag, 17. November 2025 10:12\nAn: Karen\nBetreff: AW: Drucker",
    "French": "De : Ana\nEnvoyé : lundi 17 novembre 2025 10:12\nÀ : Karen\nObjet : RE: Imprimante",
    "Spanish": "De: Ana\nEnviado el: lunes, 17 de noviembre de 2025 10:12\nPara: Karen\nAsunto: RE: Impresora",
    "Italian": "Da: Ana\nInviato: lunedì 17 novembre 2025 10:12\nA: Karen\nOggetto: R: Stampante",
    "Portuguese": "De: Ana\nEnviada em: segunda-feira, 17 de novembro de 2025\nPara: Karen\nAssunto: RES: Impressora",
    "Dutch": "Van: Ana\nVerzonden: maandag 17 november 2025 10:12\nAan: Karen\nOnderwerp: RE: Printer",
    "Polish": "Od: Ana\nWysłano: poniedziałek, 17 listopada 2025 10:12\nDo: Karen\nTemat: ODP: Drukarka",
    "Swedish": "Från: Ana\nSkickat: den 17 november 2025 10:12\nTill: Karen\nÄmne: SV: Skrivare",
    "Danish": "Fra: Ana\nSendt: 17. november 2025 10:12\nTil: Karen\nEmne: SV: Printer",
    "Russian": "От: Ana\nОтправлено: 17 ноября 2025 г. 10:12\nКому: Karen\nТема: RE: Принтер",
    "Japanese": "差出人: Ana\n送信日時: 2025年11月17日 10:12\n宛先: Karen\n件名: RE: プリンター",
    "Chinese": "发件人：Ana\n发送时间：2025年11月17日 10:12\n收件人：Karen\n主题：回复：打印机",
}
RULES = {"none": "", "underscores": "________________________________\n", "dashes": "-----------------\n"}


@in_turn("rule", RULES.values(), ids=RULES)
@in_turn("block", HEADER_BLOCKS.values(), ids=HEADER_BLOCKS)
def test_header_block_of_outlook_begins_a_quote_that_lasts_to_the_end(block, rule):
    assert cut(f"It prints.\n\n{rule}{block}\n\nold words\n\nmore old words\n").new_text == "It prints."


@in_turn(
    "mark",
    [
        *("-----Original Message-----", "----- Original Message -----", "-----Ursprüngliche Nachricht-----"),
        *("-------- Message d'origine --------", "-----Mensaje original-----", "-----Messaggio originale-----"),
        *("-----Mensagem Original-----", "-----Oorspronkelijk bericht-----", "-----Ursprungligt meddelande-----"),
        *("-----Исходное сообщение-----", "-----原始邮件-----", "-----元のメッセージ-----"),
    ],
)
def test_words_between_dashes_begin_a_quote_that_lasts_to_the_end(mark):
    assert cut(f"It prints.\n\n{mark}\nold words\n").new_text == "It prints."


@in_turn(
    "mark",
    [
        *("---------- Forwarded message ---------", "-------- Forwarded Message --------", "Begin forwarded message:"),
        *("-------- Weitergeleitete Nachricht --------", "Anfang der weitergeleiteten Nachricht:"),
        *(
            "---------- Message transféré ---------",
            "Début du message réexpédié :",
            "---------- Mensaje reenviado ---------",
        ),
        *("---------- Messaggio inoltrato ---------", "---------- Mensagem encaminhada ---------"),
        *("---------- Doorgestuurd bericht ---------", "---------- 转发的邮件 ---------"),
    ],
)
def test_forwarded_mail_stays_and_is_told_apart_from_the_senders_own_words(mark):
    forwarded = (
        f"{mark}\nFrom: Vendor <news@vendor.example>\nDate: Sunday\nTo: Karen\nSubject: Licence\n\n> !close\nold words"
    )
    found = cut(f"Please help.\n\n{forwarded}\n")
    assert found.new_text == f"Please help.\n\n{forwarded}"
    assert found.forwarded_lines == len(forwarded.split("\n"))
    own = found.new_text.split("\n")[: -found.forwarded_lines]
    assert own == ["Please help.", ""]


@in_turn(
    "line",
    [
        *(
            "Sent from my iPhone",
            "Sent from my Galaxy",
            "Get Outlook for iOS<https://aka.ms/o0ukef>",
            "Von meinem iPhone gesendet",
        ),
        *("Gesendet von Outlook für Android", "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Inviato da iPhone"),
        *("Enviado do meu iPhone", "Verstuurd vanaf mijn iPhone", "Wysłane z iPhone'a", "Skickat från min iPhone"),
        *(
            "Sendt fra min iPhone",
            "Отправлено с iPhone",
            "iPhoneから送信",
            "发自我的iPhone",
            "Sent from Yahoo Mail on Android",
        ),
    ],
)
def test_line_that_a_phone_adds_goes_from_the_end(line):
    assert cut(f"It prints.\n\n{line}\n").new_text == "It prints."
    assert cut(f"It prints.\n\n{line}\n\nOn 2025-11-17 10:12, Ana wrote:\n{QUOTE}\n").new_text == "It prints."


@in_turn(
    "text",
    [
        "Von meinem Handy kann ich keine Mails abrufen",
        "Sent from my desk is nothing",
        "Sent from my iPhone\nis what every mail of mine ends with, please remove that",
        "- one\n- two\n-- three\n--- four",
        "--\n" + "\n".join(f"line {n}" for n in range(40)),
        "Log:\nFrom: 10.0.0.1\nConnection closed",
        "From: me\nI write to you\nTo: nobody\nin particular",
        "On 3 May 2025 at 10:12 I wrote:\nplease call me\nand nobody did",
        "He wrote:\nplease call",
        "____________\nName: ____________",
        ">>> import printer\n>>> printer.burn()\nTraceback",
        "5 > 3\nand 3 < 5",
        "Forwarded message\nis what I have read",
        "The printer said: 2025-11-17 10:12 error:\nno paper",
    ],
)
def test_text_that_only_looks_like_a_quote_stays(text):
    found = cut(text)
    assert (found.new_text, found.folded_lines, found.kept_everything) == (text, 0, False)


@pytest.mark.parametrize(
    "text",
    [
        QUOTE,
        f"On 2025-11-17 10:12, Ana wrote:\n{QUOTE}",
        f"\n\n-- \nKaren\n\n{QUOTE}",
        "-- \nKaren",
        "Sent from my iPhone",
    ],
)
def test_cut_that_would_leave_nothing_keeps_everything(text):
    found = cut(text)
    assert (found.new_text, found.folded_lines, found.kept_everything) == (text.strip("\n"), 0, True)


def test_header_block_with_nothing_above_it_stays():
    text = "From: Ana\nSent: Monday\nTo: Karen\nSubject: x\n\nold words"
    assert cut(text).new_text == text


def test_answers_between_quotes_stay_in_their_order():
    text = "On 2025-11-17 10:12, Ana wrote:\n> Which one?\n\nThe big one.\n\n> Since when?\nMay.\n\n> Anything else?\n"
    assert cut(text).new_text == "The big one.\n\nMay."


def test_signature_goes_above_a_quote_and_at_the_end():
    assert cut(f"It prints.\n\n-- \nKaren\nClient Inc.\n\n{QUOTE}\n").new_text == "It prints."
    assert cut(f"{QUOTE}\n\nIt prints.\n--\nKaren\n").new_text == "It prints."


NOTICE = """Ana replied: the fuser was replaced on floor seven.

We have ordered a new one as well, it comes on Friday with the toner.
Please print a page and tell us whether it smells.

Acme Support"""


def test_what_we_sent_goes_also_without_any_mark():
    assert cut(f"It does not.\n\n{NOTICE}\n", known_texts=[NOTICE]).new_text == "It does not."


def test_what_we_sent_goes_when_a_program_broke_its_lines_anew():
    anew = (
        "Ana replied: the fuser was replaced on\nfloor seven.\n\nWe have ordered a new one as well, it comes\n"
        "on Friday with the toner. Please print\na page and tell us whether it smells."
    )
    assert cut(f"It does not.\n\n{anew}\n", known_texts=[NOTICE]).new_text == "It does not."


def test_our_own_lines_between_answers_stay_with_them():
    first, _, third, fourth, *_ = NOTICE.split("\n")
    text = f"{first}\nThank you.\n{third}\n{fourth}\nIt does not."
    assert cut(text, known_texts=[NOTICE]).new_text == text


@pytest.mark.parametrize(
    "text",
    [
        "As you say:\nPlease print a page and tell us whether it smells.",
        "Please print a page and tell us whether it smells.\nI did.",
        "I read:\nWe have ordered a new one as well, it comes on Friday with the toner.\nAcme Support",
    ],
)
def test_one_or_two_lines_of_ours_without_a_mark_stay_wherever_they_stand(text):
    assert cut(text, known_texts=[NOTICE]).new_text == text


def test_three_lines_of_ours_at_the_end_are_too_few_with_less_than_twelve_words():
    text = "I did:\nTake it out.\nLook at it.\nPut it back."
    assert cut(text, known_texts=["Take it out.\nLook at it.\nPut it back."]).new_text == text


def test_a_line_of_ours_that_was_typed_right_above_our_mail_stays():
    closing = "Kind regards from all of us"
    text = f"Now it works.\n{closing}\n\n{NOTICE}\n{closing}"
    assert cut(text, known_texts=[f"{NOTICE}\n{closing}"]).new_text == f"Now it works.\n{closing}"


def test_an_older_mail_of_ours_goes_with_the_newer_one_above_it():
    older = "Ana replied: we look into it today.\nPlease do not print anything on floor seven.\nUse the other one."
    assert cut(f"It does not.\n\n{NOTICE}\n\n{older}", known_texts=[NOTICE, older]).new_text == "It does not."


@pytest.mark.parametrize("below", ["Sent from my iPhone", "!close", "!close\n!tag smoke"])
def test_our_mail_ends_the_text_also_above_what_programs_add_and_above_commands(below):
    found = cut(f"It does not.\n\n{NOTICE}\n\n{below}", known_texts=[NOTICE]).new_text
    assert found == "\n\n".join(["It does not.", *([below] if below.startswith("!") else [])])


def test_a_line_of_ours_that_was_typed_below_marked_quotes_stays():
    text = f"On 2025-11-17 10:12, Ana wrote:\n{QUOTE}\nPlease print a page and tell us whether it smells.\nI did."
    kept = "Please print a page and tell us whether it smells.\nI did."
    assert cut(text, known_texts=[NOTICE]).new_text == kept


def test_the_end_of_a_marked_line_that_a_program_broke_goes_with_it():
    text = "> We have ordered a new one as well, it comes on Friday\nwith the toner.\n\nThank you."
    assert cut(text, known_texts=[NOTICE]).new_text == "Thank you."


def test_lines_at_the_end_that_people_copy_are_no_quote_without_a_line_of_our_own():
    steps = "Take the fuser out of the printer.\nLook at the number on its back.\nPut it back in again."
    ours = f"Your answer goes to Karen Miller.\nAna noted:\n{steps}\nWhy you got this: it is yours."
    copied = f"Hello Karen,\n{steps}"
    assert cut(copied, known_texts=[ours], copied=[steps]).new_text == copied
    assert cut(copied, known_texts=[ours]).new_text == "Hello Karen,"
    assert cut(f"Hello Karen.\n\n{ours}", known_texts=[ours], copied=[steps]).new_text == "Hello Karen."


def test_one_short_line_of_ours_alone_stays():
    text = "As you say: see below.\nAcme Support\nis great"
    assert cut(text, known_texts=[NOTICE]).new_text == text


def test_container_is_taken_out_and_what_stands_around_it_stays():
    html = '<div>before</div><blockquote type="cite"><p>quoted</p></blockquote><div>after</div>'
    found = cut_html(html)
    assert "quoted" not in found
    assert found.index("before") < found.index("after")


@pytest.mark.parametrize(
    "container",
    [
        '<blockquote class="gmail_quote">quoted</blockquote>',
        '<div class="gmail_attr">quoted</div>',
        '<div class="moz-cite-prefix">quoted</div>',
        '<div class="a yahoo_quoted b"><div>quoted</div></div>',
        '<div class="protonmail_quote">quoted</div>',
        '<div id="appendonsend"></div><p>quoted</p>',
        '<div><hr><div id="divRplyFwdMsg">quoted</div></div><div>quoted</div>',
    ],
)
def test_every_known_container_is_taken_out(container):
    found = cut_html(f"<p>new</p>{container}")
    assert "quoted" not in found
    assert "new" in found


def test_plain_quotation_in_html_is_no_container():
    assert "poem" in cut_html("<p>new</p><blockquote>poem</blockquote>")


def test_forward_within_a_container_stays():
    forward = "<div>---------- Forwarded message ---------</div><div>old</div>"
    html = f'<p>see</p><blockquote class="gmail_quote">{forward}</blockquote>'
    assert "old" in cut_html(html)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        *("On " * 100_000, "\n" * 200_000, "a" + "\n" * 200_000 + "b", "Am Mo, " * 50_000, "On x\n" * 50_000),
        *("On 2025 10:10 wrote:\n" * 20_000, ">" * 500_000, "> a\nOn 2025-01-01 10:10 x@y wrote:\n" * 10_000),
        *("From: a\n" * 50_000, " " * 500_000, "-- \na\n" * 50_000, "Sent from my iPhone\n" * 20_000, "a " * 200_000),
        *(
            "x:\n" * 100_000,
            "\u00a0" * 300_000,
            "_" * 500_000,
            "-\n" * 100_000,
            "*" * 300_000 + ":",
            "a\n>b\n" * 50_000,
        ),
    ],
)
def test_endless_texts_are_cut_in_linear_time(text):
    found = cut(text, known_texts=[text[:50_000]])
    assert len(found.new_text) <= len(text)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "html", ["<blockquote type=cite>a" * 30_000, "<div id=appendonsend>a" * 20_000, "<b>" * 50_000]
)
def test_endless_html_is_cut_in_linear_time(html):
    assert len(cut_html(html)) <= len(html) * 3


SIGNATURE = "Karen Miller\nClient Inc.  +49 30 1234\n\nPlease think before you print."


def test_learned_signature_goes_from_the_end_and_from_above_a_quote():
    text = f"It prints.\n\n{SIGNATURE}\n\nSent from my iPhone\n\nOn 2025-11-17 10:12, Ana wrote:\n{QUOTE}\n"
    assert cut(text, signature=SIGNATURE).new_text == "It prints."
    assert cut(f"It prints.\n\n{SIGNATURE}", signature=SIGNATURE).new_text == "It prints."
    assert SIGNATURE in cut(text).new_text


@pytest.mark.parametrize(
    "text",
    [
        f"{SIGNATURE}\n\nis what I want below my mails.",
        "It prints.\n\nKaren Miller\nClient Inc.",
        "It prints.\n\nKaren Miller\nClient Inc.  +49 30 1234\n\nPlease think before you print on floor seven.",
    ],
)
def test_signature_that_is_not_exactly_the_learned_one_stays(text):
    assert cut(text, signature=SIGNATURE).new_text == text


def test_learned_signature_that_is_all_stays():
    found = cut(SIGNATURE, signature=SIGNATURE)
    assert (found.new_text, found.kept_everything) == (SIGNATURE, True)


OURS = """Bob wrote, 10:42:

   It is still burning. Photo attached.

Hardware, high, assigned to nobody, first answer due at 16:00
Mute this ticket <mailto:support+a1@acme.example>

Why you got this: you are on duty for Hardware.
#42"""


def test_notice_of_ours_as_outlook_quotes_it_from_html_goes_without_any_mark():
    quoted = (
        "Bob wrote, 10:42:\nIt is still burning. Photo\nattached.\n\nHardware, high, assigned to nobody, "
        "*first answer*\ndue at 16:00\nMute this ticket\n\n#42\nWhy you got this: you are on duty for Hardware."
    )
    assert cut(f"I take it.\n\n{quoted}\n", known_texts=[OURS]).new_text == "I take it."


def test_attribution_above_our_unmarked_words_goes_with_them():
    text = f"I take it.\n\nOn 2025-11-17 10:12, Acme Support wrote:\n\n{OURS}\n"
    assert cut(text, known_texts=[OURS]).new_text == "I take it."


def test_answer_below_a_line_of_ours_stays_though_it_is_a_word_of_ours():
    text = "Hardware, high, assigned to nobody, first answer due at 16:00\nYes.\n#42"
    assert cut(text, known_texts=[OURS]).new_text == text
    attribution = "On 2025-11-17 10:12, Acme Support wrote:"
    assert cut(f"{attribution}\n\n{text}", known_texts=[OURS]).new_text == "Yes.\n#42"


def test_a_signature_of_one_line_is_the_end_of_what_was_written():
    text = "Your contact is now\n\nKaren Miller"
    assert cut(text, signature="Karen Miller").new_text == text


def test_a_block_that_the_line_above_announces_is_no_signature():
    text = f"You can reach her here:\n\n{SIGNATURE}"
    assert cut(text, signature=SIGNATURE).new_text == text


BLOCK = "From: Wim <wim@client.example>\nSent: Monday, November 17, 2025\nTo: Ann\nSubject: Printer\n\nIt burns."


def test_header_block_below_a_subject_that_says_forward_is_what_was_forwarded():
    found = cut(f"Yours.\n\n{BLOCK}", forwarded=True)
    assert (found.new_text, found.folded_lines, found.forwarded_lines) == (f"Yours.\n\n{BLOCK}", 0, 6)
    assert cut(f"Yours.\n\n{BLOCK}").new_text == "Yours."
