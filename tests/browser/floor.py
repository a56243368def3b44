"""A small floor for browsers to look at: a tenant with people, campaigns and leads that look like a working day."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page

from dialer.campaigns.models import Campaign, DialMethod, LeadList
from dialer.leads.models import Lead
from dialer.people.models import Tenant, User
from tests import factories

NOTES = "Asked in spring whether the berth can be renewed for two years.\nPrefers to be called in the morning."


@dataclass
class Floor:
    """What the pages show."""

    tenant: Tenant
    agent: User
    supervisor: User
    admin: User
    manager: User
    campaign: Campaign
    preview: Campaign
    manual: Campaign
    leads: LeadList
    lead: Lead


def make_floor() -> Floor:
    """Make it."""
    tenant = factories.make_tenant("Harbour Marina")
    team = factories.make_team(tenant, "Renewals")
    for code, label in (("BREAK", "Break"), ("LUNCH", "Lunch"), ("TRAINING", "Training")):
        factories.make_pause_code(tenant, code, label)
    agent = factories.make_user(tenant, "agent", first_name="Andy", last_name="Okafor", team=team)
    supervisor = factories.make_user(tenant, "supervisor", first_name="Sam", last_name="Lindqvist", team=team)
    admin = factories.make_user(tenant, "admin", first_name="Alex", last_name="Moreau")
    manager = factories.make_user(tenant, "manager", first_name="Morgan", last_name="Ito")
    campaign = factories.make_campaign(tenant, name="Harbour renewals")
    preview = factories.make_campaign(
        tenant, name="Win-back", dial_method=DialMethod.PREVIEW, disposition_set=campaign.disposition_set
    )
    manual = factories.make_campaign(
        tenant, name="Front desk", dial_method=DialMethod.MANUAL, disposition_set=campaign.disposition_set
    )
    leads = factories.make_list(campaign, name="Berths north")
    factories.make_leads(leads, 12)
    lead = factories.make_leads(
        leads, 1, first_name="Marguerite", last_name="Delacroix", company="Delacroix & Filles", notes=NOTES
    )[0]
    factories.make_leads(factories.make_list(preview, name="Left last year"), 3, first_name="Iris", last_name="Vance")
    factories.make_leads(factories.make_list(manual, name="Walk-ins"), 3, first_name="Theo", last_name="Brandt")
    return Floor(tenant, agent, supervisor, admin, manager, campaign, preview, manual, leads, lead)


def open_as(browser: Browser, address: str, user: User, **options: object) -> Page:
    """A page in a browser of its own where the user is signed in."""
    client = Client()
    client.force_login(user)
    context = browser.new_context(base_url=address, **options)  # type: ignore[arg-type]
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": address}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


STICKING_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > wide + 0.5)
    .map((one) => `${one.localName}#${one.id}.${one.className.baseVal ?? one.className}`);
}"""
"""What makes a page scroll sideways."""
