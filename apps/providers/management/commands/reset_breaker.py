"""`manage.py reset_breaker KEY`: an endpoint that was left alone is asked again at once."""

from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import Outcome, ServiceCommand
from apps.core.errors import NotFound
from apps.providers.models import Endpoint
from apps.providers.standing import close_circuit, standings


class Command(ServiceCommand):
    help = "Close the circuit of a model endpoint and end the pauses of its models; with --dry-run show how it stands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the endpoint, for example openai")
        super().add_arguments(parser)

    def outcome(self, options: dict[str, Any]) -> Outcome:
        endpoint = Endpoint.objects.filter(key=options["key"]).first()
        if endpoint is None:
            raise NotFound()
        before = standings([endpoint])[endpoint.key]
        if options["dry_run"]:
            return Outcome({"key": endpoint.key, "state": before.state}, [f"{endpoint.key}: {before.state}"])
        closed = close_circuit(endpoint, by=None)
        words = f"{endpoint.key}: {before.state} before, closed now" if closed else f"{endpoint.key}: nothing to end"
        return Outcome({"key": endpoint.key, "before": before.state, "closed": closed}, [words])
