"""Writes of imports: uploading, deciding what columns mean, confirming, carrying out, cancelling, forgetting.

One import is carried out at a time, the oldest first. Who carries it out says so with every chunk; when nothing was
heard for a while another takes it up where the rows end, and the first, should it still be there, can write no more.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from dialer.campaigns.models import Campaign, LeadList
from dialer.campaigns.services import changed
from dialer.core import audit, jobs
from dialer.core.clock import now
from dialer.core.models import TenantQuerySet
from dialer.core.words import said
from dialer.leads.fields import custom_fields
from dialer.live import publish
from dialer.people.models import User

from . import runner, sentences
from .cells import OwnField
from .columns import CUSTOM, TARGETS
from .models import DRAFT_KEPT_FOR, OPEN, Import, ImportMapping, ImportProblem, ImportState
from .reading import BadFile, signature_of
from .writing import Chunk, Scrub, Superseded, write

log = logging.getLogger(__name__)

TOPIC = "import"
JOB = "import"
MAX_BYTES = 1024 * 1024 * 1024
DEAD_AFTER = timedelta(seconds=30)
"""Who has not said for so long that it carries the import out is gone, or too slow to be waited for."""
MOST_STARTS = 20
KEPT_FOR = timedelta(days=30)
"""How long an import and its refused rows are kept."""


def upload(*, campaign: Campaign, user: User, file: UploadedFile) -> Import:
    """Keep a file and look into it. Raises BadFile; then nothing is kept."""
    if (file.size or 0) > MAX_BYTES:
        raise BadFile(said(sentences.TOO_LARGE, most=f"{MAX_BYTES // 1024 // 1024:,}"))
    made = Import(
        tenant_id=campaign.tenant_id,
        campaign=campaign,
        made_by=user,
        file_name=_shown_name(file.name or ""),
        size=file.size or 0,
        region=campaign.tenant.region,
        asked_at=now(),
        list_name=Path(_shown_name(file.name or "")).stem[:80],
    )
    path = path_of(made)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with path.open("wb") as kept:
            for block in file.chunks():
                kept.write(block)
        _look(made)
        made.save(force_insert=True)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return made


def path_of(of: Import) -> Path:
    """Where the file of an import lies. Its name is ours: nothing of the uploaded one is in it."""
    return Path(settings.IMPORTS_DIR) / f"{of.public_id}.upload"


def _shown_name(name: str) -> str:
    return "".join(sign for sign in name.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable())[:200] or "file"


def _look(of: Import) -> None:
    """Read the header and first rows, and what the columns mean: as last time, else by their names. Raises BadFile."""
    own = own_fields(of)
    found = runner.look(
        {
            "path": str(path_of(of)),
            "encoding": of.encoding,
            "delimiter": of.delimiter,
            "own": [one.name for one in own],
        }
    )
    of.kind, of.encoding, of.delimiter = found["kind"], found["encoding"], found["delimiter"]
    of.header, of.sample, of.mapping = found["header"], found["rows"], found["mapping"]
    known = ImportMapping.objects.for_tenant(of.tenant_id).filter(signature=_signature(of)).first()
    if known is not None:
        allowed = {*TARGETS, *(CUSTOM + one.name for one in own)}
        of.mapping = {str(place): target for place, target in enumerate(known.targets) if target in allowed}


def own_fields(of: Import) -> list[OwnField]:
    """The fields of the campaign's own, as the child takes them."""
    rows = custom_fields(of.campaign_id, of.tenant_id)
    return [OwnField(one.name, str(one.label), one.kind, list(one.choices)) for one in rows]


def _signature(of: Import) -> str:
    names = of.header[:-1] if of.header[-1:] == [PROBLEM] else of.header
    return hashlib.sha256(signature_of(names).encode()).hexdigest()


PROBLEM = "problem"
"""The column that the file of refused rows has more than the one that was uploaded."""


