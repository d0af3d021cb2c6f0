"""Subjects as people and mail programs write them: prefixes in many languages, and tokens."""

from __future__ import annotations

import re

from maild.domain.messages.reply_tokens import without_token

_LONGEST = 2000  # characters that are looked at
_MOST_PREFIXES = 10

# Answer and forward marks of mail programs. One word, maybe a count (Re[2]:, Re(3):, Re^2:), then a colon, which in
# Chinese and Japanese is the wide one. English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish,
# Norwegian, Danish, Finnish, Turkish, Russian, Greek, Chinese, Japanese, Korean.
_PREFIX = re.compile(
    r"(?:re|fwd?|aw|antw|antwort|wg|wtr|tr|réf|ref|rv|rif|r|i|enc|res|odp|pd|sv|vs|vb|vl|vid|ang|ynt|ilt|yml|"
    r"на|отв|ответ|пересл|απ|πρθ|回复|回覆|答复|答覆|转发|轉寄|轉發|返信|転送|회신|전달)\s?(?:[\[(^]\d{1,3}[\])]?)?\s?[:：]\s*",
    re.IGNORECASE,
)


def base_subject(subject: str) -> str:
    """Return a subject without tokens and without prefixes such as Re: and Fwd:, with white space folded."""
    left = " ".join(without_token(subject[:_LONGEST]).split())
    for _ in range(_MOST_PREFIXES):
        found = _PREFIX.match(left)
        if found is None:
            break
        left = left[found.end() :]
    return left


def same_subject(one: str, other: str) -> bool:
    """Tell whether two subjects belong to one conversation. Empty ones do not."""
    first, second = base_subject(one).casefold(), base_subject(other).casefold()
    return bool(first) and first == second
