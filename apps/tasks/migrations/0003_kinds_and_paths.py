from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0002_key_of_task'),
    ]

    operations = [
        migrations.CreateModel(
            name='Frozen',
            fields=[
                ('sha256', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('body', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name='steprun',
            name='inputs',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='steprun',
            name='path',
            field=models.CharField(default='', max_length=200),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='steprun',
            name='reused',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='steprun',
            name='wake_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='steprun',
            name='went_on',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='task',
            name='kind',
            field=models.CharField(choices=[('live', 'run'), ('trial', 'trial run'), ('replay', 'replay')], default='live', max_length=8, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='task',
            name='paused_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='paused_seconds',
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name='task',
            name='source',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='steprun',
            name='branch',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AlterField(
            model_name='steprun',
            name='status',
            field=models.CharField(choices=[('running', 'running'), ('waiting', 'waiting'), ('succeeded', 'done'), ('failed', 'failed'), ('skipped', 'not needed')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['status', 'run_after'], name='task_due'),
        ),
    ]
