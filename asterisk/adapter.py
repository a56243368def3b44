"""Asterisk behind the port `dialer.telephony.port.Switch`.

ARI controls calls, AMI records them and is the second witness.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from dialer.telephony.events import (
    SwitchDown,
    SwitchEvent,
    SwitchUp,
)
from dialer.telephony.port import (
    AlreadyThere,
    EventSink,
    Inventory,
    PhoneAccount,
    Placement,
    Remembered,
    SwitchRefused,
    SwitchUnreachable,
    Whisper,
)

from . import translate
from .accounts import Accounts
from .ami import Ami, AmiError, AmiUnreachable
from .ari import Ari, AriError, AriUnreachable, part
from .settings import AsteriskSettings
from .watch import Watch

log = logging.getLogger(__name__)

CONTEXT = "cordboard-out"
ANSWERED = "cordboard-answered"
"""The family of Asterisk's own database in which the dialplan notes who answered."""
MESSAGE_CONTEXT, MESSAGE_VARIABLE = "cordboard-message", "CORDBOARD_MESSAGE"
AMI_PATIENCE_S = 3.0
"""How long the first SwitchUp waits for AMI before it goes without."""
GREET_PAUSE_S = 0.5
ENTER_PATIENCE_S = 3.0
"""How long a channel that Asterisk has made may take until it is in our hands."""
SUBSCRIBE_AT_ONCE = 40

MESSAGES = {"safe-harbour": "sound:cordboard/safe-harbour"}

_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_CALLER_ID = re.compile(r"\+?[0-9]{0,32}")
_DIGITS = re.compile(r"[0-9*#A-D]{1,32}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_RECORDING = re.compile(r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9_./-]{0,200}\.(wav|sln|ulaw)")

CAUSE_NO_ROUTE, CAUSE_UNREGISTERED, CAUSE_INVALID_FORMAT, CAUSE_FAILURE = 3, 20, 28, 38

T = TypeVar("T")


