"""HTML of strangers: harmless when shown, legible as text."""

import pytest

from maild.mail.reading import html
from tests.rig.misses import in_turn


@in_turn(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<img src='http://track.example/p.gif'>",
        "<img src='//track.example/p.gif'>",
        "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<img srcset='http://track.example/p.gif 2x'>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='JaVa\tScRiPt:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<form action='http://evil.example'><input name=q><button>go</button></form>",
        "<iframe src='http://evil.example'></iframe>",
        "<object data='http://evil.example'></object><embed src='http://evil.example'>",
        "<link rel=stylesheet href='http://evil.example/x.css'>",
        "<style>@import 'http://evil.example/x.css'; body{background:url(http://evil.example)}</style>",
        "<div style='background:url(http://evil.example)'>x</div>",
        "<table background='http://evil.example/x.png'><tr><td>x</td></tr></table>",
        "<body onload=alert(1) background='http://evil.example'>x</body>",
        "<svg><script>alert(1)</script></svg><svg onload=alert(1)>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<video poster='http://evil.example/x.png' src='http://evil.example'></video>",
        "<audio src='http://evil.example'></audio><source src='http://evil.example'>",
        "<base href='http://evil.example/'><a href='x'>x</a>",
        "<meta http-equiv=refresh content='0;url=http://evil.example'>",
        "<meta http-equiv=content-type content=charset>",
        "<input type=image src='http://evil.example/x.png'>",
        "<details open ontoggle=alert(1)>x</details>",
        "<p id='x' class='y' name='z'>x</p>",
        "<!--[if mso]><img src='http://evil.example'><![endif]-->",
        "<a href='cid:x'>x</a>",
    ],
)
def test_nothing_active_and_nothing_remote_is_left(hostile):
    found = html.sanitise(f"<p>before</p>{hostile}<p>after</p>").lower()
    for trace in (
        "<script",
        "<style",
        "<img src=x",
        "onerror",
        "onload",
        "ontoggle",
        "javascript:",
        "data:",
        "vbscript:",
    ):
        assert trace not in found
    for trace in (
        "<form",
        "<input",
        "<iframe",
        "<svg",
        "<math",
        "style=",
        "class=",
        "id=",
        "src=",
        "background",
        "cid:",
    ):
        assert trace not in found
    assert "evil.example" not in found
    assert "track.example" not in found


def test_links_and_images_from_within_the_mail_stay():
    found = html.sanitise(
        '<a href="https://client.example/?a=1&b=2">x</a><a href="mailto:k@c.example">y</a><img src="cid:1">'
    )
    assert 'href="https://client.example/?a=1&amp;b=2"' in found
    assert 'href="mailto:k@c.example"' in found
    assert 'src="cid:1"' in found


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "page",
    [
        *("<div>" * 100_000, "<b>" * 100_000, "x" * 600_000, "<i>" * 100_000),
        *("<a " + "".join(f"b{n}=1 " for n in range(50_000)) + ">", "<table><tr><td>" * 5_000, "<font>" * 40_000),
    ],
)
def test_html_that_would_take_long_is_refused_and_still_read_as_text(page):
    assert html.sanitise(page) == ""
    html.to_text(page)


def test_panic_of_the_sanitiser_costs_the_html_alone(monkeypatch):
    class PanicException(BaseException):
        """As Rust's bindings raise it: no Exception."""

    def panic(*_, **__):
        raise PanicException

    monkeypatch.setattr(html.nh3, "clean", panic)
    assert html.sanitise("<p>x</p>") == ""


def test_interrupt_within_the_sanitiser_is_not_swallowed(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(html.nh3, "clean", interrupt)
    with pytest.raises(KeyboardInterrupt):
        html.sanitise("<p>x</p>")


@in_turn(
    ("page", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<p class=MsoNormal>one</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>two</p>", "one\n\ntwo"),
        ("<p style='margin:0'>one</p><p style='margin:0'>two</p>", "one\ntwo"),
        ("a   <b> b</b>\n c", "a b c"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ("<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>", "* a\n* b\n  1. c"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "* a\n\n* b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a  b\nc  d"),
        ("<table><tr><td><p>a</p></td><td><p>b</p></td></tr></table>", "a  b"),
        ("<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\n\nb\n\nc"),
        ("<a href='https://c.example/x'>see</a> it", "see <https://c.example/x> it"),
        ("<a href='https://c.example/'>c.example</a>", "c.example"),
        ("<a href='mailto:k@c.example'>k@c.example</a>", "k@c.example"),
        ("<a href='javascript:x'>see</a>", "see"),
        ("<a href='#top'>see</a>", "see"),
        ("<blockquote>a<blockquote>b</blockquote>c</blockquote>d", "> a\n>> b\n> c\nd"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<img src=x alt='a plan'>", "[a plan]"),
        ("<img src=x>", ""),
        ("a<hr>b", "a\n--------------------\nb"),
        ("<div style='display: none'>hidden</div>seen", "seen"),
        ("<span hidden>hidden</span>seen", "seen"),
        ("<style>x</style><script>y</script><title>z</title>seen", "seen"),
        ("a &lt;b&gt; &amp; c&nbsp;d", "a <b> & c d"),
        ("<!-- note -->seen<!doctype html>", "seen"),
        ("", ""),
        ("no tags at all", "no tags at all"),
        ("a\0b", "ab"),
    ],
)
def test_html_reads_as_people_see_it(page, text):
    assert html.to_text(page) == text


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "page",
    [
        *("<blockquote>a" * 20_000, "<ul><li>" * 20_000, "<table>" * 30_000, "<" * 500_000, "<a b='" * 50_000),
        *("<p>" * 100_000, "<blockquote>" * 3_000 + "<br>" * 30_000, "<pre>" + "\n" * 300_000, "&" * 500_000),
    ],
)
def test_endless_html_is_read_in_linear_time_and_does_not_grow(page):
    assert len(html.to_text(page)) <= 3 * len(page)


def test_text_behind_deep_nesting_is_not_lost():
    assert html.to_text("<div>" * 50_000 + "deep" + "</div>" * 50_000 + "behind") == "deep\nbehind"
