"""What the demo's first campaign puts on its agents' desks: a script with branches, and fields of its own."""

from __future__ import annotations

from dialer.campaigns.models import Campaign, CustomField, FieldKind, ScriptAnswer, ScriptPage

FIELDS: tuple[tuple[str, str, str, list[str]], ...] = (
    ("berth", "Berth", FieldKind.TEXT, []),
    ("boat_length", "Boat length (ft)", FieldKind.NUMBER, []),
    ("renews_on", "Renews on", FieldKind.DATE, []),
    ("plan", "Plan", FieldKind.CHOICE, ["One year", "Two years", "Summer only"]),
    ("winter_storage", "Winter storage", FieldKind.YESNO, []),
)
PAGES: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    # title, what the agent says, answers and where they lead
    (
        "Hello",
        "Good day, am I speaking with **{{lead.name|the owner of the boat}}**?\n\n"
        "This is {{agent.first_name}} of {{campaign.name}}. Your berth {{lead.custom.berth|with us}} comes up for "
        "renewal soon. Do you have a minute?",
        (("Yes", "Offer"), ("Not now", "Another time"), ("Not interested", "Why not")),
    ),
    (
        "Offer",
        "Which would suit you best?\n\n- **One year** at this year's price\n- **Two years**, the second 5 % less\n"
        "- **Summer only**, April to October",
        (("Takes one", "Thank you"), ("Wants to think", "Another time"), ("None of them", "Why not")),
    ),
    (
        "Another time",
        "Of course. When may I call you again? It is {{customer.time|the same time}} where you are now.\n\n"
        "Choose **Interested – call back** when the call is over.",
        (),
    ),
    (
        "Why not",
        "May I note what would have made the difference, {{lead.first_name|please}}?",
        (("Says why", "Thank you"),),
    ),
    ("Thank you", "Thank you, {{lead.first_name|and}} have a good day.", ()),
)


def seed_desk(campaign: Campaign) -> None:
    """Make them, for a campaign that has none."""
    own = {"tenant_id": campaign.tenant_id, "campaign": campaign}
    if campaign.custom_fields.exists() or campaign.script_pages.exists():
        return
    for place, (name, label, kind, choices) in enumerate(FIELDS):
        CustomField.objects.create(**own, name=name, label=label, kind=kind, choices=choices, position=place)
    pages = {
        title: ScriptPage.objects.create(**own, title=title, body=body, position=place)
        for place, (title, body, _) in enumerate(PAGES)
    }
    for title, _, answers in PAGES:
        for place, (label, to) in enumerate(answers):
            ScriptAnswer.objects.create(
                tenant_id=campaign.tenant_id, page=pages[title], label=label, leads_to=pages[to], position=place
            )