class AsteriskSwitch:
    """One Asterisk. Implements `Switch`; everything belongs to the event loop that runs `run`.

    Asterisk takes two channel ids for the same when one is the beginning of the other (c1, c10). Ours are UUIDs of one
    length; keep it so.
    """

    def __init__(self, settings: AsteriskSettings) -> None:
        self._settings = settings
        self._app = settings.app
        self._ari = Ari(settings.ari_url, settings.ari_user, settings.ari_password, settings.app)
        self._ami = Ami(settings.ami_host, settings.ami_port, settings.ami_user, settings.ami_password)
        self._accounts = Accounts(self._ari, settings.app, settings.sip_host)
        self._trunks = {settings.trunk}
        self._phones: set[str] = set()
        """Endpoints of phones that we called or made known: looked at again after a reconnect."""
        self._subscribed: set[str] = set()
        self._sink: EventSink = _nobody
        self._connection = 0
        """Counts event connections, so that work begun on one is not finished on the next."""
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._ami_seen = asyncio.Event()
        self._up = False
        self._boot_id = ""
        self._held_back: list[SwitchEvent] = []
        self._watch = Watch(settings.app, self._trunks, self._pass_on)

    # Running

    async def run(self, sink: EventSink) -> None:
        """Connect, feed `sink`, reconnect for ever; returns only by cancellation."""
        self._sink = sink
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ari.run(self._watch.on_ari, self._on_ari_up, self._on_ari_down))
                group.create_task(self._ami.run(self._watch.on_ami, self._ami_seen.set, self._on_ami_down))
                group.create_task(self._greet_each_connection())
        finally:
            self._forget_what_was_seen()
            self._sink = _nobody

    def _on_ari_up(self) -> None:
        self._connection += 1
        self._forget_what_was_seen()
        self._lost.clear()
        self._connected.set()

    def _on_ari_down(self, reason: str) -> None:
        self._connected.clear()
        self._lost.set()
        self._forget_what_was_seen()
        if self._up:
            self._up = False
            self._tell(SwitchDown(datetime.now(UTC), reason))

    def _on_ami_down(self, reason: str) -> None:
        log.warning("AMI is down (%s): calls go on, recordings cannot be started", reason)

    def _forget_what_was_seen(self) -> None:
        self._held_back.clear()
        self._subscribed.clear()
        self._watch.forget()

    async def _greet_each_connection(self) -> None:
        while True:
            await self._connected.wait()
            connection = self._connection
            try:
                boot_id = await self._get_ready()
            except (AriError, AriUnreachable) as error:
                log.warning("ARI: connected, but not ready (%s)", error)
                await asyncio.sleep(GREET_PAUSE_S)
                continue
            if connection != self._connection or not self._connected.is_set():
                continue
            self._up = True
            self._tell(SwitchUp(datetime.now(UTC), boot_id))
            held_back, self._held_back = self._held_back, []
            for event in held_back:
                self._tell(event)
            await self._lost.wait()

    async def _get_ready(self) -> str:
        """Learn which run of Asterisk this is, subscribe, and recognise our channels; the boot id."""
        boot_id = await self._read_boot_id()
        if boot_id != self._boot_id:
            self._accounts.forget()
            self._boot_id = boot_id
        for trunk in sorted(self._trunks):
            try:
                await self._subscribe(trunk)
            except AriError as error:
                log.error("Asterisk knows no trunk %s (%s); ASTERISK_TRUNK?", trunk, error.message)
        states = {endpoint["resource"]: endpoint.get("state") == "online" for endpoint in await self._endpoints()}
        self._watch.learn_endpoints(states)
        await self._subscribe(*(self._phones & states.keys()))
        for channel in await self._ari.request("GET", "/channels"):
            self._watch.claim(channel)
        for bridge in await self._ari.request("GET", "/bridges"):
            self._watch.learn_bridge(bridge["id"], bridge["channels"])
        if not self._ami.up:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ami_seen.wait(), AMI_PATIENCE_S)
            if not self._ami.up:
                log.warning("AMI is not there yet: calls can be made, recordings cannot be started")
        return boot_id

    async def _endpoints(self) -> list[dict[str, Any]]:
        return list(await self._ari.request("GET", "/endpoints/PJSIP"))

    async def _read_boot_id(self) -> str:
        info = await self._ari.request("GET", "/asterisk/info", params={"only": "status"})
        return str(info["status"]["startup_time"])

    async def _subscribe(self, *endpoints: str) -> None:
        """See all that happens on endpoints, instant failures included.

        Raises AriError when there is no such endpoint.
        """
        new = sorted(set(endpoints) - self._subscribed)
        path = f"/applications/{part(self._app)}/subscription"
        for start in range(0, len(new), SUBSCRIBE_AT_ONCE):
            some = new[start : start + SUBSCRIBE_AT_ONCE]
            await self._ari.request(
                "POST", path, params={"eventSource": ",".join(f"endpoint:PJSIP/{name}" for name in some)}
            )
            self._subscribed.update(some)

    def _pass_on(self, event: SwitchEvent) -> None:
        if self._up:
            self._tell(event)
        elif self._connected.is_set():
            self._held_back.append(event)

    def _tell(self, event: SwitchEvent) -> None:
        try:
            self._sink(event)
        except Exception:
            log.exception("%s could not be handled", type(event).__name__)

    # What is asked of Asterisk

    async def place(self, placement: Placement) -> None:
        """Start an outgoing call; a second request with the same id raises SwitchRefused."""
        _require(_ID, placement.call_id, "a call id")
        _require(_NUMBER, placement.number, "a number")
        _require(_CALLER_ID, placement.caller_id, "a caller id")
        _require(_NAME, placement.trunk, "a trunk")
        self._must_be_up()
        try:
            await _answered(self._subscribe(placement.trunk))
        except SwitchRefused:
            raise SwitchRefused(f"Asterisk knows no trunk {placement.trunk}", CAUSE_NO_ROUTE) from None
        self._trunks.add(placement.trunk)
        await self._originate(
            placement.call_id,
            endpoint=f"PJSIP/{placement.number}@{placement.trunk}",
            extension="screened" if placement.screen else "direct",
            caller_id=placement.caller_id,
            timeout_s=placement.ring_timeout_s,
            variables={translate.CAMPAIGN: placement.campaign_id},
        )

    async def call_phone(self, leg_id: str, endpoint: str, display: str, ring_timeout_s: int) -> None:
        """Call an agent's phone; on answer ChannelReady(leg_id) follows. SwitchRefused when it is not registered."""
        _require(_ID, leg_id, "a leg id")
        _require(_NAME, endpoint, "a phone")
        self._must_be_up()
        not_registered = SwitchRefused(f"phone {endpoint} is not registered", CAUSE_UNREGISTERED)
        try:
            await _answered(self._subscribe(endpoint))
        except SwitchRefused:
            raise not_registered from None
        self._phones.add(endpoint)
        try:  # the endpoint's state would be stale for a moment after the phone registered; this asks for its contacts
            await self._originate(
                leg_id,
                endpoint=f"PJSIP/{endpoint}",
                extension="agent",
                caller_id=f'"{plain_name(display)}" <desk>',
                timeout_s=ring_timeout_s,
                variables={
                    # Desk phones pick up by themselves when they are asked like this; our page looks for the other.
                    "PJSIP_HEADER(add,Call-Info)": "<sip:desk>;answer-after=0",
                    "PJSIP_HEADER(add,X-Cordboard-Leg)": leg_id,
                },
            )
        except AlreadyThere:
            raise
        except SwitchRefused as refused:
            raise not_registered if refused.cause == CAUSE_FAILURE else refused from None

    async def call_number(self, leg_id: str, number: str, trunk: str, caller_id: str, ring_timeout_s: int) -> None:
        """Call an agent's plain telephone over a trunk; on answer ChannelReady(leg_id) follows."""
        _require(_ID, leg_id, "a leg id")
        _require(_NUMBER, number, "a number")
        _require(_CALLER_ID, caller_id, "a caller id")
        _require(_NAME, trunk, "a trunk")
        self._must_be_up()
        try:
            await _answered(self._subscribe(trunk))
        except SwitchRefused:
            raise SwitchRefused(f"Asterisk knows no trunk {trunk}", CAUSE_NO_ROUTE) from None
        self._trunks.add(trunk)
        await self._originate(
            leg_id,
            endpoint=f"PJSIP/{number}@{trunk}",
            extension="agent",
            caller_id=caller_id,
            timeout_s=ring_timeout_s,
            variables={},
        )

    def _must_be_up(self) -> None:
        """Nothing is begun whose events we would not see."""
        if not self._up:
            raise SwitchUnreachable("Asterisk is not connected")

    async def _originate(
        self,
        channel_id: str,
        *,
        endpoint: str,
        extension: str,
        caller_id: str,
        timeout_s: int,
        variables: dict[str, str],
    ) -> None:
        known = self._watch.expect(channel_id)
        body = {
            "endpoint": endpoint,
            "context": CONTEXT,
            "extension": extension,
            "priority": 1,
            "channelId": channel_id,
            "timeout": timeout_s,
            "callerId": caller_id,
            "variables": {translate.OWNER: self._app, **variables},
        }
        try:
            await _answered(_unless_taken(self._ari.request("POST", "/channels", body=body)))
        except SwitchRefused:
            if not known:
                self._watch.expect_no_more(channel_id)
            raise

    async def hang_up(self, channel_id: str) -> None:
        """End a channel; one that is gone already is no error."""
        await _answered(_unless_gone(self._ari.request("DELETE", f"/channels/{part(channel_id)}")))

    async def join(self, bridge_id: str, channel_id: str) -> None:
        """Put a channel into a bridge, made when missing. Being in it already is no error."""
        _require(_ID, bridge_id, "a bridge id")
        if self._watch.bridge_of(channel_id) == bridge_id:
            return  # asked again, Asterisk would take it out and put it in once more
        path = f"/bridges/{part(bridge_id)}"
        try:
            await self._add(path, channel_id)
        except AriError as error:
            if error.status != 404:
                raise SwitchRefused(error.message) from error
            await _answered(self._make_bridge(path))
            await _answered(self._add(path, channel_id))
        except AriUnreachable as error:
            raise SwitchUnreachable(str(error)) from error

    async def _add(self, path: str, channel_id: str) -> None:
        await self._ari.request("POST", f"{path}/addChannel", params={"channel": channel_id})

    async def _make_bridge(self, path: str) -> None:
        try:
            await self._ari.request("POST", path, params={"type": "mixing", "name": self._app})
        except AriError as error:
            if error.status != 409:  # somebody else was quicker
                raise

    async def leave(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; not being there is no error."""
        path = f"/bridges/{part(bridge_id)}/removeChannel"
        with suppress(SwitchRefused):
            await _answered(self._ari.request("POST", path, params={"channel": channel_id}))
        self._watch.learn_bridge("", [channel_id])

    async def hold(self, channel_id: str) -> None:
        """Take a channel out of whatever bridge it is in, and play music to it. Asked again, the music begins anew."""
        bridge_id = self._watch.bridge_of(channel_id)
        if bridge_id:
            await self.leave(bridge_id, channel_id)
        await _answered(self._ari.request("POST", f"/channels/{part(channel_id)}/moh", params={"mohClass": "default"}))

    async def unhold(self, channel_id: str) -> None:
        """Stop the music; none being played is no error."""
        await _answered(_unless_gone(self._ari.request("DELETE", f"/channels/{part(channel_id)}/moh")))

    async def ring(self, bridge_id: str, ringing: bool) -> None:
        """Play the ringing of indications.conf into a bridge until it is asked to stop."""
        _require(_ID, bridge_id, "a bridge id")
        playback = f"/playbacks/ring-{part(bridge_id)}"
        if not ringing:
            await _answered(_unless_gone(self._ari.request("DELETE", playback)))
            return
        with suppress(SwitchRefused):
            await _answered(self._ari.request("GET", playback))
            return
        play = f"/bridges/{part(bridge_id)}/play/ring-{part(bridge_id)}"
        await _answered(_unless_gone(self._ari.request("POST", play, params={"media": "tone:ring"})))

    async def send_digits(self, channel_id: str, digits: str) -> None:
        """Send DTMF to a channel."""
        _require(_DIGITS, digits, "digits")
        params = {"dtmf": digits, "duration": "120", "between": "80"}
        await _answered(self._ari.request("POST", f"/channels/{part(channel_id)}/dtmf", params=params))

    async def mute_recording(self, channel_id: str, muted: bool) -> None:
        """Let the recording of a channel keep silence instead of what is said, or what is said again."""
        _require(_ID, channel_id, "a channel id")
        try:
            await self._ami.request("MixMonitorMute", Channel=channel_id, Direction="both", State=str(int(muted)))
        except AmiError as error:
            raise SwitchRefused(str(error)) from error
        except AmiUnreachable as error:
            raise SwitchUnreachable(str(error)) from error

    async def snoop(self, snoop_id: str, channel_id: str, whisper: Whisper) -> None:
        """Make a channel that hears both directions of another; asked again with the same id, nothing happens."""
        _require(_ID, snoop_id, "a channel id")
        known = self._watch.expect(snoop_id)
        entered = self._watch.entrance(snoop_id)
        params = {"app": self._app, "appArgs": "monitor", "spy": "both", "whisper": whisper}
        try:
            await self._ari.request("POST", f"/channels/{part(channel_id)}/snoop/{part(snoop_id)}", params=params)
            mark = {"variable": translate.OWNER, "value": self._app}  # so that it is known as ours after a reconnect
            await self._ari.request("POST", f"/channels/{part(snoop_id)}/variable", params=mark)
            # Asterisk answers before the channel has entered the application, and until then it joins no bridge.
            await asyncio.wait_for(entered.wait(), ENTER_PATIENCE_S)
        except TimeoutError as error:
            raise SwitchUnreachable("the channel did not come") from error
        except AriError as error:
            if known and error.status in (409, 500):
                return
            self._watch.expect_no_more(snoop_id)
            raise SwitchRefused(error.message) from error
        except AriUnreachable as error:
            raise SwitchUnreachable(str(error)) from error
        finally:
            self._watch.leave_entrance(snoop_id)

    async def leave_message(self, channel_id: str, path: str) -> None:
        """Hand the channel to the dialplan, which waits for the beep to be over, plays a recording and hangs up."""
        _require(_RECORDING, path, "a recording's path")
        sound = str(self._settings.recordings_dir / path).rpartition(".")[0]
        channel = f"/channels/{part(channel_id)}"
        await self.unhold(channel_id)
        await _answered(
            self._ari.request("POST", f"{channel}/variable", params={"variable": MESSAGE_VARIABLE, "value": sound})
        )
        params = {"context": MESSAGE_CONTEXT, "extension": "wait", "priority": "1"}
        await _answered(self._ari.request("POST", f"{channel}/continue", params=params))

    async def remove_bridge(self, bridge_id: str) -> None:
        """Destroy a bridge; not being there is no error."""
        # 409: it is being destroyed this very moment.
        await _answered(_unless_gone(self._ari.request("DELETE", f"/bridges/{part(bridge_id)}"), 409))

    async def play(self, channel_id: str, message: str, playback_id: str) -> None:
        """Play a message to one channel; asked again with the same id while it plays, nothing happens."""
        _require(_ID, playback_id, "a playback id")
        if message not in MESSAGES:
            raise SwitchRefused(f"there is no message {message!r}")
        if not self._watch.begin_playing(playback_id):
            return
        try:
            with suppress(SwitchRefused):  # begun before we lost sight of it
                await _answered(self._ari.request("GET", f"/playbacks/{playback_id}"))
                return
            path = f"/channels/{part(channel_id)}/play/{playback_id}"
            await _answered(self._ari.request("POST", path, params={"media": MESSAGES[message]}))
        except (SwitchRefused, SwitchUnreachable):
            self._watch.not_playing(playback_id)
            raise

    async def record(self, channel_id: str, path: str) -> None:
        """Record both directions of a channel to `path`, below the recordings folder; asked again, nothing happens."""
        _require(_ID, channel_id, "a channel id")
        _require(_RECORDING, path, "a recording's path")
        target = str(self._settings.recordings_dir / path)
        # MixMonitor would start a second recorder on the same file.
        with suppress(SwitchRefused):
            variable = f"/channels/{part(channel_id)}/variable"
            found = await _answered(self._ari.request("GET", variable, params={"variable": "MIXMONITOR_FILENAME"}))
            if found.get("value") == target:
                return
        try:
            await self._ami.request("MixMonitor", Channel=channel_id, File=target)
        except AmiError as error:
            raise SwitchRefused(str(error)) from error
        except ValueError as error:
            raise SwitchRefused(f"the recordings folder cannot be named to Asterisk: {error}") from error
        except AmiUnreachable as error:
            log.warning("AMI: a recording could not be started (%s)", error)
            raise SwitchUnreachable(str(error)) from error

    async def inventory(self) -> Inventory:
        """What Asterisk holds for this application now."""
        async with _Group() as group:
            remembered = group.create_task(self._remembered())
            boot = group.create_task(self._read_boot_id())
            channels = group.create_task(self._ari.request("GET", "/channels"))
            bridges = group.create_task(self._ari.request("GET", "/bridges"))
            endpoints = group.create_task(self._endpoints())
        ours = [bridge for bridge in bridges.result() if bridge.get("name") == self._app]
        bridge_of = {member: bridge["id"] for bridge in ours for member in bridge.get("channels", ())}
        found = [
            translate.channel_info(channel, self._app, bridge_of)
            for channel in channels.result()
            if self._watch.claim(channel)
        ]
        return Inventory(
            boot_id=boot.result(),
            channels=tuple(info for info in found if info is not None),
            bridges=tuple(bridge["id"] for bridge in ours),
            phones=frozenset(
                endpoint["resource"]
                for endpoint in endpoints.result()
                if endpoint.get("state") == "online" and endpoint["resource"] not in self._trunks
            ),
            answered=remembered.result(),
        )

    async def _remembered(self) -> dict[str, Remembered] | None:
        """Who answered, by Asterisk's own database (extensions_cordboard.conf); None while AMI is away."""
        try:
            return translate.remembered(await self._ami.request_list("DBGetTree", Family=ANSWERED))
        except AmiError:  # "not found": there is nothing
            return {}
        except AmiUnreachable:
            return None

    async def forget(self, channel_ids: Collection[str]) -> None:
        """Delete what Asterisk remembers of these; what cannot be deleted now is found again."""
        for channel_id in channel_ids:
            _require(_ID, channel_id, "a channel id")
            try:
                await self._ami.request("DBDel", Family=ANSWERED, Key=channel_id)
            except AmiError:
                continue
            except AmiUnreachable:
                return

    async def provision(self, accounts: Sequence[PhoneAccount]) -> None:
        """Make sure that these phones can register; accounts made before by us and not named are removed."""
        async with _Group() as group:
            group.create_task(self._accounts.provision(accounts, frozenset(self._trunks)))
        self._phones = {account.endpoint for account in accounts}
        await _answered(self._subscribe(*self._phones))


class _Group(asyncio.TaskGroup):
    """A task group whose failure comes out as SwitchRefused or SwitchUnreachable."""

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        except BaseExceptionGroup as errors:
            raise _as_switch_error(errors) from errors


def _as_switch_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, AriError):
        return SwitchRefused(str(first))
    if isinstance(first, AriUnreachable):
        return SwitchUnreachable(str(first))
    return first