def look_again(*, of: Import, encoding: str, delimiter: str) -> None:
    """Read a draft's file in another way. Raises BadFile; then it is read as before."""
    of.encoding, of.delimiter = encoding, delimiter
    _look(of)
    of.save(update_fields=["kind", "encoding", "delimiter", "header", "sample", "mapping"])


def settle(*, of: Import, mapping: dict[int, str], values: dict[str, Any]) -> None:
    """Keep what a draft's columns mean and what is to be done with its rows; remembered for files of this source."""
    of.mapping = {str(place): target for place, target in mapping.items()}
    for name, value in values.items():
        setattr(of, name, value)
    targets = [mapping.get(place, "") for place in range(len(of.header))]
    with transaction.atomic():
        of.save(update_fields=["mapping", *values])
        ImportMapping.objects.across_tenants().update_or_create(
            tenant_id=of.tenant_id, signature=_signature(of), defaults={"targets": targets}
        )


def confirm(*, of: Import, user: User) -> None:
    """Have a draft carried out; its list is made now. Twice is once."""
    with transaction.atomic():
        rows = Import.objects.for_tenant(of.tenant_id).filter(pk=of.pk, state=ImportState.DRAFT)
        if of.list is None:
            of.list, _ = LeadList.objects.across_tenants().get_or_create(
                tenant_id=of.tenant_id,
                campaign_id=of.campaign_id,
                name=of.list_name,
                defaults={"priority": of.priority},
            )
        if not rows.update(state=ImportState.WAITING, list=of.list, asked_at=now(), priority=of.list.priority):
            return
        data = {"list": str(of.list.public_id), "bytes": of.size}
        audit.record(tenant_id=of.tenant_id, actor=user, action="leads.import", subject=str(of.public_id), data=data)
        jobs.ask(JOB)


def found(import_id: int) -> Import | None:
    """An import by its key, for who was allowed to see it already."""
    return Import.objects.across_tenants().select_related("campaign__tenant", "list").filter(pk=import_id).first()


def cancel(*, of: Import) -> None:
    """Give an import up; what was taken until now stays. Whoever carries it out stops before its next chunk."""
    _end(of, ImportState.CANCELLED)


def discard(*, of: Import) -> bool:
    """Throw a draft away, with its file once that is committed; whether it still was one."""
    gone, _by_model = Import.objects.for_tenant(of.tenant_id).filter(pk=of.pk, state=ImportState.DRAFT).delete()
    if gone:
        transaction.on_commit(lambda: path_of(of).unlink(missing_ok=True))
    return bool(gone)


def discard_all(*, tenant_id: int) -> int:
    """Throw away all drafts of a tenant; how many. Whoever wants one carried out uploads its file again."""
    return sum(discard(of=one) for one in Import.objects.for_tenant(tenant_id).filter(state=ImportState.DRAFT))


def is_busy(*, tenant_id: int) -> bool:
    """Whether an import of the tenant waits or is under way. Until the caller's transaction ends none is taken up."""
    _only_one()
    return Import.objects.for_tenant(tenant_id).filter(state__in=OPEN).exists()


def anything_waits() -> bool:
    """Whether `work_off` would find something."""
    return Import.objects.across_tenants().filter(state__in=OPEN).exists()


def work_off(scrub: Scrub) -> int:
    """Carry out what waits, one after the other, unless somebody does already; how many were."""
    done = 0
    while (one := _claim()) is not None:
        _carry_out(one, scrub)
        done += 1
    return done


def _claim() -> Import | None:
    moment = now()
    with transaction.atomic():
        _only_one()
        rows = Import.objects.across_tenants().select_related("campaign__tenant")
        if rows.filter(state=ImportState.RUNNING, beat_at__gte=moment - DEAD_AFTER).exists():
            return None
        chosen = rows.filter(state__in=OPEN).order_by("asked_at").first()
        if chosen is None:
            return None
        assert isinstance(chosen, Import)
        chosen.state, chosen.starts, chosen.beat_at = ImportState.RUNNING, chosen.starts + 1, moment
        chosen.began_at, chosen.began_row = moment, chosen.next_row
        chosen.save(update_fields=["state", "starts", "beat_at", "began_at", "began_row"])
        _tell(chosen)
    return chosen


