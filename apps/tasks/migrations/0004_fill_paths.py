from django.db import migrations
from django.db.models import F

BATCH = 5_000  # rows of one statement; a table of years is not locked at once


def fill(apps, schema_editor):
    """Until now a step was known by its node, and no pipeline ran below another."""
    steps = apps.get_model("tasks", "StepRun").objects
    last = steps.order_by("-pk").values_list("pk", flat=True).first() or 0
    for start in range(0, last + 1, BATCH):
        steps.filter(pk__gte=start, pk__lt=start + BATCH, path="").update(path=F("node"))


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0003_kinds_and_paths'),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
