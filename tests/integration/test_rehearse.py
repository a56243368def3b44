"""`manage.py rehearse`: a version that cannot run says so before anything is replaced by it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deploy.local.stack import ROOT
from dialer.core.management.commands import rehearse


def test_this_version_loads_as_a_whole() -> None:
    """In a process of its own: what is loaded sets its process up for long runs."""
    words = [sys.executable, "manage.py", "rehearse", "--verbosity", "2"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {"agi.server", "asterisk.switchboard.switchboard", "dialer.asgi", "tasks.pacing"} <= set(done.stdout.split())


@pytest.mark.parametrize("text", ["import no_such_package", "def f(:", "raise ValueError('no setting')"])
def test_a_module_that_does_not_load_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    package = tmp_path / f"version_{abs(hash(text))}"
    (package / "inside").mkdir(parents=True)
    for name in ("__init__.py", "well.py", "inside/__init__.py"):
        (package / name).touch()
    (package / "inside" / "broken.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(rehearse, "PACKAGES", (package.name,))
    with pytest.raises(CommandError, match=rf"{package.name}\.inside\.broken does not load: \w+Error: "):
        call_command("rehearse")
