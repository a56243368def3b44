"""What the database refuses of a new call it also refuses of one that is changed into such a call."""

from django.db import migrations

CREATE = """
CREATE TRIGGER call_stays_lawful BEFORE UPDATE OF phone, tenant_id, verdict_row_id ON calls_calltask FOR EACH ROW
WHEN (OLD.phone <> NEW.phone OR OLD.tenant_id <> NEW.tenant_id OR OLD.verdict_row_id <> NEW.verdict_row_id)
EXECUTE FUNCTION cordboard_refuse_dnc();
"""
DROP = "DROP TRIGGER call_stays_lawful ON calls_calltask;"


class Migration(migrations.Migration):
    dependencies = [("calls", "0003_dnc_refusal")]
    operations = [migrations.RunSQL(CREATE, DROP)]
