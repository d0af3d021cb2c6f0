"""The words with which mail programs announce a quote, a forward or a signature: tables only, casefolded.

Each line has one language where that is possible."""

from __future__ import annotations

# Verbs in the line above a quote: "On … Jane wrote:". They count only together with a date or an address.
WROTE = (
    *("wrote", "writes", "said"),  # English
    *("schrieb", "schrieb am", "hat geschrieben"),  # German
    *("a écrit", "écrivait", "a ecrit"),  # French
    *("escribió", "escribio", "ha escrito"),  # Spanish
    *("ha scritto", "scrive"),  # Italian
    *("escreveu", "escreveram"),  # Portuguese
    *("schreef", "heeft geschreven", "het volgende geschreven"),  # Dutch
    *("napisana przez", "napisał", "napisała", "napisał(a)", "pisze"),  # Polish
    *("skrev", "skriver"),  # Swedish, Danish, Norwegian
    *("kirjoitti",),  # Finnish
    *("napsal", "napsala", "napsal(a)"),  # Czech
    *("написал", "написала", "написал(а)", "пишет", "пише", "написав"),  # Russian, Ukrainian
    *("yazdı", "şunu yazdı"),  # Turkish
    *("a scris",),  # Romanian
    *("ezt írta",),  # Hungarian
    *("έγραψε",),  # Greek
    *("写道", "寫道", "撰写", "来信"),  # Chinese
    *("書きました", "wrote", "のメッセージ", "のメール"),  # Japanese
    *("작성", "작성했습니다"),  # Korean
)

