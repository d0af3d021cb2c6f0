"""Recognises a mail that is only a thank-you: every word of it is in the same language's table.

An unknown word makes it a message like any other: "Thanks, but it still burns" must reopen a ticket. A thank-you
that was not recognised only costs one tap. So the tables hold no word that asks, denies, doubts or announces: no
"but", "not", "still", "please", "advance", "problem". They need not be complete; they must not be generous."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

MOST_WORDS = 12  # names left out: a longer text says something
_LONGEST = 300  # characters that are looked at; a longer text is no thank-you

_ASKS = frozenset("?？؟¿\u037e")  # U+037E is the Greek question mark
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u20e3")  # between and behind the parts of an emoji
_SKIN_TONES = frozenset("🏻🏼🏽🏾🏿")

# What people tap instead of words, and nothing that could be meant otherwise.
_GLAD_SIGNS = frozenset("👍👌🙏🙌👏💪🤝🎉🥳😀😃😄😁😊🙂☺😇🤗😍🥰💐🌹⭐🌟✨✅💯❤♥💙💚💛🧡💜🤍🖤")


@dataclass(frozen=True, slots=True)
class Manners:
    """One language, casefolded: words that thank or say that it works, words of praise, and words that may stand
    around them.

    A text needs a word of `thanks`, or only `glad` words: "Great!" is a thank-you, "Great, this again" is not."""

    thanks: frozenset[str]
    glad: frozenset[str]
    around: frozenset[str]


def _manners(thanks: str, glad: str, around: str) -> Manners:
    return Manners(*(frozenset(words.casefold().split()) for words in (thanks, glad, around)))


# What all languages borrow.
_EVERYWHERE = frozenset("ok okay hi hello hallo ciao :) :-) ;) ;-) :d <3 ^^".split())

SPACED: dict[str, Manners] = {
    "en": _manners(
        "thank thanks thankyou thx thnx tnx ty cheers appreciated appreciate grateful works worked solved fixed kudos",
        "perfect great excellent awesome brilliant wonderful fantastic super",
        "you u so very much many lots a lot for your the all of it that this is was are good well nice really indeed"
        " again to and team everyone everybody guys folks dear hey help support assistance answer reply response update"
        " information explanation effort time work service solution fast quick prompt speedy swift kind quickly kindly"
        " fine now everything i we am truly sincerely best regards warm wishes yours have has been day weekend evening"
        " resolved sorted done close can ticket million me us our with in greetings br job",
    ),
    "de": _manners(
        "danke dankeschön dank dankend bedanke bedanken merci funktioniert läuft klappt geklappt erledigt gelöst",
        "perfekt prima klasse spitze wunderbar super top bestens hervorragend",
        "vielen herzlichen besten lieben schönen tausend nochmals nochmal sehr so ganz für ihre ihren ihrer eure euren"
        " eurer deine deinen die das den der dem schnelle schnellen rasche raschen prompte tolle tollen gute guten"
        " hilfe unterstützung antwort rückmeldung info information infos lösung bearbeitung mühe arbeit service"
        " support und ihnen euch dir mich uns ich wir es alles jetzt nun wieder ist hat gut schön schönes tag abend"
        " wochenende feierabend noch einen ein eine liebe viele beste freundliche freundlichen herzliche grüße grüßen"
        " gruß gruss grüsse mit mfg lg vg guten morgen liebes team an alle passt damit",
    ),
    "fr": _manners(
        "merci mercis remercie remercions fonctionne marche résolu réglé",
        "parfait génial formidable nickel impeccable super top",
        "beaucoup bien infiniment mille encore à vous toi tous toutes toute l'équipe équipe pour votre ton ta vos"
        " l'aide aide réponse rapidité rapide retour efficacité soutien travail temps le la les de d' du un une grand"
        " très je nous ça cela c'est tout est maintenant bonjour bonsoir bonne belle journée soirée fin semaine"
        " week-end cordialement cordiales salutations d'accord avec sincèrement chaleureusement",
    ),
    "es": _manners(
        "gracias agradezco agradecemos agradecido agradecida funciona resuelto solucionado",
        "perfecto genial estupendo excelente",
        "muchas muchísimas mil por tu su vuestra la el los las ayuda respuesta rápida rápido rapidez soporte apoyo"
        " tiempo trabajo atención información solución a todos todas equipo de nuevo otra vez muy bien todo ya ahora"
        " está y os te le les un una buen buena día tarde fin semana saludos cordial cordiales saludo hola buenos"
        " buenas días tardes vale",
    ),
    "it": _manners(
        "grazie ringrazio ringraziamo ringraziamenti funziona risolto",
        "perfetto ottimo eccellente fantastico",
        "mille molte tante di tutto cuore ancora per il la lo l'aiuto aiuto vostro vostra tuo tua suo sua risposta"
        " rapida rapidità veloce supporto assistenza disponibilità tempo lavoro a voi te lei tutti team e ora adesso"
        " bene è molto gentile gentili vi ti buona buon giornata serata fine settimana weekend saluti cordiali"
        " cordialmente buongiorno buonasera salve",
    ),
    "pt": _manners(
        "obrigado obrigada obrigados obg agradeço agradecemos agradecido agradecida funciona funcionou resolvido valeu",
        "perfeito ótimo excelente",
        "muito muitíssimo mil pela pelo por sua seu vossa tua teu a o as os ajuda resposta rápida rápido rapidez"
        " suporte apoio tempo trabalho atenção informação solução todos todas equipe equipa de novo uma vez e tudo"
        " bem certo já agora está bom boa dia tarde noite fim semana cumprimentos abraço abraços atenciosamente"
        " melhores olá oi",
    ),
    "nl": _manners(
        "dank dankje dankjewel dankuwel bedankt thanks werkt gelukt opgelost",
        "perfect geweldig fantastisch uitstekend prima top super",
        "je u jullie wel zeer heel hartelijk hartelijke veel vriendelijk nogmaals voor de het uw jouw snelle goede"
        " hulp antwoord reactie ondersteuning service moeite oplossing informatie en allemaal team alles nu is weer"
        " goed oké fijn fijne prettige dag avond weekend groet groeten groetjes met vriendelijke mvg beste hoi dat",
    ),
    "pl": _manners(
        "dziękuję dziękujemy dziekuje dziekujemy dzięki dzieki podziękowania działa rozwiązane",
        "super świetnie doskonale",
        "bardzo serdecznie ślicznie pięknie wielkie za pomoc szybką odpowiedź odpowiedz wsparcie informację reakcję"
        " czas pracę raz ponownie i wszystko już teraz jest dobrze państwu panu pani wam ci zespołowi pozdrawiam"
        " pozdrowienia serdeczne miłego dnia wieczoru weekendu dzień dobry cześć witam",
    ),
    "sv": _manners(
        "tack tackar fungerar löst",
        "perfekt toppen utmärkt underbart super",
        "så mycket tusen stort för hjälpen din er ert svaret det den snabba snabbt svar hjälp stöd support tiden och"
        " alla igen än en gång allt nu är bra fint trevlig fin dag kväll helg hälsningar vänliga med mvh hej",
    ),
    "ru": _manners(
        "спасибо благодарю благодарим благодарен благодарна спс заработало работает решено",
        "отлично прекрасно супер",
        "большое огромное вам тебе всем за помощь быструю быстрый ответ поддержку оперативность оперативную"
        " информацию работу время раз очень и всё все теперь хорошо ок вас с уважением хорошего дня вечера выходных"
        " здравствуйте добрый день привет команда",
    ),
}

# Languages that put no space between words: the whole text must be made of these, the longest first.
UNSPACED: dict[str, Manners] = {
    "ja": _manners(
        "ありがとうございました ありがとうございます ありがとう 有難うございました 有難うございます 感謝いたします"
        " 有り難うございました 有り難うございます 感謝します 感謝しております 助かりました 助かります サンクス"
        " 解決しました 解決いたしました 直りました",
        "",
        "どうも 本当に 大変 誠に とても 早速の 迅速な ご 御 対応 回答 返信 連絡 支援 いただき 頂き いただきまして"
        " 頂きまして 下さり くださり を に で の は 無事 おかげさまで お陰様で お世話になっております"
        " お世話になりました 承知しました 承知いたしました 了解しました 了解です 今後とも 様 さん"
        " よろしくお願いいたします よろしくお願いします 宜しくお願いいたします 宜しくお願いします",
    ),
    "zh": _manners(
        "谢谢 謝謝 多谢 多謝 感谢 感謝 谢了 辛苦了 辛苦 问题已解决 問題已解決 问题解决了 問題解決了 已解决 已解決",
        "",
        "非常 十分 很 真的 太 你 您 你们 你們 您们 大家 的 了 帮助 幫助 帮忙 幫忙 支持 回复 回覆 回答 答复 处理 處理"
        " 及时 及時 快速 耐心 收到 好的 好 你好 您好 已经 已經 现在 現在 都 啊 啦 哦 呀",
    ),
}


def is_thanks(text: str, *, names: Iterable[str] = ()) -> bool:
    """Tell whether a mail's own text (without quotes and signature) only says thank you.

    `names` are those of the writer and of the people here, who may be called by name. Attachments are the
    caller's business."""
    if len(text) > _LONGEST:
        return False
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if _ASKS & set(text) or "?" in folded:
        return False
    words, signs = _split(folded)
    if any(sign not in _GLAD_SIGNS for sign in signs) or any(letter.isdigit() for word in words for letter in word):
        return False
    called = frozenset(part for name in names for part in _split(name.casefold())[0])
    said = [word for word in words if word not in called]
    if len(said) > MOST_WORDS:
        return False
    if not said:
        return bool(signs)
    return any(_spoken(said, manners) for manners in SPACED.values()) or _written_without_spaces(said)


