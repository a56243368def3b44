"""The database notes what a change adds to the floor's counters, in the transaction that makes the change.

Triggers, because calls, agents and the gate stand below the floor and must not know of it, and because whoever
writes those rows, whatever the code, is counted. A row of its own per change: nobody waits for a counter's row.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION floor_bucket(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN date_bin('5 minutes', at, TIMESTAMPTZ '2001-01-01 00:00+00');
CREATE INDEX floor_refusals ON compliance_gateverdict (tenant_id, at) WHERE NOT allowed;

CREATE FUNCTION floor_tally_call_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO floor_tally (tenant_id, campaign_id, at, names, ns) VALUES (
        NEW.tenant_id, NEW.campaign_id, NEW.ended_at,
        ARRAY['outcome:' || NEW.outcome, 'dialed', 'answered', 'talks', 'talk_ms'],
        ARRAY[1, (NEW.placed_at IS NOT NULL)::int, NEW.answered::int, (NEW.connected_at IS NOT NULL)::int,
              COALESCE(floor(extract(epoch FROM NEW.ended_at - NEW.connected_at) * 1000), 0)]::bigint[]);
    RETURN NULL;
END $$;
CREATE TRIGGER floor_tally_call_end AFTER UPDATE OF state ON calls_calltask FOR EACH ROW
    WHEN (NEW.state = 'ended' AND OLD.state <> 'ended') EXECUTE FUNCTION floor_tally_call_end();

CREATE FUNCTION floor_tally_disposition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO floor_tally (tenant_id, campaign_id, at, names, ns)
    SELECT NEW.tenant_id, NEW.campaign_id, v.at, ARRAY['disposed', 'contacts', 'conversions'],
           ARRAY[v.sign, v.sign * d.is_contact::int, v.sign * d.is_conversion::int]::bigint[]
    FROM (VALUES (OLD.disposition_id, OLD.disposed_at, -1), (NEW.disposition_id, NEW.disposed_at, 1)) v(id, at, sign)
    JOIN campaigns_disposition d ON d.id = v.id
    WHERE v.at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER floor_tally_disposition AFTER UPDATE OF disposition_id ON calls_calltask FOR EACH ROW
    WHEN (NEW.disposition_id IS DISTINCT FROM OLD.disposition_id) EXECUTE FUNCTION floor_tally_disposition();

CREATE FUNCTION floor_tally_agent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO floor_tally (tenant_id, campaign_id, at, names, ns) VALUES (
        NEW.tenant_id, NEW.campaign_id, NEW.until,
        ARRAY['agent_ms:' || NEW.state, 'agent_times:' || NEW.state],
        ARRAY[floor(extract(epoch FROM NEW.until - NEW.at) * 1000), 1]::bigint[]);
    RETURN NULL;
END $$;
CREATE TRIGGER floor_tally_agent AFTER UPDATE OF until ON agents_agentstatechange FOR EACH ROW
    WHEN (OLD.until IS NULL AND NEW.until IS NOT NULL AND NEW.campaign_id IS NOT NULL)
    EXECUTE FUNCTION floor_tally_agent();

CREATE FUNCTION floor_tally_refusal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO floor_tally (tenant_id, campaign_id, at, names, ns)
    VALUES (NEW.tenant_id, NEW.campaign_id, NEW.at, ARRAY['refused:' || NEW.rule], ARRAY[1]::bigint[]);
    RETURN NULL;
END $$;
CREATE TRIGGER floor_tally_refusal AFTER INSERT ON compliance_gateverdict FOR EACH ROW
    WHEN (NOT NEW.allowed) EXECUTE FUNCTION floor_tally_refusal();
"""
DROP = """
DROP TRIGGER floor_tally_call_end ON calls_calltask;
DROP TRIGGER floor_tally_disposition ON calls_calltask;
DROP TRIGGER floor_tally_agent ON agents_agentstatechange;
DROP TRIGGER floor_tally_refusal ON compliance_gateverdict;
DROP FUNCTION floor_tally_call_end(), floor_tally_disposition(), floor_tally_agent(), floor_tally_refusal();
DROP INDEX floor_refusals;
DROP FUNCTION floor_bucket(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("floor", "0001_floor"),
        ("calls", "0004_refusal_of_changes"),
        ("agents", "0011_where_it_was"),
        ("compliance", "0002_initial"),
    ]
    operations = [migrations.RunSQL(CREATE, DROP)]
