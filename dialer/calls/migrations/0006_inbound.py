"""Calls to us, which nobody dialed: without a verdict, and held to be so."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TRIGGERS = """
DROP TRIGGER call_not_to_dnc ON calls_calltask;
DROP TRIGGER call_stays_lawful ON calls_calltask;
-- Of whoever calls us nothing is asked but that we did not dial them (dialed_on_a_verdict, inbound_is_not_dialed).
CREATE TRIGGER call_not_to_dnc BEFORE INSERT ON calls_calltask FOR EACH ROW WHEN (NOT NEW.inbound)
EXECUTE FUNCTION cordboard_refuse_dnc();
CREATE TRIGGER call_stays_lawful BEFORE UPDATE OF phone, tenant_id, verdict_row_id, inbound ON calls_calltask FOR EACH ROW
WHEN (NOT NEW.inbound AND (OLD.phone <> NEW.phone OR OLD.tenant_id <> NEW.tenant_id OR OLD.inbound
      OR OLD.verdict_row_id IS DISTINCT FROM NEW.verdict_row_id))
EXECUTE FUNCTION cordboard_refuse_dnc();
"""
AS_BEFORE = """
DROP TRIGGER call_not_to_dnc ON calls_calltask;
DROP TRIGGER call_stays_lawful ON calls_calltask;
CREATE TRIGGER call_not_to_dnc BEFORE INSERT ON calls_calltask FOR EACH ROW EXECUTE FUNCTION cordboard_refuse_dnc();
CREATE TRIGGER call_stays_lawful BEFORE UPDATE OF phone, tenant_id, verdict_row_id ON calls_calltask FOR EACH ROW
WHEN (OLD.phone <> NEW.phone OR OLD.tenant_id <> NEW.tenant_id OR OLD.verdict_row_id <> NEW.verdict_row_id)
EXECUTE FUNCTION cordboard_refuse_dnc();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0014_beside'),
        ('calls', '0005_pacing'),
        ('campaigns', '0009_filters_changes_windows'),
        ('compliance', '0006_retention'),
        ('inbound', '0001_initial'),
        ('leads', '0008_turns'),
        ('people', '0003_hidden_numbers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='calltask',
            name='one_live_call_per_number',
        ),
        migrations.AddField(
            model_name='calltask',
            name='inbound',
            field=models.BooleanField(db_default=False, default=False, help_text='Somebody called us.'),
        ),
        migrations.AddField(
            model_name='calltask',
            name='queue',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='calls', to='inbound.queue'),
        ),
        migrations.AddField(
            model_name='calltask',
            name='queue_since',
            field=models.DateTimeField(help_text='Since when they wait in the queue; empty when they do not.', null=True),
        ),
        migrations.AlterField(
            model_name='calltask',
            name='outcome',
            field=models.CharField(blank=True, choices=[('connected', 'Connected'), ('abandoned', 'Abandoned'), ('early_hangup', 'Early hangup'), ('no_answer', 'No answer'), ('busy', 'Busy'), ('congestion', 'Congestion'), ('invalid_number', 'Invalid number'), ('machine', 'Machine'), ('message_left', 'Message left'), ('cancelled', 'Cancelled'), ('failed', 'Failed'), ('lost', 'Lost'), ('left_queue', 'Left the queue'), ('overflow', 'Nobody free in time'), ('closed', 'Closed')], max_length=16),
        ),
        migrations.AlterField(
            model_name='calltask',
            name='phone',
            field=models.CharField(blank=True, help_text='E.164', max_length=16),
        ),
        migrations.AlterField(
            model_name='calltask',
            name='verdict_row',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='call', to='compliance.gateverdict'),
        ),
        migrations.AddIndex(
            model_name='calltask',
            index=models.Index(condition=models.Q(('queue_since__isnull', False)), fields=['queue_since'], name='call_in_queue'),
        ),
        migrations.AddIndex(
            model_name='calltask',
            index=models.Index(condition=models.Q(('inbound', True)), fields=['queue', '-queued_at'], name='call_by_queue'),
        ),
        migrations.AddConstraint(
            model_name='calltask',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('state', 'ended'), _negated=True), ('inbound', False)), fields=('tenant', 'phone'), name='one_live_call_per_number'),
        ),
        migrations.AddConstraint(
            model_name='calltask',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('inbound', False), ('verdict_row__isnull', False)), models.Q(('inbound', True), ('own_agent', False), ('placed_at', None), ('verdict_row', None)), _connector='OR'), name='dialed_on_a_verdict'),
        ),
        migrations.AddConstraint(
            model_name='calltask',
            constraint=models.CheckConstraint(condition=models.Q(('inbound', False), models.Q(('state__in', ('queued', 'dialing', 'ringing')), _negated=True), _connector='OR'), name='inbound_is_not_dialed'),
        ),
        migrations.RunSQL(TRIGGERS, AS_BEFORE),
    ]
