"""The base of every tenant's rows. Every query says which tenant it is for, or that it is for all of them."""

from __future__ import annotations

from typing import Any, Self

from django.db import models


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of one tenant, or of all when a process that serves every tenant says so."""


class TenantManager(models.Manager[Any]):
    """Default-deny: nothing can be read through it without naming the tenant."""

    def get_queryset(self) -> TenantQuerySet:
        raise UnscopedQuery(f"{self.model.__name__}: say for_tenant(...) or across_tenants()")

    def for_tenant(self, tenant: Any) -> TenantQuerySet:
        """Rows of one tenant (an instance or an id)."""
        tenant_id = getattr(tenant, "pk", tenant)
        return TenantQuerySet(self.model, using=self._db).filter(tenant_id=tenant_id)

    def across_tenants(self) -> TenantQuerySet:
        """Rows of every tenant: only for processes that serve all of them (switchboard, pacing, housekeeping)."""
        return TenantQuerySet(self.model, using=self._db)

    def create(self, **values: Any) -> Any:
        """Create one row; the tenant is one of the values (the column refuses a row without it)."""
        return self.across_tenants().create(**values)

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Create many rows in one statement."""
        return self.across_tenants().bulk_create(objs, *args, **kwargs)


class UnscopedQuery(Exception):
    """A query named neither a tenant nor that it is for all tenants."""


class TenantScoped(models.Model):
    """A row that belongs to one tenant.

    `unscoped` is for Django's own use (related managers, deletion, forms' uniqueness checks); code of ours
    asks `objects`, and a test keeps it so.
    """

    tenant = models.ForeignKey("people.Tenant", on_delete=models.PROTECT, related_name="+")

    unscoped = models.Manager[Self]()
    objects = TenantManager()

    class Meta:
        abstract = True
        default_manager_name = "unscoped"
        base_manager_name = "unscoped"


def untied(row: models.Model, *relations: str) -> None:
    """Have rows that were read with this one by `select_related` no longer refer back to it.

    Django has each of two rows that are one to one know the other. Such a circle, with all that hangs on it, is freed
    only when Python looks for garbage; in a loop it is most of what a process holds (decision 0082).
    """
    for name in relations:
        other, back = row._state.fields_cache.get(name), row._meta.get_field(name).remote_field
        if other is not None and back is not None:
            other._state.fields_cache.pop(back.cache_name, None)


class AuditEntry(TenantScoped):
    """One deed of the audit trail; written by dialer.core.audit alone, changed by nobody (the database refuses it)."""

    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text="The user; empty for the dialer itself.")
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "seq"], name="audit_entry_order")]
        indexes = [models.Index(fields=["tenant", "subject", "seq"], name="audit_by_subject")]


class Pulse(models.Model):
    """How a process of ours does, by its own word, every second or two; written by dialer.core.health alone.

    It is no tenant's: processes serve all of them.
    """

    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    lag_ms = models.FloatField(help_text="How late it was lately with what it is there for; the 99th percentile.")
    data = models.JSONField(default=dict)
