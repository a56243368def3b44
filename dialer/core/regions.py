"""What people call the countries, states and provinces that rule packs tell of (ISO 3166, e.g. US-FL)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

COUNTRIES: dict[str, Any] = {
    "US": lazy("United States"),
    "CA": lazy("Canada"),
    "GB": lazy("United Kingdom"),
}
_STATES = """
US-AK Alaska, US-AL Alabama, US-AR Arkansas, US-AZ Arizona, US-CA California, US-CO Colorado, US-CT Connecticut,
US-DC District of Columbia, US-DE Delaware, US-FL Florida, US-GA Georgia, US-HI Hawaii, US-IA Iowa, US-ID Idaho,
US-IL Illinois, US-IN Indiana, US-KS Kansas, US-KY Kentucky, US-LA Louisiana, US-MA Massachusetts, US-MD Maryland,
US-ME Maine, US-MI Michigan, US-MN Minnesota, US-MO Missouri, US-MS Mississippi, US-MT Montana, US-NC North Carolina,
US-ND North Dakota, US-NE Nebraska, US-NH New Hampshire, US-NJ New Jersey, US-NM New Mexico, US-NV Nevada,
US-NY New York, US-OH Ohio, US-OK Oklahoma, US-OR Oregon, US-PA Pennsylvania, US-RI Rhode Island,
US-SC South Carolina, US-SD South Dakota, US-TN Tennessee, US-TX Texas, US-UT Utah, US-VA Virginia, US-VT Vermont,
US-WA Washington, US-WI Wisconsin, US-WV West Virginia, US-WY Wyoming,
CA-AB Alberta, CA-BC British Columbia, CA-MB Manitoba, CA-NB New Brunswick, CA-NL Newfoundland and Labrador,
CA-NS Nova Scotia, CA-NT Northwest Territories, CA-NU Nunavut, CA-ON Ontario, CA-PE Prince Edward Island,
CA-QC Quebec, CA-SK Saskatchewan, CA-YT Yukon
"""
_NAMES: dict[str, str] = dict(one.split(maxsplit=1) for one in " ".join(_STATES.split()).split(", "))


def country_of(region: str) -> str:
    """The name of the country that a region is, or is in; its code where no name is known."""
    code = region.partition("-")[0]
    return str(COUNTRIES.get(code, code))


def region_words(region: str) -> str:
    """A region by name and code: CA-ON is Ontario, CA all of Canada, and US-CA California."""
    if "-" not in region:
        return _("All of %(country)s (%(code)s)") % {"country": country_of(region), "code": region}
    return f"{_NAMES[region]} ({region})" if region in _NAMES else region
