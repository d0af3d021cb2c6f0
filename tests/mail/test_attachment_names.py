"""File names that strangers choose: shown and sent again, never a path, never a trick."""

import unicodedata

import pytest

from maild.mail.reading.attachments import MAX_NAME_BYTES, safe_name
from tests.rig.misses import in_turn

TRAVERSAL = ["../../etc/passwd", "..\\..\\etc\\passwd", "/etc/passwd", "C:\\temp\\passwd", "\\\\host\\share\\passwd"]
TRAVERSAL += ["a/b/../passwd", "./passwd", ".../passwd", "~/passwd", "x:/passwd"]
HIDDEN = [".htaccess", "\u200b.htaccess", "..htaccess", ". htaccess", "\ufeff.htaccess", "\u2060.htaccess"]
HIDDEN += [" .htaccess", "\x00.htaccess", "a/\u200b.htaccess", "\u202e.htaccess"]
DEVICES = ["CON", "nul.txt", "COM1.log", "lpt9", "Aux.tar.gz", "prn."]
CONTROLS = ["a\0.txt", "a\r\nBcc: x.txt", "a\x1b[31m.txt", "a\x7f.txt", "a\u2028.txt", "a\u0085.txt", "a\x0b.txt"]
TURNED = ["invoice\u202efdp.exe", "a\u2066b\u2069.txt", "a\u061cb.txt", "a\u200fb.txt"]
LONG = ["x" * 4096, "ü" * 4096 + ".pdf", "a." + "b" * 4096, ("名" * 200) + ".docx"]
EMPTY = ["", ".", "..", "...", "/", "\\", "\u200b", "\0", " ", "a/"]
FORBIDDEN = ['a<b>:"|?*.txt', "a\tb.txt"]


@in_turn("name", [*TRAVERSAL, *HIDDEN, *DEVICES, *CONTROLS, *TURNED, *LONG, *EMPTY, *FORBIDDEN])
def test_name_is_safe_to_show_and_to_send(name):
    safe = safe_name(name)
    assert not set(safe) & set('/\\<>:"|?*\0\r\n')
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert len(safe.encode()) <= MAX_NAME_BYTES
    assert all(unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in safe)


@in_turn("name", TRAVERSAL)
def test_path_goes_and_the_file_name_stays(name):
    assert safe_name(name) == "passwd"


@in_turn("name", HIDDEN)
def test_hidden_file_comes_to_light(name):
    assert safe_name(name) == "htaccess"


@pytest.mark.parametrize("name", DEVICES)
def test_device_of_windows_is_no_file_name(name):
    assert safe_name(name).startswith("_")


@in_turn("name", EMPTY)
def test_name_of_nothing_is_empty(name):
    assert safe_name(name) == ""


@pytest.mark.parametrize("name", ["Größe.pdf", "報告 2025.docx", "a b.tar.gz", "no_extension", "résumé (final).odt"])
def test_honest_name_stays(name):
    assert safe_name(name) == name


def test_long_name_keeps_its_extension():
    assert safe_name("ü" * 4096 + ".pdf").endswith("ü.pdf")
