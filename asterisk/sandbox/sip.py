"""As much of SIP as a headless phone needs: messages, digest, a session description. Loopback test use only."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

_SHORT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}


@dataclass(slots=True)
class Message:
    """A SIP request or response. Header names are kept in lower case, in their order."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message | None:
        """Read a datagram; None for keep-alives and for what is no SIP."""
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        if "SIP/2.0" not in lines[0]:
            return None
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                low = name.strip().lower()
                headers.append((_SHORT.get(low, low), value.strip()))
        return cls(lines[0], headers, body)

    def encode(self) -> bytes:
        """The datagram."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        if self.body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def get(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """All headers of that name."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def status(self) -> int:
        """The status of a response, 0 for a request."""
        words = self.start.split(" ", 2)
        return int(words[1]) if words[0] == "SIP/2.0" and len(words) > 1 and words[1].isdigit() else 0

    @property
    def method(self) -> str:
        """The method of a request; of a response, that of the request it answers."""
        return self.get("cseq").split(" ")[-1] if self.status else self.start.split(" ", 1)[0]

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.get("call-id")

    @property
    def target(self) -> str:
        """The URI of the Contact header."""
        found = re.search(r"<([^>]+)>", self.get("contact"))
        return found.group(1) if found else self.get("contact").split(";")[0]


def tag_of(address: str) -> str:
    """The tag of a From or To header, or an empty string."""
    found = re.search(r";tag=([^;>\s]+)", address)
    return found.group(1) if found else ""


def granted_seconds(answer: Message, port: int) -> int:
    """How long a 200 to REGISTER keeps the contact on `port`, or 0 when it does not say."""
    for contact in answer.all("contact"):
        found = re.search(r";expires=(\d+)", contact)
        if f":{port}" in contact and found:
            return int(found.group(1))
    return int(answer.get("expires")) if answer.get("expires").isdigit() else 0


def new_branch() -> str:
    """A Via branch that was never used."""
    return f"z9hG4bK{secrets.token_hex(8)}"


def authorization(challenge: str, *, user: str, secret: str, method: str, uri: str) -> str:
    """The Authorization value that answers a digest challenge (MD5, with qop=auth when it is offered)."""

    def part(name: str) -> str:
        found = re.search(rf'\b{name}=(?:"([^"]*)"|([^\s,]+))', challenge)
        return (found.group(1) or found.group(2) or "") if found else ""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    realm, nonce, opaque = part("realm"), part("nonce"), part("opaque")
    first, second = md5(f"{user}:{realm}:{secret}"), md5(f"{method}:{uri}")
    value = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "auth" in part("qop").split(","):
        own = secrets.token_hex(8)
        value += f', qop=auth, nc=00000001, cnonce="{own}"'
        value += f', response="{md5(f"{first}:{nonce}:00000001:{own}:auth:{second}")}"'
    else:
        value += f', response="{md5(f"{first}:{nonce}:{second}")}"'
    return value + (f', opaque="{opaque}"' if opaque else "")


def session_description(ip: str, port: int) -> str:
    """An SDP body that offers or answers mu-law at `ip`:`port`."""
    lines = (
        "v=0",
        f"o=- 1 1 IN IP4 {ip}",
        "s=-",
        f"c=IN IP4 {ip}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv",
    )
    return "".join(f"{line}\r\n" for line in lines)


def media_address(body: str) -> tuple[str, int] | None:
    """Where an SDP body wants its audio, or None."""
    host = re.search(r"^c=IN IP4 (\S+)", body, re.M)
    port = re.search(r"^m=audio (\d+)", body, re.M)
    return (host.group(1), int(port.group(1))) if host and port else None
