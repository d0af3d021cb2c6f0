"""Quotes in HTML: what mail programs wrap them in. Forwarded mails stay, without their wrapping."""

from __future__ import annotations

import turbohtml

from maild.mail.quoting.cut import is_forward

_LOOK = 400  # characters of a text that are looked at

# What mail programs wrap a quote in. Each is replaced by an empty quote, so that the line above it is still known for
# an attribution.
_CONTAINERS = (
    "blockquote[type=cite]",  # Apple Mail, Thunderbird
    "blockquote.gmail_quote",  # Gmail; its outer div may hold answers between quotes
    ".moz-cite-prefix",  # Thunderbird's attribution line
    ".gmail_attr",  # Gmail's attribution line
    ".yahoo_quoted",  # Yahoo
    ".protonmail_quote",  # Proton
    "#OLK_SRC_BODY_SECTION",  # Outlook for Mac
)
# What stands above a quote that lasts to the end of the mail, without a container of its own.
_REST_IS_QUOTE = (
    "#appendonsend",  # Outlook on the web
    "#divRplyFwdMsg",  # Outlook
    "#mail-editor-reference-message-container",  # Outlook, new
    "#zwchr",  # Zimbra
)


def cut_html(html: str, *, forwarded: bool = False) -> str:
    """`html` without what mail programs mark as a quote; forwarded mails stay. Turn it into text and `cut` that.

    `forwarded`: the subject says that it is a forward, which Outlook marks just as it marks a quote."""
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
    """Drops everything behind an element in the order of the document."""
    node: turbohtml.Node | None = mark
    while isinstance(node, turbohtml.Element):
        for sibling in list(node.next_siblings):
            sibling.extract()
        node = node.parent


def _mark_quote(element: turbohtml.Element) -> None:
    element.replace_with(turbohtml.Element("blockquote", None, [turbohtml.Text("…")]))


def _holds_forward(element: turbohtml.Element) -> bool:
    """Whether a quote begins with the words of a forward: then it is what the sender wants us to read."""
    for number, words in enumerate(element.stripped_strings):
        if number >= 3:
            break
        if is_forward(words[:_LOOK]):
            return True
    return False