def _spoken(words: Collection[str], manners: Manners) -> bool:
    if all(word in manners.glad | _EVERYWHERE for word in words):
        return any(word in manners.glad for word in words)
    known = manners.thanks | manners.glad | manners.around | _EVERYWHERE
    return any(word in manners.thanks for word in words) and all(word in known for word in words)


def _written_without_spaces(words: Iterable[str]) -> bool:
    return any(_made_of(words, manners) for manners in UNSPACED.values())


def _made_of(words: Iterable[str], manners: Manners) -> bool:
    pieces = sorted(manners.thanks | manners.around, key=len, reverse=True)
    thanked = False
    for word in words:
        rest = word
        while rest:
            piece = next((piece for piece in pieces if rest.startswith(piece)), "")
            if not piece:
                return False
            thanked = thanked or piece in manners.thanks
            rest = rest[len(piece) :]
    return thanked


def _split(text: str) -> tuple[list[str], list[str]]:
    """Return the words of a text, and the signs in it that are neither letters nor punctuation."""
    words: list[str] = []
    signs: list[str] = []
    for chunk in text.split():
        if chunk in _EVERYWHERE:
            words.append(chunk)
            continue
        spaced = "".join(letter if _in_words(letter) else " " for letter in chunk)
        words += [word.strip("'-") for word in spaced.split() if word.strip("'-")]
        signs += [letter for letter in chunk if _is_sign(letter)]
    return words, signs


def _in_words(letter: str) -> bool:
    return letter.isalnum() or letter in "'-" or (unicodedata.category(letter) in {"Mn", "Mc"} and not _joins(letter))


def _is_sign(letter: str) -> bool:
    return unicodedata.category(letter) in {"So", "Sk", "Sm", "Sc"} and letter not in _SKIN_TONES


def _joins(letter: str) -> bool:
    return letter in _JOINERS
