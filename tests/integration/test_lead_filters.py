"""Filters of leads: each comparison finds what a person would, nothing typed becomes SQL, and nonsense is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.campaigns.models import Campaign, CustomField
from dialer.core.clock import now
from dialer.leads.choosing import where_of
from dialer.leads.filters import ANY, OPS, BadFilter, Condition, Field, Filter, fields_of, parse, q_of, words_of
from dialer.leads.models import Lead
from dialer.leads.services import first_in_line
from tests.factories import make_leads, make_list


@pytest.fixture
def known(campaign: Campaign) -> dict[str, Field]:
    """The fields of a campaign that has one custom field of each kind."""
    for name, kind in (("berth", "text"), ("length", "number"), ("due", "date"), ("size", "choice"), ("paid", "yesno")):
        CustomField.objects.create(
            tenant_id=campaign.tenant_id,
            campaign=campaign,
            name=name,
            label=name.title(),
            kind=kind,
            choices=["Big", "Small"] if kind == "choice" else [],
        )
    return fields_of(list(campaign.custom_fields.all()))


@pytest.fixture
def people(campaign: Campaign) -> dict[str, Lead]:
    """Ada, of whom much is known, and Bob, of whom little is."""
    where = make_list(campaign)
    [ada] = make_leads(
        where,
        1,
        first_name="Ada",
        company="100% Byron_Ltd",
        attempts=3,
        phone="+12125550100",
        last_outcome="busy",
        region="US-NY",
        custom={"berth": "Pier 9", "length": "12.5", "due": "2027-03-01", "size": "Big", "paid": True},
    )
    [bob] = make_leads(where, 1, first_name="Bob", phone="+442071838750", time_zones=["Europe/London"])
    Lead.objects.for_tenant(campaign.tenant_id).filter(pk=bob.pk).update(
        created_at=datetime(2026, 1, 5, 3, tzinfo=UTC), custom={"length": "about ten", "paid": False}
    )
    return {"Ada": ada, "Bob": bob}


def found(campaign: Campaign, chosen: Filter, known: dict[str, Field]) -> str:
    rows = Lead.objects.for_tenant(campaign.tenant_id).filter(q_of(chosen, known))
    return " ".join(sorted(rows.values_list("first_name", flat=True)))


def in_line(campaign: Campaign, chosen: Filter) -> str:
    """Who would be dialed with this as the campaign's filter."""
    campaign.lead_filter, campaign.tenant.time_zone = chosen.as_json(), "UTC"
    leads = first_in_line(campaign_id=campaign.pk, count=9, at=now(), where=where_of(campaign))
    return " ".join(sorted(lead.first_name for lead in leads))


@pytest.mark.parametrize(
    ("field", "op", "value", "who"),
    [
        ("first_name", "is", "ada", "Ada"),
        ("first_name", "is_not", "Ada", "Bob"),
        ("company", "contains", "0% b", "Ada"),
        ("company", "contains", "0_ b", ""),
        ("company", "begins", "100%", "Ada"),
        ("company", "empty", "", "Bob"),
        ("company", "filled", "", "Ada"),
        ("phone", "begins", "+1 212", "Ada"),
        ("region", "is", "ny", "Ada"),
        ("region", "is", "US-NY", "Ada"),
        ("region", "is_not", "NY", "Bob"),
        ("region", "empty", "", "Bob"),
        ("time_zone", "is", "Europe/London", "Bob"),
        ("time_zone", "is_not", "Europe/London", "Ada"),
        ("attempts", "at_least", "3", "Ada"),
        ("attempts", "at_most", "2.5", "Bob"),
        ("attempts", "is", "0", "Bob"),
        ("state", "is", "waiting", "Ada Bob"),
        ("created_at", "before", "2026-01-06", "Bob"),
        ("created_at", "is", "2026-01-05", "Bob"),
        ("created_at", "from", "2026-01-06", "Ada"),
        ("created_at", "last_days", "2", "Ada"),
        ("custom.berth", "contains", "pier", "Ada"),
        ("custom.berth", "is_not", "pier 9", "Bob"),
        ("custom.berth", "empty", "", "Bob"),
        ("custom.length", "at_least", "12.4", "Ada"),
        ("custom.length", "is", "12.50", "Ada"),
        ("custom.length", "at_most", "12", ""),
        ("custom.due", "before", "2027-03-02", "Ada"),
        ("custom.due", "before", "2027-03-01", ""),
        ("custom.due", "from", "2027-03-01", "Ada"),
        ("custom.size", "is", "Big", "Ada"),
        ("custom.size", "is_not", "Big", "Bob"),
        ("custom.paid", "is", "yes", "Ada"),
        ("custom.paid", "is", "no", "Bob"),
    ],
)
def test_each_comparison(
    campaign: Campaign, known: dict[str, Field], people: dict[str, Lead], field: str, op: str, value: str, who: str
) -> None:
    chosen = parse({"conditions": [{"field": field, "op": op, "value": value}]}, known)
    assert found(campaign, chosen, known) == who
    assert in_line(campaign, chosen) == who
    assert parse(chosen.as_json(), known) == chosen


