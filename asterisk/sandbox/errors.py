"""What can go wrong with the sandbox, in words that are shown to the person who typed ./run."""

from __future__ import annotations


class SandboxUnavailable(Exception):
    """A private Asterisk cannot be had on this machine; `reason` says exactly why and, where there is one, the cure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SandboxFailed(Exception):
    """An Asterisk that is here did not start or did not answer; the text carries its last log lines."""
