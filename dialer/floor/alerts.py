"""Thresholds that are crossed become alerts: on the boards by themselves, by mail and webhook where somebody asked.

`look` is asked for every few seconds by the beat, and may run at several places at once: a threshold's row is locked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from dialer.core import hooks
from dialer.core.clock import now
from dialer.core.language import speaking

from . import alert_words
from .models import Alert, Figure, Threshold
from .panel import Panel, panel_of, visible
from .reading import read_floor


def look() -> list[int]:
    """Compare every threshold with the floor; the alerts that began, by key, whose people are to be told."""
    began: list[int] = []
    rows = Threshold.objects.across_tenants()
    for tenant_id in rows.order_by().values_list("tenant_id", flat=True).distinct():
        floor = read_floor(tenant_id)
        for pk, campaign_id in rows.filter(tenant_id=tenant_id).values_list("pk", "campaign_id"):
            campaigns = [one for one in visible(floor, None) if campaign_id in (None, one.pk)]
            name = campaigns[0].name if campaign_id is not None and campaigns else alert_words.ALL
            panel = panel_of(floor, campaigns, None, key="all", name=name)
            if alert := _compare(pk, panel, floor.at):
                began.append(alert.pk)
    return began


def value_of(figure: str, panel: Panel, at: datetime) -> float | None:
    """A figure of a panel in the unit that thresholds are set in; None where there is nothing to divide by."""
    states = {column.state: column.count for column in panel.columns}
    waited = (at - panel.waiting_since).total_seconds() if panel.waiting_since else 0.0
    found: dict[str, float | None] = {
        Figure.ABANDONMENT: _percent(panel.abandonment),
        Figure.BUDGET_LEFT: panel.budget_left,
        Figure.WAITING: panel.waiting,
        Figure.LONGEST_WAIT: waited,
        Figure.READY: states.get("ready", 0),
        Figure.PAUSED: states.get("paused", 0),
        Figure.LEADS_LEFT: panel.leads_left,
        Figure.ANSWER_RATE: _percent(panel.answer_rate),
    }
    return found[figure]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _compare(pk: int, panel: Panel, at: datetime) -> Alert | None:
    """Hold one threshold against its panel: begin an alert (returned), or end the one that is open."""
    with transaction.atomic():
        one = Threshold.objects.across_tenants().select_for_update().filter(pk=pk).first()
        if one is None:
            return None
        value = value_of(one.figure, panel, at)
        over = value is not None and (value > one.value if one.above else value < one.value)
        since = (one.over_since or at) if over else None
        if since != one.over_since:
            Threshold.objects.across_tenants().filter(pk=pk).update(over_since=since)
        open_alerts = Alert.objects.for_tenant(one.tenant_id).filter(threshold=one, ended_at=None)
        if since is None or value is None:
            open_alerts.update(ended_at=at)
            return None
        if at - since < timedelta(seconds=one.for_s) or open_alerts.exists():
            return None
        made = Alert.objects.create(
            tenant_id=one.tenant_id, threshold=one, began_at=at, value=value, text=words(one, panel.name, value)
        )
    assert isinstance(made, Alert)
    return made


def words(threshold: Threshold, where: str, value: float) -> str:
    """What an alert says."""
    template = alert_words.ABOVE if threshold.above else alert_words.BELOW
    figure = Figure(threshold.figure)
    with speaking("en"):
        said = {"where": where, "figure": str(figure.label), "value": f"{value:g}", "limit": f"{threshold.value:g}"}
    return (template % said)[:200]


def tell(alert_id: int) -> None:
    """Mail an alert and call its webhook; what came of each is written to it. Done already is not done twice."""
    alert = Alert.objects.across_tenants().select_related("threshold").filter(pk=alert_id).first()
    if alert is None:
        return
    rows = Alert.objects.across_tenants().filter(pk=alert_id)
    if alert.threshold.mail_to and not alert.mailed:
        rows.update(mailed=_mail(alert)[:200])
    if alert.threshold.webhook and not alert.hooked:
        rows.update(hooked=_hook(alert)[:200])


FORGOTTEN = timedelta(minutes=1)
"""How long after an alert began its own job is taken to be lost; until then it may be telling people right now."""


def untold() -> list[int]:
    """Alerts of the last hour that somebody wanted to be told of and was not: the ask was lost."""
    moment = now()
    rows = Alert.objects.across_tenants().filter(
        began_at__gt=moment - timedelta(hours=1), began_at__lt=moment - FORGOTTEN
    )
    mail = rows.filter(mailed="").exclude(threshold__mail_to="")
    hook = rows.filter(hooked="").exclude(threshold__webhook="")
    return sorted(set(mail.values_list("pk", flat=True)) | set(hook.values_list("pk", flat=True)))


def _mail(alert: Alert) -> str:
    if not settings.EMAIL_HOST and "smtp" in settings.EMAIL_BACKEND:
        return alert_words.NO_SERVER
    try:
        send_mail(f"Cordboard: {alert.text}", f"{alert.text}\n{settings.PUBLIC_URL}/floor/\n", None, [_to(alert)])
    except OSError as error:  # smtplib's errors are of this kind
        return alert_words.NOT_SENT % {"why": error}
    return alert_words.SENT % {"at": f"{now():%Y-%m-%d %H:%M:%S}"}


def _to(alert: Alert) -> str:
    return str(alert.threshold.mail_to)


def _hook(alert: Alert) -> str:
    told = {
        "alert": str(alert.public_id),
        "text": alert.text,
        "figure": alert.threshold.figure,
        "value": alert.value,
        "threshold": alert.threshold.value,
        "began_at": alert.began_at.isoformat(),
    }
    try:
        return alert_words.ANSWERED % {"status": hooks.post(str(alert.threshold.webhook), told)}
    except hooks.NotCalled as refusal:
        return alert_words.NOT_REACHED % {"why": refusal}
