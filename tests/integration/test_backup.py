"""A backup is restored into an empty installation, and nothing differs; a damaged one is refused before it harms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.backup import BackupError, read_backup, write_backup
from deploy.local.stack import HOME, Stack

SEED = """
from tests import factories
from dialer.core import audit
tenant = factories.make_tenant("Kept")
campaign = factories.make_campaign(tenant, name="Ünïcode “kept”")
user = factories.make_user(tenant)
factories.make_leads(factories.make_list(campaign), 1, first_name="Zoë\\t'quoted'")
for place in range(3):
    factories.make_call(campaign, lead=factories.make_lead(campaign, phone=factories.number_of(place)))
    audit.record(tenant_id=tenant.pk, actor=user, action="test.kept", subject=str(place))
"""


@pytest.fixture
def stacks(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, Stack]]:
    """Two installations: one to keep, and an empty one."""
    made = [Stack(HOME / f"backup-{name}", asterisk=False, durable=False) for name in ("from", "to")]
    try:
        for stack in made:
            shutil.rmtree(stack.state_dir, ignore_errors=True)  # of a run that was killed
            stack.start()
        yield made[0], made[1]
    finally:
        for stack in made:
            stack.stop()
            stack.remove()
            shutil.rmtree(stack.state_dir, ignore_errors=True)


def tables(stack: Stack) -> dict[str, tuple[int, str]]:
    """Every table: how many rows, and a digest of all of them."""
    with psycopg.connect(stack.settings["DATABASE_URL"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = {}
        for (name,) in names:
            query = f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{name}\" t"
            row = connection.execute(query).fetchone()  # type: ignore[arg-type]
            assert row is not None
            found[str(name)] = (int(row[0]), str(row[1]))
    return found


def test_an_installation_is_kept_and_restored(stacks: tuple[Stack, Stack], tmp_path: Path) -> None:
    old, new = stacks
    old.manage("migrate", "--no-input", "--verbosity", "0")
    old.manage("shell", "--no-imports", "-c", SEED)
    sound = old.state_dir / "asterisk/pbx/spool/monitor/1/2026/11/26/a.wav"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(b"RIFF" + bytes(range(256)) * 50)
    file = tmp_path / "kept.tar"
    told = write_backup(file, env=old.env, state_dir=old.state_dir)
    assert told["recordings"] == 1
    assert file.stat().st_mode & 0o777 == 0o600

    damaged = tmp_path / "damaged.tar"
    data = bytearray(file.read_bytes())
    data[data.index(b"RIFF") + 100] ^= 1
    damaged.write_bytes(data)
    for wrong in (damaged, tmp_path / "none.tar"):
        with pytest.raises(BackupError):
            read_backup(wrong, env=new.env, state_dir=new.state_dir, replace=False)
    assert tables(new) == {}

    read_backup(file, env=new.env, state_dir=new.state_dir, replace=False)
    assert tables(new) == tables(old)
    kept = new.state_dir / sound.relative_to(old.state_dir)
    assert kept.read_bytes() == sound.read_bytes()
    secret = Path(new.settings["SECRET_KEY_FILE"])
    assert secret.read_text().strip() == Path(old.settings["SECRET_KEY_FILE"]).read_text().strip()
    assert ": 3 entries" in new.manage("verify_audit").stdout
    with pytest.raises(BackupError, match="--replace"):
        read_backup(file, env=new.env, state_dir=new.state_dir, replace=False)
    read_backup(file, env=new.env, state_dir=new.state_dir, replace=True)
    assert tables(new)["calls_calltask"] == tables(old)["calls_calltask"]
    # The database goes on where it was: new rows get numbers of their own, and the trail cannot be changed.
    with psycopg.connect(new.settings["DATABASE_URL"], autocommit=True) as connection:
        highest = connection.execute("SELECT max(id) FROM core_auditentry").fetchone()
        more = "INSERT INTO people_team (tenant_id, name) SELECT id, 'More' FROM people_tenant RETURNING id"
        assert connection.execute(more).fetchone() == (1,)
        assert highest is not None
        following = connection.execute("SELECT nextval(pg_get_serial_sequence('core_auditentry', 'id'))").fetchone()
        assert following == (highest[0] + 1,)
        with pytest.raises(psycopg.Error):
            connection.execute("DELETE FROM core_auditentry")
