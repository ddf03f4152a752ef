import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0005_path_once'),
    ]

    operations = [
        migrations.CreateModel(
            name='Effect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=200)),
                ('no', models.PositiveIntegerField()),
                ('kind', models.CharField(max_length=10)),
                ('address', models.CharField(max_length=200)),
                ('request_sha256', models.CharField(max_length=64)),
                ('repeatable', models.BooleanField(default=False)),
                ('status', models.CharField(choices=[('intent', 'sent'), ('done', 'answered'), ('failed', 'failed'), ('unknown', 'outcome unknown')], max_length=10)),
                ('response', models.JSONField(null=True)),
                ('usage', models.JSONField(default=dict)),
                ('error', models.JSONField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='effect',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='effects', to='tasks.task'),
        ),
        migrations.AddConstraint(
            model_name='effect',
            constraint=models.UniqueConstraint(fields=('task', 'path', 'no'), name='effect_once'),
        ),
    ]
