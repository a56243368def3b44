"""A headless SIP phone: registers, answers by itself, sends a tone or silence, and says what it hears.

It stands in for an agent's phone in tests and on the demo floor. Fifty of them fit into one process: one clock sends
for all (`clock=`), and with `listen=False` incoming audio is left to the kernel to drop. UDP and mu-law on loopback
only.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Coroutine
from functools import partial

from .rtp import Clock, Ear, Mouth, Sends
from .sip import Message, authorization, granted_seconds, media_address, new_branch, session_description, tag_of

REFRESH_AFTER = 0.7
"""The part of the granted time after which a registration is renewed."""
RETRANSMIT_S = (0.5, 1.0, 2.0, 4.0)


class PhoneError(Exception):
    """The switch refused the phone, or did not answer it."""


class _Sip(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data)


class Phone:
    """One phone of the account `name` at a switch.

    Use it as `async with Phone(...) as phone`, or start() and close().
    """

    def __init__(
        self,
        name: str,
        secret: str,
        server: tuple[str, int],
        ip: str,
        *,
        port: int = 0,
        sends: Sends = "silence",
        tone: int = 440,
        listen: bool = True,
        answer_after_s: float = 0.0,
        refuse: int = 0,
        expires_s: int = 30,
        clock: Clock | None = None,
    ) -> None:
        """`ip` is the loopback address it lives at.

        `refuse`: a SIP status (486, 603…) given to every call. `port` 0: any.
        """
        self.name, self.secret, self.server, self.ip, self.port = name, secret, server, ip, port
        self.sends: Sends = sends
        self.tone = tone
        self.listen, self.answer_after_s, self.refuse, self.expires_s = listen, answer_after_s, refuse, expires_s
        self.ear = Ear()
        self.registered = asyncio.Event()
        self.up = asyncio.Event()
        """Set while a call is up."""
        self.ended = asyncio.Event()
        """Set when a call ended, cleared when the next one comes."""
        self.answered_at: float | None = None
        self.invite: Message | None = None
        """The last INVITE that came."""
        self.calls = 0
        """INVITEs that came, not counting repetitions."""
        self._clock = clock or Clock()
        self._vanished = False
        self._sip: asyncio.DatagramTransport | None = None
        self._rtp: socket.socket | None = None
        self._mouth: Mouth | None = None
        self._dialog: _Dialog | None = None
        self._waiting: dict[tuple[str, str], asyncio.Future[Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sequence = secrets.randbelow(5000)
        self._register_id = secrets.token_hex(12)
        self._tag = secrets.token_hex(4)

    # Life

    async def __aenter__(self) -> Phone:
        await self.start()
        await self.register()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Bind its sockets."""
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _Sip(self._receive), local_addr=(self.ip, self.port))
        self.port = self._sip.get_extra_info("sockname")[1]
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.setblocking(False)
        self._rtp.bind((self.ip, 0))
        if self.listen:
            loop.add_reader(self._rtp, self._hear)
        else:
            self._rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

    async def close(self) -> None:
        """Hang up, take the registration back, end every task and close the sockets."""
        with contextlib.suppress(PhoneError):
            await self.hang_up()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.registered.is_set() and not self._vanished:
            with contextlib.suppress(PhoneError):
                await self._register(0)
        self.registered.clear()
        if self._rtp is not None:
            asyncio.get_running_loop().remove_reader(self._rtp)
            self._rtp.close()
        if self._sip is not None:
            self._sip.close()

    def vanish(self) -> None:
        """As if the cable was pulled.

        Nothing is sent any more and nothing that arrives is read. No BYE, no un-registration.
        """
        self._vanished = True
        self._be_quiet()

    def come_back(self) -> None:
        """The cable is back; a call that was up is forgotten."""
        self._vanished = False
        if self._dialog is not None:
            self._over()

    # Registration

    async def register(self) -> None:
        """Register, and keep the registration fresh from now on. Raises PhoneError when the switch says no."""
        granted = await self._register(self.expires_s)
        self.registered.set()
        self._spawn(self._keep_registered(granted), "refresh")

    async def _register(self, expires_s: int) -> int:
        """Register for `expires_s` (0: no longer); the seconds that the switch grants."""
        host, port = self.server
        uri, own = f"sip:{host}:{port}", f"<sip:{self.name}@{host}>"
        headers = [("From", f"{own};tag={self._tag}"), ("To", own), ("Expires", str(expires_s))]
        answer = await self._request_signed("REGISTER", uri, headers, self._register_id, timeout_s=5.0)
        if answer.status != 200:
            raise PhoneError(f"REGISTER was answered {answer.start}")
        return granted_seconds(answer, self.port) or expires_s

    async def _keep_registered(self, granted: int) -> None:
        pause = granted * REFRESH_AFTER
        while True:
            await asyncio.sleep(pause)
            try:
                granted = await self._register(self.expires_s)
            except PhoneError:
                self.registered.clear()
                pause = 1.0
            else:
                self.registered.set()
                pause = granted * REFRESH_AFTER

    # Calls

    async def call(self, number: str, timeout_s: float = 30.0) -> int:
        """Dial; the final status. On 200 the call is up."""
        host, port = self.server
        uri = f"sip:{number}@{host}:{port}"
        call_id, tag = secrets.token_hex(12), secrets.token_hex(4)
        own = f"<sip:{self.name}@{host}>;tag={tag}"
        self._new_call()
        headers = [("From", own), ("To", f"<{uri}>")]
        body = self._session()
        answer = await self._request_signed("INVITE", uri, headers, call_id, body, timeout_s=timeout_s)
        if answer.status == 200:
            dialog = _Dialog(call_id, local=own, remote=answer.get("to"), target=answer.target, sequence=self._sequence)
            self._dialog = dialog
            self._send_in_dialog(dialog, "ACK", dialog.sequence)
            self._begin_media(answer.body)
        return answer.status

    async def hang_up(self) -> None:
        """End the call that is up, if any. Raises PhoneError when the switch does not answer."""
        dialog = self._dialog
        if dialog is None:
            return
        if self.up.is_set() and not self._vanished:
            self._sequence += 1
            wait = self._expect(dialog.call_id, self._sequence, "BYE")
            try:
                await self._deliver(lambda: self._send_in_dialog(dialog, "BYE", self._sequence), wait, 4.0)
            finally:
                self._over()
        else:
            self._over()

    async def wait_up(self, timeout_s: float = 10.0) -> None:
        """Wait until a call is up. Raises TimeoutError."""
        await asyncio.wait_for(self.up.wait(), timeout_s)

    async def wait_ended(self, timeout_s: float = 10.0) -> None:
        """Wait until the call has ended. Raises TimeoutError."""
        await asyncio.wait_for(self.ended.wait(), timeout_s)

    async def wait_hears(self, *tones: int, not_tones: tuple[int, ...] = (), timeout_s: float = 10.0) -> None:
        """Wait until it hears all of `tones`, and none of `not_tones`, over half a second. Raises TimeoutError."""
        wanted = set(tones)
        async with asyncio.timeout(timeout_s):
            while self.ear.tones((*tones, *not_tones)) != wanted:  # noqa: ASYNC110 - sound has no event
                await asyncio.sleep(0.05)

    # Inside

    def _new_call(self) -> None:
        self.ended.clear()
        self.ear.reset()
        self.answered_at = None

    def _session(self) -> str:
        assert self._rtp is not None
        return session_description(self.ip, self._rtp.getsockname()[1])

    def _begin_media(self, body: str) -> None:
        assert self._rtp is not None
        self._be_quiet()
        self._mouth = Mouth(self._rtp, self.sends, self.tone)
        self._mouth.target = media_address(body)
        self._clock.add(self._mouth)
        self.answered_at = time.time()
        self.up.set()

    def _be_quiet(self) -> None:
        if self._mouth is not None:
            self._clock.remove(self._mouth)
            self._mouth = None

    def _over(self) -> None:
        self._be_quiet()
        self._dialog = None
        self.up.clear()
        self.ended.set()

    def _hear(self) -> None:
        assert self._rtp is not None
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                data = self._rtp.recv(2048)
                if not self._vanished:
                    self.ear.packet(data)

    def _spawn(self, work: Coroutine[object, object, None], what: str) -> None:
        task = asyncio.create_task(work, name=f"phone-{what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, message: Message) -> None:
        if self._sip is not None and not self._vanished:
            self._sip.sendto(message.encode(), self.server)

    def _contact(self) -> str:
        return f"<sip:{self.name}@{self.ip}:{self.port}>"

    def _via(self) -> str:
        return f"SIP/2.0/UDP {self.ip}:{self.port};branch={new_branch()};rport"

    def _expect(self, call_id: str, sequence: int, method: str) -> asyncio.Future[Message]:
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[call_id, f"{sequence} {method}"] = future
        return future

    async def _deliver(self, send: Callable[[], None], wait: asyncio.Future[Message], timeout_s: float) -> Message:
        """Send, repeat until the final answer is there, and return it. Raises PhoneError after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                for pause in RETRANSMIT_S:
                    send()
                    done, _ = await asyncio.wait([wait], timeout=pause)
                    if done:
                        return wait.result()
                return await wait
        except TimeoutError:
            raise PhoneError("the switch did not answer") from None
        finally:
            self._waiting = {key: future for key, future in self._waiting.items() if future is not wait}

    async def _request_signed(
        self, method: str, uri: str, headers: list[tuple[str, str]], call_id: str, body: str = "", *, timeout_s: float
    ) -> Message:
        """A request out of a dialog; a challenge is answered once. The final answer."""
        extra: list[tuple[str, str]] = []
        for attempt in range(3):
            self._sequence += 1
            request = Message(f"{method} {uri} SIP/2.0", [("Via", self._via()), ("Max-Forwards", "70"), *headers], body)
            request.headers += [
                ("Call-ID", call_id),
                ("CSeq", f"{self._sequence} {method}"),
                ("Contact", self._contact()),
                *extra,
            ]
            wait = self._expect(call_id, self._sequence, method)
            answer = await self._deliver(partial(self._send, request), wait, timeout_s)
            if method == "INVITE" and answer.status >= 300:
                ack = [
                    (name, value)
                    for name, value in request.headers
                    if name in ("Via", "From", "Call-ID", "Max-Forwards")
                ]
                self._send(
                    Message(f"ACK {uri} SIP/2.0", [*ack, ("To", answer.get("to")), ("CSeq", f"{self._sequence} ACK")])
                )
            if answer.status != 401 or attempt == 2:
                return answer
            proof = authorization(
                answer.get("www-authenticate"), user=self.name, secret=self.secret, method=method, uri=uri
            )
            extra = [("Authorization", proof)]
        return answer

    def _send_in_dialog(self, dialog: _Dialog, method: str, sequence: int) -> None:
        headers = [("Via", self._via()), ("Max-Forwards", "70"), ("From", dialog.local), ("To", dialog.remote)]
        headers += [("Call-ID", dialog.call_id), ("CSeq", f"{sequence} {method}")]
        self._send(Message(f"{method} {dialog.target} SIP/2.0", headers))

    # What comes in

    def _receive(self, data: bytes) -> None:
        message = None if self._vanished else Message.parse(data)
        if message is None:
            return
        if message.status:
            future = self._waiting.get((message.call_id, message.get("cseq")))
            if message.status >= 200 and future is not None and not future.done():
                future.set_result(message)
            return
        handler = {"INVITE": self._on_invite, "ACK": self._on_ack, "BYE": self._on_bye, "CANCEL": self._on_cancel}.get(
            message.method
        )
        if handler is not None:
            handler(message)
        else:
            self._reply(message, "200 OK")

    def _reply(self, request: Message, status: str, body: str = "") -> Message:
        to = request.get("to")
        headers = [("Via", via) for via in request.all("via")]
        headers += [("From", request.get("from")), ("To", to if tag_of(to) else f"{to};tag={self._tag}")]
        headers += [("Call-ID", request.call_id), ("CSeq", request.get("cseq")), ("Contact", self._contact())]
        answer = Message(f"SIP/2.0 {status}", headers, body)
        self._send(answer)
        return answer

    def _on_invite(self, request: Message) -> None:
        dialog = self._dialog
        if dialog is not None and dialog.call_id == request.call_id:
            if tag_of(request.get("to")):  # within the call: the far end changes its media
                self._reply(request, "200 OK", self._session())
                if self._mouth is not None:
                    self._mouth.target = media_address(request.body) or self._mouth.target
            elif dialog.last is not None:  # a repetition
                self._send(dialog.last)
            return
        self.invite = request
        self.calls += 1
        if dialog is not None and "answer-after" in request.get("call-info"):
            self._over()  # the switch holds one leg per phone: that it calls again means that the other one is dead
            dialog = None
        if self.refuse:
            self._reply(request, f"{self.refuse} Declined")
        elif dialog is not None:
            self._reply(request, "486 Busy Here")
        else:
            self._new_call()
            local = f"{request.get('to')};tag={self._tag}"
            self._dialog = _Dialog(
                request.call_id, local=local, remote=request.get("from"), target=request.target, request=request
            )
            self._dialog.last = self._reply(request, "180 Ringing")
            self._spawn(self._answer(self._dialog), "answer")

    async def _answer(self, dialog: _Dialog) -> None:
        await asyncio.sleep(self.answer_after_s)
        if self._dialog is not dialog or dialog.request is None:
            return
        dialog.last = self._reply(dialog.request, "200 OK", self._session())
        self._begin_media(dialog.request.body)
        for pause in RETRANSMIT_S:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(dialog.acknowledged.wait(), pause)
            if dialog.acknowledged.is_set() or self._dialog is not dialog:
                return
            self._send(dialog.last)

    def _on_ack(self, request: Message) -> None:
        if self._dialog is not None and self._dialog.call_id == request.call_id:
            self._dialog.acknowledged.set()

    def _on_bye(self, request: Message) -> None:
        if self._dialog is None or self._dialog.call_id != request.call_id:
            self._reply(request, "481 Call Does Not Exist")
            return
        self._reply(request, "200 OK")
        self._over()

    def _on_cancel(self, request: Message) -> None:
        self._reply(request, "200 OK")
        dialog = self._dialog
        if (
            dialog is not None
            and dialog.call_id == request.call_id
            and dialog.request is not None
            and not self.up.is_set()
        ):
            self._reply(dialog.request, "487 Request Terminated")
            self._over()


class _Dialog:
    """The call that a phone is in."""

    def __init__(
        self, call_id: str, *, local: str, remote: str, target: str, request: Message | None = None, sequence: int = 0
    ) -> None:
        self.call_id, self.local, self.remote, self.target = call_id, local, remote, target
        self.request = request
        """The INVITE, for a call that came in."""
        self.sequence = sequence
        self.last: Message | None = None
        self.acknowledged = asyncio.Event()