def _only_one() -> None:
    """Until the transaction ends nobody else takes up an import."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cordboard.import'))")


def _carry_out(of: Import, scrub: Scrub) -> None:
    """Write all rows that are left. What breaks it off is said on its page."""
    if of.starts > MOST_STARTS:
        _end(of, ImportState.FAILED, sentences.AGAIN_AND_AGAIN)
        return
    asked = {
        "path": str(path_of(of)),
        **{name: getattr(of, name) for name in ("kind", "encoding", "delimiter", "mapping", "region", "next_row")},
        "own": [asdict(one) for one in own_fields(of)],
        "width": len(of.header),
    }

    def look_up(chunk: Chunk) -> None:
        chunk.listed = scrub(of.campaign, chunk.phones) if chunk.phones else set()

    try:
        for chunk in runner.chunks(asked, look_up):
            write(of=of, chunk=chunk)
            _tell(of)
    except Superseded:
        log.info("import %s goes on elsewhere, or was cancelled", of.public_id)
        return
    except BadFile as error:
        _end(of, ImportState.FAILED, str(error))
        return
    _end(of, ImportState.DONE)


def _end(of: Import, state: str, problem: str = "") -> None:
    """End it, if it is open; the file is not needed any more."""
    with transaction.atomic():
        rows = Import.objects.for_tenant(of.tenant_id).filter(pk=of.pk, state__in=OPEN)
        if not rows.update(state=state, problem=problem[:300], sample=[], ended_at=now()):
            return
        changed(of.campaign)
        _tell(of)
        transaction.on_commit(lambda: path_of(of).unlink(missing_ok=True))


def _tell(of: Import) -> None:
    publish.changed(TOPIC, of.pk, now())


def forget_old(*, at: datetime) -> int:
    """Remove imports that ended long ago; how many."""
    gone: int = Import.objects.across_tenants().filter(ended_at__lt=at - KEPT_FOR).delete()[0]
    return gone


def forget_drafts(*, at: datetime) -> int:
    """Remove drafts that nobody confirmed in time, and files whose import a crash has taken; how many files."""
    late = Import.objects.across_tenants().filter(state=ImportState.DRAFT, asked_at__lt=at - DRAFT_KEPT_FOR)
    gone = sum(discard(of=one) for one in late)
    waited_for = Import.objects.across_tenants().filter(state__in=(ImportState.DRAFT, *OPEN))
    names = {path_of(one).name for one in waited_for.only("public_id")}
    for path in Path(settings.IMPORTS_DIR).glob("*.upload"):
        with suppress(FileNotFoundError):  # somebody else was faster
            if path.name not in names and path.stat().st_mtime < (at - DRAFT_KEPT_FOR).timestamp():
                path.unlink()
                gone += 1
    return gone


_OF_NUMBER = """
EXISTS (
    SELECT 1 FROM jsonb_array_elements_text(leads_importproblem.cells) AS cell(text)
    CROSS JOIN LATERAL (SELECT regexp_replace(cell.text, '[^0-9]', '', 'g') AS digits) AS typed
    WHERE right(typed.digits, length(%s)) = %s AND length(typed.digits) <= length(%s) + 6
)
"""


def refused_rows_of(*, tenant_id: int, number: str) -> TenantQuerySet:
    """The refused rows that have this number (E.164) in one of their cells, however it was typed.

    A cell counts that ends in the number's digits within its country: a country code or trunk prefix may precede.
    """
    within = phonenumbers.national_significant_number(phonenumbers.parse(number))
    condition = RawSQL(_OF_NUMBER, [within, within, within], output_field=BooleanField())  # noqa: S611 - values are bound
    return ImportProblem.objects.for_tenant(tenant_id).filter(condition)
