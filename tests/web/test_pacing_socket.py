"""/ws/pacing/<campaign>/: who may listen, and that each new reason is pushed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from dialer.calls import placing
from dialer.campaigns.models import Campaign
from dialer.live.threads import in_thread
from tests import factories

from .conftest import House
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_supervisor_is_told_each_new_reason(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    screen = await open_screen(house.supervisor, path=f"/ws/pacing/{campaign.public_id}/")
    first = await screen.html()
    assert first.startswith('<div id="pacing-now" class="pacing-now" hx-swap-oob="morph"')
    assert "Pacing has not decided anything yet." in first
    await in_thread(factories.make_session, campaign)
    await in_thread(lambda: placing.pace(campaign_id=campaign.pk))
    assert "1 free, 0 under way" in await screen.html()


async def test_who_is_turned_away(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    path = f"/ws/pacing/{campaign.public_id}/"
    assert await (await open_screen(None, path=path)).closed_with() == 4401
    for user, code in ((house.agent, 4403), (house.manager, 4403), (house.stranger, 4404)):
        assert await (await open_screen(user, path=path)).closed_with() == code
    assert await (await open_screen(house.admin, path=f"/ws/pacing/{uuid4()}/")).closed_with() == 4404
    assert await (await open_screen(house.admin, path="/ws/pacing/")).closed_with() == 4404
    assert await (await open_screen(house.admin, path=f"/ws/desk/{campaign.public_id}/")).closed_with() == 4404
