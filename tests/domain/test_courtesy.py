"""What is only a thank-you, in the languages of the corpus, and what only looks like one."""

from hypothesis import example, given
from hypothesis import strategies as st

from maild.domain.intake.thank_you import MOST_WORDS, SPACED, UNSPACED, is_thanks
from tests.rig.misses import in_turn

NAMES = ("Karen Hill", "Jane Doe", "John Smith", "Acme Support")

THANKS = [
    "Thanks!",
    "Thank you very much.",
    "Thank you so much for your quick help, Jane!",
    "Hi Jane,\n\nthanks, it works now.\n\nBest regards\nKaren Hill",
    "thx",
    "Perfect, thanks a lot 🙏",
    "Great job, many thanks to the team!",
    "Thanks, everything is fine now. Have a great weekend!",
    "Thanks, you can close the ticket.",
    "Cheers :-)",
    "It works!",
    "Perfect!",
    "Super, Jane :-)",
    "👍",
    "👍🏽",
    "🙏🙏❤️",
    "ＴＨＡＮＫＳ！",
    "Danke!",
    "Vielen Dank für die schnelle Hilfe!",
    "Hallo Jane, herzlichen Dank, funktioniert wieder.\n\nViele Grüße\nKaren",
    "Perfekt, danke und schönes Wochenende",
    "Besten Dank\nMfG Karen Hill",
    "Merci beaucoup !",
    "Bonjour, merci pour votre aide. Bonne journée, Karen",
    "Merci à toute l’équipe, ça marche",
    "¡Muchas gracias!",
    "Mil gracias por la ayuda, ya funciona. Un saludo",
    "Grazie mille!",
    "Perfetto, grazie per la risposta rapida. Cordiali saluti",
    "Muito obrigado pela ajuda!",
    "Obrigada, funcionou. Abraços",
    "Hartelijk dank voor de snelle reactie!",
    "Bedankt, alles werkt weer. Groetjes, Karen",
    "Bardzo dziękuję za szybką pomoc!",
    "Dzięki, wszystko już działa. Pozdrawiam",
    "Tack så mycket för hjälpen!",
    "Tack, det fungerar nu. Vänliga hälsningar Karen",
    "Большое спасибо за быструю помощь!",
    "Спасибо, всё работает. С уважением",
    "ありがとうございました。",
    "早速のご対応ありがとうございます。助かりました。",
    "谢谢！",
    "非常感谢您的帮助，问题已解决。",
]

NEAR_MISSES = [
    "Thanks, but it still burns.",
    "Thanks. It still burns",
    "Thanks, works not",
    "Thank you, is it fixed for good?",
    "Thanks in advance",
    "Thanks for nothing",
    "No thanks",
    "Thanks, please call me",
    "Thanks. See attached",
    "Thanks, now the scanner is broken",
    "Thanks, 17 of 20 work",
    "Thanks, the code is 123456",
    "Thank you https://evil.example/",
    "Thanks, I will test it tomorrow",
    "Thanks! PS: when do the new computers come",
    "Thanks, one more thing",
    "Great, now this is a big problem",
    "Great, this again",
    "Wonderful. Again.",
    "ok",
    "Hello",
    "",
    "Karen Hill",
    "👎",
    "Thanks 👎",
    "Thanks 😡",
    "!close",
    "Danke, aber es brennt noch.",
    "Danke, geht nicht",
    "Danke im Voraus",
    "Danke, funktioniert leider wieder nicht",
    "Danke, und der Scanner?",
    "Merci mais ça ne marche pas",
    "Merci d'avance",
    "Merci, ça marche pas",
    "Gracias, pero sigue igual",
    "Gracias, no funciona",
    "Gracias de antemano",
    "Grazie, ma non funziona",
    "Grazie in anticipo",
    "Obrigado, mas não funciona",
    "Obrigado desde já",
    "Bedankt, maar het werkt niet",
    "Alvast bedankt",
    "Dziękuję, ale nie działa",
    "Z góry dziękuję",
    "Tack, men det fungerar inte",
    "Tack på förhand",
    "Спасибо, но не работает",
    "Заранее спасибо",
    "ありがとうございます。でもまだ動きません。",
    "ありがとうございますか",
    "谢谢，但是还不行",
    "谢谢，请再看一下",
    "Thanks very much for the very quick and very kind help and the very good explanation",  # more than twelve words
    "Thanks! " * 60,
    "Danke, thanks, merci: encore une question",
]


@in_turn("text", THANKS)
def test_a_thank_you_is_recognised(text):
    assert is_thanks(text, names=NAMES)


@in_turn("text", NEAR_MISSES)
def test_what_says_more_is_a_message(text):
    assert not is_thanks(text, names=NAMES)


def test_the_tables_are_large_enough_to_mean_something():
    assert len(THANKS) >= 30
    assert len(NEAR_MISSES) >= 30


def test_names_count_only_where_they_are_known():
    assert is_thanks("Thanks Jane, Karen", names=("Karen Hill", "Jane Doe"))
    assert not is_thanks("Thanks Jane, Karen")


# -- the tables ------------------------------------------------------------------------------------------------------

# What turns a thank-you into its opposite, or into a request. No table may ever learn one of these.
TURNS = (
    "but not no never still yet however although unfortunately please when why how what question another more again"
    " aber nicht kein keine leider trotzdem jedoch noch bitte wann warum wie frage"
    " mais pas ne toujours malheureusement svp quand pourquoi comment question"
    " pero no aún todavía favor cuándo por qué pregunta ma non ancora purtroppo quando perché domanda"
    " mas não ainda infelizmente favor quando porquê pergunta maar niet nog helaas graag wanneer waarom vraag"
    " ale nie jeszcze niestety proszę kiedy dlaczego pytanie men inte fortfarande tyvärr när varför fråga"
    " но не нет ещё пока пожалуйста когда почему вопрос"
).split()
# These have a harmless reading beside a word of thanks: "thanks again", "noch einen schönen Tag", "grazie ancora",
# "gracias por".
HARMLESS = {("en", "again"), ("de", "noch"), ("it", "ancora"), ("es", "por"), ("pt", "por")}


@in_turn("language", SPACED)
def test_no_table_holds_a_word_that_turns_a_sentence(language):
    known = SPACED[language].thanks | SPACED[language].glad | SPACED[language].around
    assert {(language, word) for word in TURNS if word in known} <= HARMLESS


@in_turn("language", [*SPACED, *UNSPACED])
def test_every_language_has_its_phrases(language):
    manners = (SPACED | UNSPACED)[language]
    assert manners.thanks
    assert manners.around
    assert all(word == word.casefold() for word in manners.thanks | manners.around)


@given(
    st.sampled_from([text for text in THANKS if len(text) < 40]),
    st.sampled_from(["burns", "brennt", "brûle", "arde", "brucia", "queima", "brandt", "płonie", "brinner", "горит"]),
)
def test_one_strange_word_makes_it_a_message(text, word):
    assert not is_thanks(f"{text} {word}", names=NAMES)
    assert not is_thanks(f"{word} {text}", names=NAMES)


@given(st.text(max_size=400))
@example("\u200d")
@example("'" * 300)
@example("\u0300" * 50)
def test_any_text_is_judged(text):
    assert isinstance(is_thanks(text), bool)
    assert not is_thanks(text + "?")


def test_the_limit_counts_words():
    assert is_thanks(" ".join(["thanks"] * MOST_WORDS))
    assert not is_thanks(" ".join(["thanks"] * (MOST_WORDS + 1)))
