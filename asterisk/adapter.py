"""Asterisk behind the port `dialer.telephony.port.Switch`: what the dialer asks of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from dialer.telephony.events import Remembered
from dialer.telephony.port import (
    AlreadyThere,
    Inventory,
    PhoneAccount,
    Placement,
    RecordingNotice,
    SwitchRefused,
    SwitchUnreachable,
    Whisper,
)

from . import translate
from .ami import AmiError, AmiUnreachable
from .ari import AriError, AriUnreachable, part
from .asking import (
    CALLER_ID,
    CAUSE_FAILURE,
    CAUSE_NO_ROUTE,
    CAUSE_UNREGISTERED,
    DIGITS,
    ID,
    NAME,
    NUMBER,
    RECORDING,
    Group,
    answered,
    plain_name,
    require,
    unless_gone,
    unless_taken,
)
from .connection import Connection

CONTEXT = "cordboard-out"
ANSWERED = "cordboard-answered"
"""The family of Asterisk's own database in which the dialplan notes who answered."""
MESSAGE_CONTEXT, MESSAGE_VARIABLE = "cordboard-message", "CORDBOARD_MESSAGE"
ENTER_PATIENCE_S = 3.0
"""How long a channel that Asterisk has made may take until it is in our hands."""

MESSAGES = {name: f"sound:cordboard/{name}" for name in ("safe-harbour", "closed", "all-busy")}
NOTICES = {"beep": "sound:beep", "announce": "sound:cordboard/recorded"}
BEEPS = "B(15)"
"""MixMonitor's own option: all on the call hear a beep every 15 seconds for as long as it records, also after transfers
(its own default interval; 47 CFR 64.501(a)(3), while it stood, asked for a signal "repeated at regular intervals")."""


