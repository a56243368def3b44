import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0010_lists_with_their_campaign'),
        ('people', '0003_hidden_numbers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Rework',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('keys', models.JSONField(default=list)),
                ('at_list', models.BigIntegerField(default=0)),
                ('at_lead', models.BigIntegerField(default=0)),
                ('looked', models.PositiveIntegerField(default=0)),
                ('changed', models.PositiveIntegerField(default=0)),
                ('ended', models.PositiveIntegerField(default=0, help_text='Leads that are not called any more.')),
                ('asked_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(null=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reworks', to='campaigns.campaign')),
                ('lead_list', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='reworks', to='campaigns.leadlist')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'unscoped',
                'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['asked_at'], name='rework_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lead_list', None)), fields=('campaign',), name='rework_once_per_campaign'), models.UniqueConstraint(fields=('lead_list',), name='rework_once_per_list')],
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]
