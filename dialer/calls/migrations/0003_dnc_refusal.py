"""The database itself refuses a call to a number on the do-not-call list, even if the code forgets to ask."""

from django.db import migrations

CREATE = """
CREATE FUNCTION cordboard_refuse_dnc() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM compliance_dncentry d WHERE d.tenant_id = NEW.tenant_id AND d.phone = NEW.phone) THEN
        RAISE EXCEPTION 'the number is on the do-not-call list' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'call_not_to_dnc';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM compliance_gateverdict v WHERE v.id = NEW.verdict_row_id AND v.allowed
                   AND v.phone = NEW.phone AND v.tenant_id = NEW.tenant_id) THEN
        RAISE EXCEPTION 'the gate did not allow this call' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'call_allowed_by_gate';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER call_not_to_dnc BEFORE INSERT ON calls_calltask FOR EACH ROW EXECUTE FUNCTION cordboard_refuse_dnc();
"""
DROP = """
DROP TRIGGER call_not_to_dnc ON calls_calltask;
DROP FUNCTION cordboard_refuse_dnc();
"""


class Migration(migrations.Migration):
    dependencies = [("calls", "0002_initial"), ("compliance", "0002_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
