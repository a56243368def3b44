"""A private Asterisk with a simulated carrier, for `./run`, the tests and the benches.

Importing it needs the standard library only.
"""

from .behaviour import DEFAULT_MIX, Behaviour, Mix, behaviour_of
from .box import Sandbox
from .errors import SandboxFailed, SandboxUnavailable
from .truth import CallerCall, TruthCall, read_callers, read_truth

__all__ = [
    "DEFAULT_MIX",
    "Behaviour",
    "CallerCall",
    "Mix",
    "Sandbox",
    "SandboxFailed",
    "SandboxUnavailable",
    "TruthCall",
    "behaviour_of",
    "read_callers",
    "read_truth",
]
