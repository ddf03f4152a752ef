"""Where a task's run is kept: steps, calls, questions and events of one claim, in one fenced transaction each time."""

from apps.tasks.journal.store import RunJournal

__all__ = ["RunJournal"]
