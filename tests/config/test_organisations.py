"""[[organisation]]: who belongs to it, and who follows its tickets."""

from pathlib import Path

import pytest

from maild.config import describe
from maild.domain.people.directory import Address, Organisation
from tests.config.writing import loaded, problems

JANE = '[[agent]]\nname = "Jane"\naddresses = ["jane@acme.example"]\nrole = "admin"\n'
CLIENT = """
[[organisation]]
name = "Acme Client"
domains = ["Client.example", "*.client.example", "bücher.example"]
sla_plan = "SEV B"
contacts = ["it@elsewhere.example", "jane", "jane@acme.example"]
monthly_report = true
[[organisation]]
name = "Berlin"
domains = "berlin.client.example"
"""


def test_an_organisation_is_read_with_its_references_resolved(tmp_path: Path):
    settings = loaded(tmp_path, JANE + CLIENT)
    assert settings.directory.organisations[0] == Organisation(
        name="Acme Client",
        domains=("client.example", "*.client.example", "xn--bcher-kva.example"),
        sla_plan="sev-b",
        contacts=(Address.of("it@elsewhere.example"),),
        followers=("Jane",),
        monthly_report=True,
    )
    first, second = describe(settings, changed_only=True)["organisation"]
    assert first["contacts"] == ["it@elsewhere.example", "Jane"]
    assert second == {"name": "Berlin", "domains": ["berlin.client.example"]}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("bob@client.example", "Acme Client"),
        ("bob@CLIENT.example", "Acme Client"),
        ("bob@paris.client.example", "Acme Client"),
        ("bob@a.b.client.example", "Acme Client"),
        ("bob@berlin.client.example", "Berlin"),  # what is written out is narrower than a star
        ("bob@a.berlin.client.example", "Acme Client"),
        ("bob@a.xn--bcher-kva.example", None),  # a domain below counts only when it is written
        ("bob@notclient.example", None),
        ("bob@example", None),
        ("jane@acme.example", None),
    ],
)
def test_who_belongs_to_an_organisation_is_told_by_the_domain(tmp_path: Path, address: str, name: str | None):
    found = loaded(tmp_path, JANE + CLIENT).directory.organisation_of(Address.of(address))
    assert (found.name if found else None) == name


def test_we_and_our_agents_are_no_customers_of_an_organisation_at_our_own_domain(tmp_path: Path):
    directory = loaded(tmp_path, JANE + '[[organisation]]\nname = "Us"\ndomains = "acme.example"\n').directory
    assert directory.organisation_of(Address.of("jane@acme.example")) is None
    assert directory.organisation_of(Address.of("support@acme.example")) is None
    assert directory.organisation_of(Address.of("hr@acme.example")) is not None


def test_a_domain_where_anybody_can_have_an_address_groups_strangers(tmp_path: Path):
    (found,) = problems(tmp_path, JANE + '[[organisation]]\nname = "Mail"\ndomains = "GMail.com"\n')
    assert "anybody can have an address at gmail.com; remove it" in found
