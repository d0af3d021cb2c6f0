"""Removes quotes from HTML by the elements that mail programs put around them. Forwarded mails stay."""

from __future__ import annotations

import turbohtml

from maild.mail.quoting.cut import is_forward

_LOOK = 400  # characters of a text that are read

# The elements that mail programs put around a quote. Each is replaced by an empty quote, so that the line above it can
# still be recognised as an attribution.
_CONTAINERS = (
    "blockquote[type=cite]",  # Apple Mail, Thunderbird
    "blockquote.gmail_quote",  # Gmail; its outer div may hold answers between quotes
    ".moz-cite-prefix",  # Thunderbird's attribution line
    ".gmail_attr",  # Gmail's attribution line
    ".yahoo_quoted",  # Yahoo
    ".protonmail_quote",  # Proton
    "#OLK_SRC_BODY_SECTION",  # Outlook for Mac
)
# Elements above a quote that has no container and goes on to the end of the mail.
_REST_IS_QUOTE = (
    "#appendonsend",  # Outlook on the web
    "#divRplyFwdMsg",  # Outlook
    "#mail-editor-reference-message-container",  # Outlook, new
    "#zwchr",  # Zimbra
)


def cut_html(html: str, *, forwarded: bool = False) -> str:
    """Return `html` without the quotes that mail programs mark; forwarded mails stay. Its text still goes to `cut`.

    `forwarded`: the subject says that it is a forward, which Outlook marks in the same way as a quote."""
    root = turbohtml.parse(html, positions=False)
    for mark in root.select(", ".join(_REST_IS_QUOTE)):
        if forwarded:
            break
        if mark.parent is not None:
            _drop_behind(mark)
            _mark_quote(mark)
            break
    for container in root.select(", ".join(_CONTAINERS)):
        if not _holds_forward(container):
            _mark_quote(container)
        elif container.tag == "blockquote":
            container.unwrap()
    return root.serialize()


def _drop_behind(mark: turbohtml.Element) -> None:
    """Drop everything behind an element in the order of the document."""
    node: turbohtml.Node | None = mark
    while isinstance(node, turbohtml.Element):
        for sibling in list(node.next_siblings):
            sibling.extract()
        node = node.parent


def _mark_quote(element: turbohtml.Element) -> None:
    """Replace an element by an empty quote."""
    element.replace_with(turbohtml.Element("blockquote", None, [turbohtml.Text("…")]))


def _holds_forward(element: turbohtml.Element) -> bool:
    """Whether a quote begins with the words of a forward: then the sender wants us to read it."""
    for number, words in enumerate(element.stripped_strings):
        if number >= 3:
            break
        if is_forward(words[:_LOOK]):
            return True
    return False
