"""What others may read of compliance."""

from __future__ import annotations

from collections.abc import Sequence

from . import national
from .models import NationalList


def on_national(numbers: Sequence[int], *, names: Sequence[str] | None = None) -> set[int]:
    """Those of the numbers (E.164 digits as integers) that are on an official do-not-call list as it stands now.

    `names`: only these lists (e.g. national-us); None: every one. Fastest in batches of thousands.
    """
    lists = NationalList.objects.filter(is_current=True)
    if names is not None:
        lists = lists.filter(name__in=names)
    found: set[int] = set()
    for list_id in lists.values_list("pk", flat=True):
        found |= national.listed(list_id, numbers)
    return found
