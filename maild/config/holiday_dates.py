"""Public holidays of countries and regions, from the `holidays` package.

It is imported only when a calendar needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version

from maild.domain.times.calendars import HolidaySource


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The public holidays of a country ("FR") or of a region ("DE-BE"). Each year is computed once."""

    name: str
    edition: str  # version of the holiday tables
    country: str
    region: str | None
    _years: dict[int, frozenset[date]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def dates(self, year: int) -> frozenset[date]:
        """Return the holidays of a year. Days observed instead of a weekend day are included."""
        known = self._years.get(year)
        if known is None:
            import holidays  # a large package that most calendars do not need

            found = holidays.country_holidays(self.country, subdiv=self.region, years=year)
            known = self._years[year] = frozenset(day for day in found if day.year == year)
        return known


@dataclass(frozen=True, slots=True)
class SeveralPlaces:
    """The public holidays of several places: a holiday in one of them counts."""

    places: tuple[HolidaySource, ...]

    @property
    def name(self) -> str:
        """The codes of the places, joined by "+"."""
        return "+".join(place.name for place in self.places)

    @property
    def edition(self) -> str:
        """The versions of the holiday tables, joined by "+"."""
        return "+".join(place.edition for place in self.places)

    def dates(self, year: int) -> frozenset[date]:
        """Return the days of a year that are a holiday in any of the places."""
        return frozenset().union(*(place.dates(year) for place in self.places))


def holidays_of(codes: str | Iterable[str]) -> HolidaySource | None:
    """Return the holidays for one code or several ("DE-BE", ["FR", "DE"]); None for no code.

    A code is an ISO 3166-1 country, with an ISO 3166-2 region if needed. Raises ValueError with similar codes for an
    unknown one."""
    places = tuple(_place(code) for code in ([codes] if isinstance(codes, str) else codes))
    if not places:
        return None
    return places[0] if len(places) == 1 else SeveralPlaces(places)


def _place(code: str) -> HolidaySource:
    country, _, region = code.strip().partition("-")
    regions = _regions_by_country()
    if country.upper() not in regions:
        raise ValueError(f"no holidays are known for {code!r}{_nearest(code)}")
    known = {name.casefold(): name for name in regions[country.upper()]}
    if region and region.casefold() not in known:
        raise ValueError(f"no holidays are known for {code!r}{_nearest(code)}")
    place = f"{country.upper()}-{known[region.casefold()]}" if region else country.upper()
    return PublicHolidays(place, version("holidays"), country.upper(), known[region.casefold()] if region else None)


@cache
def _regions_by_country() -> Mapping[str, tuple[str, ...]]:
    import holidays

    return {country: tuple(regions) for country, regions in holidays.list_supported_countries().items()}


def _nearest(code: str) -> str:
    """Return the end of a sentence that suggests similar codes."""
    country = code.strip().partition("-")[0].upper()
    regions = _regions_by_country()
    countries = [country] if country in regions else list(regions)
    candidates = [place for name in countries for place in (name, *(f"{name}-{region}" for region in regions[name]))]
    near = get_close_matches(code.strip().upper(), candidates, n=3, cutoff=0.4)
    return f": did you mean {', '.join(near)}?" if near else ": write a country code (DE) or country and region (DE-BE)"
