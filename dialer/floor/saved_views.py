"""Saved views of the wallboard and the live lists: saving, opening, changing and removing them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.people.access import reader, user_of

from . import saved
from .looks import plain
from .models import SavedView


class SavedViewForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a view is called, and who sees it."""

    class Meta:
        model = SavedView
        fields = ["page", "name", "shared"]

    def clean_name(self) -> str:
        """One line without spaces around it."""
        return " ".join(str(self.cleaned_data["name"]).replace("\0", "").split())


class ChangeForm(SavedViewForm):
    """The same of a view that there is; it stays a view of its page."""

    class Meta(SavedViewForm.Meta):
        fields = ["name", "shared"]

    def clean(self) -> dict[str, Any]:
        """A name once per page."""
        cleaned: dict[str, Any] = super().clean() or {}
        mine = SavedView.objects.for_tenant(self.instance.tenant_id).filter(
            owner_id=self.instance.owner_id, page=self.instance.page
        )
        if mine.exclude(pk=self.instance.pk).filter(name=cleaned.get("name")).exists():
            self.add_error(
                "name", _("You have another view called “%(name)s”. Choose another name.") % {"name": cleaned["name"]}
            )
        return cleaned


@reader
@require_http_methods(["GET", "POST"])
def views(request: HttpRequest) -> HttpResponse:
    """The views that there are; a POST saves the look that its page was sent with."""
    user = user_of(request)
    if request.method == "GET":
        rows = [(one, saved.address_of(one)) for one in saved.visible_to(user).order_by("page", "name", "pk")]
        return render(request, "floor/views.html", {"views": rows})
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        for faults in form.errors.values():
            messages.error(request, _("The view is not saved. %(why)s") % {"why": faults[0]})
        return redirect("floor:views")
    try:
        look = plain(QueryDict(request.POST.get("query", "")[:1000]))
        made = saved.save(by=user, query=look, **form.cleaned_data)
    except saved.TooMany as refusal:
        messages.error(request, _("The view is not saved. %(why)s") % {"why": refusal})
        return redirect("floor:views")
    messages.success(request, _("The view “%(name)s” is saved.") % {"name": made.name})
    return redirect(saved.address_of(made))


@reader
@require_http_methods(["GET", "POST"])
def view(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change a view of one's own."""
    form = ChangeForm(request.POST or None, instance=_own(request, public_id))
    if request.method == "POST" and form.is_valid():
        changed = form.save(commit=False)
        changed.team_id = user_of(request).team_id
        changed.save()
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": changed.name})
        return redirect("floor:views")
    return render(request, "floor/view.html", {"form": form, "view": form.instance})


@reader
@require_POST
def remove(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Remove a view of one's own; for those with whom it was shared it is gone as well."""
    one = _own(request, public_id)
    one.delete()
    messages.success(request, _("The view “%(name)s” is removed.") % {"name": one.name})
    return redirect("floor:views")


def _own(request: HttpRequest, public_id: UUID) -> SavedView:
    """A view that the user made; 404 when they do not see it, 403 when it is shared with them."""
    user = user_of(request)
    found: SavedView = get_object_or_404(saved.visible_to(user), public_id=public_id)
    if found.owner_id != user.pk:
        raise PermissionDenied(
            _("This view is %(name)s's. Open it, and save it under a name of your own.")
            % {"name": found.owner.shown_name}
        )
    return found