class AsteriskSwitch(Connection):
    """One Asterisk. Implements `Switch`; everything belongs to the event loop that runs `run`.

    Asterisk takes two channel ids for the same when one is the beginning of the other (c1, c10). Ours are UUIDs of one
    length; keep it so.
    """

    async def place(self, placement: Placement) -> None:
        """Start an outgoing call; a second request with the same id raises SwitchRefused."""
        require(ID, placement.call_id, "a call id")
        require(NUMBER, placement.number, "a number")
        require(CALLER_ID, placement.caller_id, "a caller id")
        require(NAME, placement.trunk, "a trunk")
        self._must_be_up()
        try:
            await answered(self._subscribe(placement.trunk))
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
        require(ID, leg_id, "a leg id")
        require(NAME, endpoint, "a phone")
        self._must_be_up()
        not_registered = SwitchRefused(f"phone {endpoint} is not registered", CAUSE_UNREGISTERED)
        try:
            await answered(self._subscribe(endpoint))
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
        require(ID, leg_id, "a leg id")
        require(NUMBER, number, "a number")
        require(CALLER_ID, caller_id, "a caller id")
        require(NAME, trunk, "a trunk")
        self._must_be_up()
        try:
            await answered(self._subscribe(trunk))
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
            await answered(unless_taken(self._ari.request("POST", "/channels", body=body)))
        except SwitchRefused:
            if not known:
                self._watch.expect_no_more(channel_id)
            raise

    async def hang_up(self, channel_id: str) -> None:
        """End a channel; one that is gone already is no error."""
        await answered(unless_gone(self._ari.request("DELETE", self._path(channel_id))))

    async def answer(self, channel_id: str) -> None:
        """Answer an incoming call; Asterisk takes it for done when it is answered already."""
        await answered(self._ari.request("POST", f"{self._path(channel_id)}/answer"))

    async def refuse(self, channel_id: str, cause: int) -> None:
        """End an incoming call that was not answered, with a Q.850 cause; one that is gone already is no error."""
        params = {"reason_code": str(cause)}
        await answered(unless_gone(self._ari.request("DELETE", self._path(channel_id), params=params)))

    def _path(self, channel_id: str) -> str:
        return f"/channels/{part(self._watch.native(channel_id))}"

    async def join(self, bridge_id: str, channel_id: str, *, there: bool = False) -> None:
        """Put a channel into a bridge, made when missing unless it must be `there`. Being in it already is no error."""
        require(ID, bridge_id, "a bridge id")
        if self._watch.bridge_of(channel_id) == bridge_id:
            return  # asked again, Asterisk would take it out and put it in once more
        path = f"/bridges/{part(bridge_id)}"
        try:
            await self._add(path, channel_id)
        except AriError as error:
            if error.status != 404 or there:
                raise SwitchRefused(error.message) from error
            await answered(self._make_bridge(path))
            await answered(self._add(path, channel_id))
        except AriUnreachable as error:
            raise SwitchUnreachable(str(error)) from error

    async def _add(self, path: str, channel_id: str) -> None:
        await self._ari.request("POST", f"{path}/addChannel", params={"channel": self._watch.native(channel_id)})

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
            await answered(self._ari.request("POST", path, params={"channel": self._watch.native(channel_id)}))
        self._watch.learn_bridge("", [channel_id])

    async def hold(self, channel_id: str, music: str = "default") -> None:
        """Take a channel out of whatever bridge it is in, and play music to it. Asked again, the music begins anew."""
        bridge_id = await self._bridge_of(channel_id)
        if bridge_id:
            await self.leave(bridge_id, channel_id)
        require(NAME, music, "a class of music")
        await answered(self._ari.request("POST", f"{self._path(channel_id)}/moh", params={"mohClass": music}))

    async def unhold(self, channel_id: str) -> None:
        """Stop the music; none being played is no error."""
        await answered(unless_gone(self._ari.request("DELETE", f"{self._path(channel_id)}/moh")))

    async def ring(self, bridge_id: str, ringing: bool) -> None:
        """Play the ringing of indications.conf into a bridge until it is asked to stop."""
        require(ID, bridge_id, "a bridge id")
        playback = f"/playbacks/ring-{part(bridge_id)}"
        if not ringing:
            await answered(unless_gone(self._ari.request("DELETE", playback)))
            return
        with suppress(SwitchRefused):
            await answered(self._ari.request("GET", playback))
            return
        play = f"/bridges/{part(bridge_id)}/play/ring-{part(bridge_id)}"
        await answered(unless_gone(self._ari.request("POST", play, params={"media": "tone:ring"})))

    async def send_digits(self, channel_id: str, digits: str) -> None:
        """Send DTMF to a channel."""
        require(DIGITS, digits, "digits")
        params = {"dtmf": digits, "duration": "120", "between": "80"}
        await answered(self._ari.request("POST", f"{self._path(channel_id)}/dtmf", params=params))

    async def mute_recording(self, channel_id: str, muted: bool) -> None:
        """Let the recording of a channel keep silence instead of what is said, or what is said again."""
        require(ID, channel_id, "a channel id")
        try:
            await self._ami.request(
                "MixMonitorMute", Channel=self._watch.native(channel_id), Direction="both", State=str(int(muted))
            )
        except AmiError as error:
            raise SwitchRefused(str(error)) from error
        except AmiUnreachable as error:
            raise SwitchUnreachable(str(error)) from error

    async def snoop(self, snoop_id: str, channel_id: str, whisper: Whisper) -> None:
        """Make a channel that hears both directions of another; asked again with the same id, nothing happens."""
        require(ID, snoop_id, "a channel id")
        known = self._watch.expect(snoop_id)
        entered = self._watch.entrance(snoop_id)
        params = {"app": self._app, "appArgs": "monitor", "spy": "both", "whisper": whisper}
        try:
            await self._ari.request("POST", f"{self._path(channel_id)}/snoop/{part(snoop_id)}", params=params)
            # Asterisk answers before the channel has entered the application; until then nothing can be asked of it.
            await asyncio.wait_for(entered.wait(), ENTER_PATIENCE_S)
            mark = {"variable": translate.OWNER, "value": self._app}  # so that it is known as ours after a reconnect
            await self._ari.request("POST", f"/channels/{part(snoop_id)}/variable", params=mark)
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
        require(RECORDING, path, "a recording's path")
        sound = str(self._settings.recordings_dir / path).rpartition(".")[0]
        channel = self._path(channel_id)
        await self.unhold(channel_id)
        await answered(
            self._ari.request("POST", f"{channel}/variable", params={"variable": MESSAGE_VARIABLE, "value": sound})
        )
        params = {"context": MESSAGE_CONTEXT, "extension": "wait", "priority": "1"}
        await answered(self._ari.request("POST", f"{channel}/continue", params=params))

    async def remove_bridge(self, bridge_id: str) -> None:
        """Destroy a bridge; not being there is no error."""
        # 409: it is being destroyed this very moment.
        await answered(unless_gone(self._ari.request("DELETE", f"/bridges/{part(bridge_id)}"), 409))

    async def play(self, channel_id: str, message: str, playback_id: str) -> None:
        """Play a message to one channel; asked again with the same id while it plays, nothing happens."""
        require(ID, playback_id, "a playback id")
        if message not in MESSAGES:
            raise SwitchRefused(f"there is no message {message!r}")
        if not self._watch.begin_playing(playback_id):
            return
        try:
            with suppress(SwitchRefused):  # begun before we lost sight of it
                await answered(self._ari.request("GET", f"/playbacks/{playback_id}"))
                return
            path = f"{self._path(channel_id)}/play/{playback_id}"
            await answered(self._ari.request("POST", path, params={"media": MESSAGES[message]}))
        except (SwitchRefused, SwitchUnreachable):
            self._watch.not_playing(playback_id)
            raise

    async def record(self, channel_id: str, path: str, notice: RecordingNotice = "none") -> None:
        """Record both directions of a channel to `path`, below the recordings folder; asked again, nothing happens.

        The notice is begun first: what nobody was told of is not recorded.
        """
        require(ID, channel_id, "a channel id")
        require(RECORDING, path, "a recording's path")
        target = str(self._settings.recordings_dir / path)
        # MixMonitor would start a second recorder on the same file.
        with suppress(SwitchRefused):
            variable = f"{self._path(channel_id)}/variable"
            found = await answered(self._ari.request("GET", variable, params={"variable": "MIXMONITOR_FILENAME"}))
            if found.get("value") == target:
                return
        if notice != "none":
            await self._tell_of_recording(channel_id, NOTICES[notice])
        options = {"Options": BEEPS} if notice == "beep" else {}
        try:
            channel = self._watch.native(channel_id)
            await self._ami.request("MixMonitor", Channel=channel, File=target, **options)
        except AmiError as error:
            raise SwitchRefused(str(error)) from error
        except ValueError as error:
            raise SwitchRefused(f"the recordings folder cannot be named to Asterisk: {error}") from error
        except AmiUnreachable as error:
            raise SwitchUnreachable(str(error)) from error

    async def _tell_of_recording(self, channel_id: str, media: str) -> None:
        """Play to all who are in the channel's bridge."""
        bridge_id = await self._bridge_of(channel_id)
        where = f"/bridges/{part(bridge_id)}" if bridge_id else self._path(channel_id)
        await answered(self._ari.request("POST", f"{where}/play/notice-{channel_id}", params={"media": media}))

    async def _bridge_of(self, channel_id: str) -> str:
        """The bridge that a channel is in, or an empty string.

        The event that tells of it comes on another connection than the answer to whoever asked for it: later, perhaps.
        """
        if known := self._watch.bridge_of(channel_id):
            return known
        native = self._watch.native(channel_id)
        bridges = await answered(self._ari.request("GET", "/bridges"))
        return next((str(bridge["id"]) for bridge in bridges if native in bridge.get("channels", ())), "")

    async def inventory(self) -> Inventory:
        """What Asterisk holds for this application now."""
        async with Group() as group:
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
            require(ID, channel_id, "a channel id")
            try:
                await self._ami.request("DBDel", Family=ANSWERED, Key=channel_id)
            except AmiError:
                continue
            except AmiUnreachable:
                return

    async def provision(self, accounts: Sequence[PhoneAccount]) -> None:
        """Make sure that these phones can register; accounts made before by us and not named are removed."""
        async with Group() as group:
            group.create_task(self._accounts.provision(accounts, frozenset(self._trunks)))
        self._phones = {account.endpoint for account in accounts}
        await answered(self._subscribe(*self._phones))