# The beginnings of such a line, if it takes several lines.
OPENERS = (
    *("on ", "am ", "le ", "el ", "il ", "em ", "op ", "w dniu ", "den ", "på ", "dne ", "la data ", "la ", "στις "),
    *("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    *("mo.", "di.", "mi.", "do.", "fr.", "sa.", "so.", "lun", "mar", "mer", "jeu", "ven", "sam", "dim", "mié", "jue"),
    *("pon", "wt.", "śr.", "czw", "pt.", "sob", "niedz", "po ", "út ", "st ", "čt ", "pá ", "so ", "ne "),
    *("пн", "вт", "ср", "чт", "пт", "сб", "вс", "нд", "于", "在"),
)

# Words of a person who writes about themselves: "On 3 May 2025 I wrote:" is no attribution.
FIRST_PERSON = (
    *(" i wrote", " i said", " we wrote", "schrieb ich", "schrieben wir", "habe ich geschrieben", "j'ai écrit"),
    *("nous avons écrit", "he escrito", "ho scritto", "schreef ik", "skrev jag", "skrev jeg", "я написал", "我写"),
)

# Labels in the header block that Outlook and others put above a quote: label -> its meaning.
LABELS = {
    **dict.fromkeys(("from", "von", "de", "da", "van", "od", "från", "fra", "lähettäjä", "от", "от кого"), "from"),
    **dict.fromkeys(("kimden", "gönderen", "差出人", "送信者", "发件人", "寄件者", "寄件人", "보낸 사람"), "from"),
    **dict.fromkeys(("sent", "date", "gesendet", "datum", "envoyé", "enviado", "enviado el", "enviada em"), "date"),
    **dict.fromkeys(("fecha", "inviato", "data", "verzonden", "wysłano", "skickat", "sendt", "dato", "date"), "date"),
    **dict.fromkeys(("lähetetty", "päiväys", "odesláno", "отправлено", "дата", "gönderildi", "tarih"), "date"),
    **dict.fromkeys(("送信日時", "日付", "发送时间", "日期", "寄件日期", "보낸 날짜", "날짜"), "date"),
    **dict.fromkeys(("to", "an", "à", "para", "a", "aan", "do", "till", "til", "vastaanottaja", "komu"), "to"),
    **dict.fromkeys(("кому", "pour", "kime", "alıcı", "宛先", "收件人", "收件者", "받는 사람"), "to"),
    **dict.fromkeys(("cc", "kopie", "kopia", "kopi", "dw", "копия", "bilgi", "抄送", "副本", "참조", "kopio"), "cc"),
    **dict.fromkeys(("subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "temat"), "subject"),
    **dict.fromkeys(
        ("ämne", "sujet", "emne", "aihe", "předmět", "тема", "konu", "件名", "主题", "主旨", "제목"), "subject"
    ),
}

# Labels in a forwarded mail's header that are not needed. A line that begins with one is no text.
OTHER_LABELS = frozenset(
    (
        *("reply-to", "reply to", "antwort an", "répondre à", "responder a", "rispondi a", "responder para"),
        *("antwoord aan", "beantwoorden", "odpowiedź do", "odpowiedz do", "svar till", "svara till", "обратный адрес"),
        *("返信先", "回复", "回复至", "答复", "bcc", "resent-from", "importance", "wichtigkeit", "attachments"),
        *("anlagen", "pièces jointes", "datos adjuntos", "allegati", "anexos", "bijlagen", "załączniki", "bilagor"),
        *("вложения", "添付ファイル", "附件", "organization", "list-id", "message-id", "x-mailer"),
    )
)

# The beginnings of a forward's subject, before the colon.
FORWARD_PREFIXES = frozenset(
    (
        *("fw", "fwd", "wg", "weitergeleitet", "tr", "transf", "rv", "reenv", "i", "in", "inoltro", "enc", "res fwd"),
        *(
            "doorst",
            "doorgestuurd",
            "pd",
            "podaj dalej",
            "vb",
            "vs",
            "vl",
            "пересл",
            "пер",
            "fs",
            "转发",
            "轉寄",
            "转寄",
        ),
        *("転送", "전달", "ilt", "továbbítás", "προώθ"),
    )
)

# Words between two runs of dashes: what follows is a quote.
ORIGINALS = frozenset(
    (
        *("original message", "original mail", "original e-mail", "original email", "original appointment"),
        *("ursprüngliche nachricht", "originalnachricht", "original-nachricht", "ursprüngliche mail"),
        *("message d'origine", "message d’origine", "message original", "courriel original"),
        *("mensaje original", "correo original", "messaggio originale", "mensagem original"),
        *("oorspronkelijk bericht", "origineel bericht", "wiadomość oryginalna", "oryginalna wiadomość"),
        *("originalmeddelande", "ursprungligt meddelande", "oprindelig meddelelse", "opprinnelig melding"),
        *("alkuperäinen viesti", "původní zpráva", "původní e-mail", "исходное сообщение", "оригинал сообщения"),
        *("orijinal mesaj", "özgün ileti", "mesaj original", "eredeti üzenet"),
        *("原始邮件", "原始郵件", "元のメッセージ", "원본 메시지"),
    )
)

# Words between dashes or before a colon: what follows is a forwarded mail, and the sender wants us to read it.
FORWARDS = frozenset(
    (
        *("forwarded message", "forwarded mail", "begin forwarded message", "forwarded by"),
        *("weitergeleitete nachricht", "weitergeleitete mail", "anfang der weitergeleiteten nachricht"),
        *("anfang weitergeleitete nachricht", "message transféré", "message réexpédié", "début du message réexpédié"),
        *("début du message transféré", "mensaje reenviado", "inicio del mensaje reenviado"),
        *("messaggio inoltrato", "inizio messaggio inoltrato", "mensagem encaminhada", "mensagem reencaminhada"),
        *("início da mensagem encaminhada", "início da mensagem reencaminhada"),
        *("doorgestuurd bericht", "begin doorgestuurd bericht", "wiadomość przekazana", "przekazana wiadomość"),
        *("treść przekazanej wiadomości", "początek przekazywanej wiadomości"),
        *("vidarebefordrat meddelande", "vidarebefordrat brev", "videresendt meddelelse", "videresendt melding"),
        *("videresendt e-mail", "välitetty viesti", "přeposlaná zpráva", "přeposlaný e-mail"),
        *("пересылаемое сообщение", "пересланное сообщение", "начало переадресованного сообщения"),
        *("iletilmiş mesaj", "yönlendirilmiş ileti", "転送されたメッセージ", "転送メッセージ"),
        *("перенаправленное сообщение", "пересылаемое письмо", "början på vidarebefordrat meddelande"),
        *("vidarebefordrat e-postmeddelande", "początek przekazanej wiadomości", "inizio del messaggio inoltrato"),
        *("transféré par", "转发的消息", "转发信息", "开始转发邮件", "被转发邮件", "转寄的邮件"),
        *("转发的邮件", "转发邮件", "下面是被转发的邮件", "轉寄郵件", "轉寄的郵件", "전달된 메시지"),
    )
)

# The last line that phones and programs add: its beginning, and the names of which one must follow.
_DEVICES = (
    *("iphone", "ipad", "android", "galaxy", "samsung", "huawei", "xiaomi", "pixel", "blackberry", "outlook"),
    *("windows", "yahoo", "gmail", "proton", "thunderbird", "gmx", "web.de", "t-online", "aol", "mobile", "móvil"),
    *("celular", "handy", "smartphone", "phone", "téléphone", "telefon", "tablet", "телефон", "手机", "手機"),
)
SENT_FROM: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("sent from", "sent via", "sent with", "get outlook"), _DEVICES),
    **dict.fromkeys(("gesendet von", "gesendet mit", "gesendet aus", "holen sie sich outlook"), _DEVICES),
    **dict.fromkeys(("von meinem", "diese nachricht wurde von meinem"), ("gesendet", "verschickt")),
    **dict.fromkeys(("envoyé de", "envoyé depuis", "envoyé à partir", "obtenir outlook", "obtenez outlook"), _DEVICES),
    **dict.fromkeys(("enviado desde", "enviado do", "enviado a partir", "enviado de", "obtener outlook"), _DEVICES),
    **dict.fromkeys(("obter o outlook", "inviato da", "inviato con", "scarica outlook", "ottieni outlook"), _DEVICES),
    **dict.fromkeys(("verzonden vanaf", "verstuurd vanaf", "verzonden met", "download outlook"), _DEVICES),
    **dict.fromkeys(("wysłane z", "wysłano z", "pobierz outlook", "skickat från", "hämta outlook"), _DEVICES),
    **dict.fromkeys(("sendt fra", "hent outlook", "få outlook", "lähetetty", "hanki outlook", "odesláno z"), _DEVICES),
    **dict.fromkeys(("отправлено с", "отправлено из", "получить outlook", "скачать outlook"), _DEVICES),
    **dict.fromkeys(("iphoneから", "ipadから", "androidから"), ("送信",)),
    **dict.fromkeys(("发自我的", "發自我的", "從我的", "나의 iphone", "내 iphone", "iphone'umdan"), ("",)),
}
