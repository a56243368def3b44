"""The agents' phone accounts, pushed into Asterisk's SIP stack through ARI at run time.

Asterisk keeps what is pushed in memory (see conf/pbx/sorcery.conf), so it is pushed again after each restart;
contacts that phones registered are in AstDB and count again from that moment. Objects that are there already are not
written a second time: res_pjsip would then count their contacts twice and take a phone that un-registered for
reachable.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Coroutine, Sequence

from dialer.telephony.port import PhoneAccount, SwitchRefused

from .ari import Ari, AriError, part

AT_ONCE = 8
"""Requests under way at the same time."""
CONTEXT = "cordboard-phones"
RTP_TIMEOUT_S, RTP_TIMEOUT_HOLD_S = 6, 300
"""A phone that sends no audio for so long is gone (on hold it may be silent longer)."""

Fields = dict[str, str]

AOR: Fields = {
    "max_contacts": "1",
    "remove_existing": "yes",
    # Whatever a phone asks for, it comes again within two minutes: AstDB is written once a second, so a switch that is
    # killed forgets the phones that registered in its last second.
    "minimum_expiration": "10",
    "default_expiration": "120",
    "maximum_expiration": "120",
}


class Accounts:
    """What was pushed to one run of one Asterisk; `forget` when it restarted."""

    def __init__(self, ari: Ari, app: str, sip_host: str) -> None:
        self._ari, self._app = ari, app
        self._media = _media_fields(sip_host)
        self._known: dict[str, PhoneAccount] = {}
        self._limit = asyncio.Semaphore(AT_ONCE)

    def forget(self) -> None:
        """Asterisk may hold something else now."""
        self._known.clear()

    async def provision(self, accounts: Sequence[PhoneAccount], keep: frozenset[str]) -> None:
        """Make Asterisk know exactly these accounts of ours.

        Endpoints in `keep` are not looked at. Raises AriError, AriUnreachable.
        """
        for account in accounts:
            check(account)
        wanted = {account.endpoint: account for account in accounts}
        new = [account for name, account in wanted.items() if self._known.get(name) != account]
        await self._each([self._push(account) for account in new])
        present = {str(endpoint.get("resource")) for endpoint in await self._ari.request("GET", "/endpoints/PJSIP")}
        strangers = present - wanted.keys() - keep
        await self._each([self._remove_if_ours(name) for name in sorted(strangers)])

    async def _each(self, jobs: Sequence[Coroutine[object, object, None]]) -> None:
        async def limited(job: Coroutine[object, object, None]) -> None:
            async with self._limit:
                await job

        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(limited(job))

    async def _push(self, account: PhoneAccount) -> None:
        name = account.endpoint
        auth = await self._read("auth", name)
        if auth is None or auth.get("password") != account.secret:
            await self._write("auth", name, {"auth_type": "userpass", "username": name, "password": account.secret})
        if await self._read("aor", name) is None:
            await self._write("aor", name, AOR)
        endpoint = await self._read("endpoint", name)
        if endpoint is None:
            await self._write("endpoint", name, self._endpoint(account))
        elif endpoint.get("accountcode") != self._app:
            raise SwitchRefused(f"Asterisk has an endpoint {name} already that is not ours")
        self._known[name] = account

    def _endpoint(self, account: PhoneAccount) -> Fields:
        name = account.endpoint
        # `webrtc` stands for DTLS-SRTP, ICE, AVPF and RTCP on one port.
        kind = {"webrtc": "yes", "dtls_auto_generate_cert": "yes"} if account.webrtc else {}
        return {
            "context": CONTEXT,
            "disallow": "all",
            "allow": "opus,ulaw" if account.webrtc else "ulaw,alaw",
            **kind,
            "auth": name,
            "aors": name,
            "accountcode": self._app,
            "direct_media": "no",
            "rtp_symmetric": "yes",
            "force_rport": "yes",
            "rewrite_contact": "yes",
            "timers": "no",
            "rtp_timeout": str(RTP_TIMEOUT_S),
            "rtp_timeout_hold": str(RTP_TIMEOUT_HOLD_S),
            **self._media,
        }

    async def _remove_if_ours(self, name: str) -> None:
        endpoint = await self._read("endpoint", name)
        if endpoint is None or endpoint.get("accountcode") != self._app:
            return
        for kind in ("endpoint", "aor", "auth"):
            await self._delete(kind, name)
        self._known.pop(name, None)

    async def _read(self, kind: str, name: str) -> Fields | None:
        try:
            answer = await self._ari.request("GET", _path(kind, name))
        except AriError as error:
            if error.status == 404:
                return None
            raise
        return {str(item["attribute"]): str(item["value"]) for item in answer}

    async def _write(self, kind: str, name: str, fields: Fields) -> None:
        body = {"fields": [{"attribute": attribute, "value": value} for attribute, value in fields.items()]}
        await self._ari.request("PUT", _path(kind, name), body=body)

    async def _delete(self, kind: str, name: str) -> None:
        try:
            await self._ari.request("DELETE", _path(kind, name))
        except AriError as error:
            if error.status != 404:
                raise


def check(account: PhoneAccount) -> None:
    """Refuse an account whose name or secret Asterisk could read as something else."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", account.endpoint):
        raise SwitchRefused("a phone account's name may hold up to 60 letters, digits, dots, - and _")
    if (
        not account.secret
        or len(account.secret) > 128
        or not account.secret.isascii()
        or not account.secret.isprintable()
    ):
        raise SwitchRefused(
            f"the secret of phone account {account.endpoint} may hold up to 128 printable ASCII characters"
        )


def _path(kind: str, name: str) -> str:
    return f"/asterisk/config/dynamic/res_pjsip/{kind}/{part(name)}"


def _media_fields(sip_host: str) -> Fields:
    """On loopback Asterisk would offer the machine's outer address for audio, where it does not listen."""
    try:
        loopback = ipaddress.ip_address(sip_host).is_loopback
    except ValueError:
        loopback = False
    return {"media_address": sip_host, "bind_rtp_to_media_address": "yes"} if loopback else {}