def _nobody(_: SwitchEvent) -> None:
    """A sink for the time before and after `run`."""


async def _answered(request: Awaitable[T]) -> T:
    """Await a request, its errors in the port's terms."""
    try:
        return await request
    except AriError as error:
        if error.status in (401, 403):
            raise SwitchUnreachable("Asterisk refuses our sign-in") from error
        raise SwitchRefused(error.message or str(error), CAUSE_FAILURE if error.status >= 500 else 0) from error
    except AriUnreachable as error:
        raise SwitchUnreachable(str(error)) from error


async def _unless_taken(request: Awaitable[object]) -> None:
    """Await the making of a channel; AlreadyThere when its id is in use."""
    try:
        await request
    except AriError as error:
        if error.status == 409:
            raise AlreadyThere(error.message or str(error)) from error
        raise


async def _unless_gone(request: Awaitable[object], *gone: int) -> None:
    """Await a request for which "there is none" (404, or another status in `gone`) is as good as done."""
    try:
        await request
    except AriError as error:
        if error.status not in (404, *gone):
            raise


def _require(pattern: re.Pattern[str], value: str, what: str) -> None:
    """Refuse a value that Asterisk could read as something else.

    It is not repeated in the message, it may be personal.
    """
    if not pattern.fullmatch(value):
        raise SwitchRefused(f"that is not {what} that can be given to Asterisk", CAUSE_INVALID_FORMAT)


def plain_name(text: str) -> str:
    """A name for a SIP display.

    Control characters and the signs that structure a SIP address become spaces; at most 60 characters.
    """
    cleaned = "".join(sign if sign.isprintable() and sign not in '"<>\\' else " " for sign in text)
    return " ".join(cleaned.split())[:60]
