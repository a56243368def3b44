"""A campaign's filter as a part of the statements that choose its leads."""

from __future__ import annotations

import re
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection

from dialer.campaigns.models import Campaign
from dialer.core.zones import known_zone

from .fields import custom_fields
from .filters import BadFilter, Filter, fields_of, parse, q_of
from .models import Lead

Where = tuple[str, dict[str, Any]]
"""A condition on a table of leads in SQL, and its values by name."""

EVERY: Where = ("TRUE", {})
NOBODY: Where = ("FALSE", {})


def filter_of(campaign: Campaign) -> Filter:
    """The campaign's filter. Raises BadFilter when it no longer makes sense, e.g. when a custom field is gone."""
    return parse(campaign.lead_filter, fields_of(custom_fields(campaign.pk, campaign.tenant_id)))


def where_of(campaign: Campaign, alias: str = "leads_lead") -> Where:
    """The campaign's filter for a statement that calls the leads `alias`; a broken one lets none through.

    `campaign.tenant` is read. The words of the condition are Django's own, every value is bound.
    """
    if not campaign.lead_filter:
        return EVERY
    known = fields_of(custom_fields(campaign.pk, campaign.tenant_id))
    try:
        chosen = parse(campaign.lead_filter, known)
    except BadFilter:
        return NOBODY
    zone = known_zone(campaign.tenant.time_zone) or ZoneInfo("UTC")
    query = Lead.objects.for_tenant(campaign.tenant_id).filter(q_of(chosen, known, zone)).query
    try:
        sql, values = query.where.as_sql(query.get_compiler(connection=connection), connection)
    except EmptyResultSet:
        return NOBODY
    except FullResultSet:
        return EVERY
    names = count()
    own = f"{connection.ops.quote_name(alias)}."
    text = sql.replace(f"{connection.ops.quote_name(Lead._meta.db_table)}.", own)
    text = re.sub("%s", lambda _: f"%(filter_{next(names)})s", text)
    return text, {f"filter_{place}": value for place, value in enumerate(values)}
