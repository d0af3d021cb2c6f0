"""What an admin sees of the scanner: mails that it found something in, and mails that wait for it."""

from tests.rig.fake_clamd import MARKER, SIGNATURE, clamd_at_path

HEAD = (
    "From: Bob Miller <bob@client.example>\nTo: support@acme.example\nSubject: A file\n"
    "Message-ID: <{id}@client.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
)
BODY = (
    "--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: application/pdf\n"
    'Content-Disposition: attachment; filename="a.pdf"\n\n%PDF\n--b--\n'
)


def mail(shell, number, text="hello"):
    return shell.write(f"{number}.eml", (HEAD + BODY).format(id=number, text=text))


def scanned_at(shell, path):
    config = shell.config.read_text()
    shell.config.write_text(f'{config}\n[attachments]\nclamd = "unix:{path}"\n')


def test_an_infected_mail_is_quarantined_and_scanned_again_at_its_replay(shell):
    path = shell.folder / "clamd.ctl"
    scanned_at(shell, path)
    with clamd_at_path(path) as clamd:
        clean, infected = shell.maild("inject", "--json", mail(shell, 1), mail(shell, 2, MARKER.decode())).lines
        assert clean["outcome"] == "opened"
        assert (infected["outcome"], infected["reason"]) == ("quarantined", f"clamd found {SIGNATURE}")
        (again,) = shell.maild("quarantine", "replay", "--json", infected["inbound"]).lines
        assert again["outcome"] == "quarantined"
        clamd.behaviour = "stream: OK"  # a false alarm, mended in its signatures
        (again,) = shell.maild("quarantine", "replay", "--json", infected["inbound"]).lines
        assert again["outcome"] == "opened"
        assert len(clamd.streams) == 2 + 1 + 1 + 2  # of a mail in which nothing is found its files as well


def test_a_mail_is_kept_and_waits_while_nobody_scans(shell):
    scanned_at(shell, shell.folder / "nobody.ctl")
    typed = shell.maild("inject", "--json", mail(shell, 1))
    (line,) = typed.lines
    assert (typed.code, line["outcome"], line["ticket"]) == (0, "kept, and waits", None)
    assert "cannot connect to clamd" in line["reason"]
