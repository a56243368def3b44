"""The database refuses a third party's number exactly as it refuses a call's."""

from django.db import migrations

CREATE = """
CREATE TRIGGER party_not_to_dnc BEFORE INSERT ON handling_party FOR EACH ROW WHEN (NEW.phone <> '')
EXECUTE FUNCTION cordboard_refuse_dnc();
CREATE TRIGGER party_stays_lawful BEFORE UPDATE OF phone, tenant_id, verdict_row_id ON handling_party FOR EACH ROW
WHEN (OLD.phone <> NEW.phone OR OLD.tenant_id <> NEW.tenant_id OR OLD.verdict_row_id <> NEW.verdict_row_id)
EXECUTE FUNCTION cordboard_refuse_dnc();
"""
DROP = """
DROP TRIGGER party_not_to_dnc ON handling_party;
DROP TRIGGER party_stays_lawful ON handling_party;
"""


class Migration(migrations.Migration):
    dependencies = [("handling", "0001_conversations"), ("calls", "0004_refusal_of_changes")]
    operations = [migrations.RunSQL(CREATE, DROP)]
