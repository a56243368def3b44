"""PostgreSQL refuses to run as root: which account it runs as then, and which folders that account can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from functools import cache
from pathlib import Path

ACCOUNT = "cordboard"


@cache
def service_account() -> pwd.struct_passwd | None:
    """The unprivileged account for servers: None when we are unprivileged ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", ACCOUNT):
        if found := _lookup(name):
            return found
    if useradd := shutil.which("useradd"):
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _lookup(ACCOUNT) or pwd.getpwnam("nobody")


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def reachable(path: Path, account: pwd.struct_passwd | None) -> bool:
    """True when the account may pass through the folder (need not exist yet) and all folders above it."""
    if account is None:
        return True
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return all(_may_pass(folder.stat(), account) for folder in (path, *path.parents))


def _may_pass(info: os.stat_result, account: pwd.struct_passwd) -> bool:
    if info.st_uid == account.pw_uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid == account.pw_gid:
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)
