"""What Django itself finds wrong with models, admins and settings; a process with an error does not start."""

from django.core.checks import WARNING, run_checks


def test_checks__whole_project__find_nothing(db):
    found = [message for message in run_checks() if message.level >= WARNING]

    assert found == []
