from django.db import migrations, models


def forget_nested(apps, schema_editor):
    """Steps of pipelines below another have no place in the earlier shape; their runs repeat them."""
    apps.get_model("tasks", "StepRun").objects.filter(path__contains="/").delete()


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0004_fill_paths'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='steprun',
            constraint=models.UniqueConstraint(fields=('task', 'path'), name='step_path_once'),
        ),
        migrations.RemoveConstraint(
            model_name='steprun',
            name='step_once',
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_nested),
    ]
