"""The base of forms that make or change a tenant's rows."""

from __future__ import annotations

from typing import Any

from django import forms

from .models import TenantScoped


class TenantForm(forms.ModelForm):
    """A model form of one tenant: choices are the tenant's own, and names are checked against the tenant's."""

    thing = "one"
    """What the row is called in messages, e.g. "a campaign"."""

    def __init__(self, *args: Any, tenant: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        if self.instance.pk is None:
            self.instance.tenant = tenant
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                model = field.queryset.model
                if issubclass(model, TenantScoped):
                    field.queryset = model.objects.for_tenant(tenant)
            if isinstance(field, (forms.IntegerField, forms.DecimalField)):
                field.widget.attrs.setdefault("inputmode", "decimal")

    def save(self, commit: bool = True) -> Any:
        """Save; of a row that exists only the form's own columns, so that nobody else's change is undone."""
        if not commit or self.instance.pk is None:
            return super().save(commit)
        concrete = {field.name for field in self.instance._meta.concrete_fields}
        self.instance.save(update_fields=[name for name in self.cleaned_data if name in concrete])
        self._save_m2m()  # type: ignore[attr-defined]
        return self.instance

    def clean_name(self) -> str:
        """Refuse a name that another row of the tenant has."""
        return self._own("name")

    def _own(self, field: str) -> str:
        value: str = self.cleaned_data[field]
        others = self._rivals().filter(**{field: value}).exclude(pk=self.instance.pk)
        if value and others.exists():
            raise forms.ValidationError(f"There is {self.thing} called “{value}” already. Choose another.")
        return value

    def _rivals(self) -> Any:
        """Among which rows names are unique."""
        model = self._meta.model
        return model.objects.for_tenant(self.tenant)