def test_all_any_and_none(campaign: Campaign, known: dict[str, Field], people: dict[str, Lead]) -> None:
    both = (Condition("first_name", "is", "ada"), Condition("attempts", "is", "0"))
    assert found(campaign, Filter(both), known) == ""
    assert found(campaign, Filter(both, ANY), known) == "Ada Bob"
    assert found(campaign, Filter(), known) == "Ada Bob"
    assert words_of(Filter(both), known) == ["First name is ada", "Attempts is 0"]


def test_a_field_that_is_gone_lets_nobody_through(campaign: Campaign, people: dict[str, Lead]) -> None:
    assert found(campaign, Filter((Condition("custom.gone", "is", "1"),)), fields_of()) == ""
    assert found(campaign, Filter((Condition("attempts", "contains", "1"),)), fields_of()) == ""


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"field": "password", "op": "is", "value": "x"}, "no field “password”"),
        ({"field": "campaign__tenant", "op": "is", "value": "1"}, "no field"),
        ({"field": "attempts", "op": "contains", "value": "1"}, "cannot be asked that"),
        ({"field": "attempts", "op": "is", "value": "many"}, "“many” is no number"),
        ({"field": "attempts", "op": "is", "value": "1e400"}, "is no number"),
        ({"field": "attempts", "op": "is", "value": "NaN"}, "is no number"),
        ({"field": "created_at", "op": "before", "value": "yesterday"}, "is no date"),
        ({"field": "created_at", "op": "last_days", "value": "0"}, "number of days"),
        ({"field": "custom.size", "op": "is", "value": "Huge"}, "none of its choices"),
        ({"field": "custom.paid", "op": "is", "value": "maybe"}, "neither yes nor no"),
        ({"field": "time_zone", "op": "is", "value": "New York"}, "not a time zone"),
        ({"field": "phone", "op": "empty", "value": ""}, "cannot be asked that"),
        ({"field": "company", "op": "is", "value": " "}, "Give a value"),
        ("x", "no filter"),
    ],
)
def test_what_makes_no_sense_is_said(known: dict[str, Field], row: Any, words: str) -> None:
    with pytest.raises(BadFilter, match=words) as caught:
        parse({"conditions": [{"field": "company", "op": "filled"}, row]}, known)
    assert caught.value.row == 1


def test_a_filter_has_an_end(known: dict[str, Field]) -> None:
    with pytest.raises(BadFilter, match="21 conditions"):
        parse({"conditions": [{"field": "company", "op": "filled"}] * 21}, known)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_a_value_and_runs(
    data: st.DataObject, campaign: Campaign, known: dict[str, Field]
) -> None:
    """Quotes, percent signs, braces, SQL: a filter that `parse` takes can be asked of the database."""
    field = data.draw(st.sampled_from(sorted(known)))
    op = data.draw(st.sampled_from(sorted(OPS)))
    value = data.draw(
        st.text(max_size=20) | st.sampled_from(["'; DROP TABLE leads_lead; --", "%s", "%(at)s", "yes", "7"])
    )
    try:
        chosen = parse({"conditions": [{"field": field, "op": op, "value": value}]}, known)
    except BadFilter:
        return
    Lead.objects.for_tenant(campaign.tenant_id).filter(q_of(chosen, known)).exists()
    in_line(campaign, chosen)


def test_days_begin_on_the_clock_that_is_given(campaign: Campaign, people: dict[str, Lead]) -> None:
    chosen = Filter((Condition("created_at", "is", "2026-01-04"),))
    rows = Lead.objects.for_tenant(campaign.tenant_id)
    assert rows.filter(q_of(chosen, fields_of(), ZoneInfo("America/New_York"))).count() == 1
    assert rows.filter(q_of(chosen, fields_of())).count() == 0
    assert now() - timedelta(days=1) < people["Ada"].created_at
