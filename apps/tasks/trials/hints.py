"""What to do about a failed step, and which of its settings or inputs is at fault."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.publishing.canonical import canonical_json
from apps.pipelines.graph import Node

HINTS: Final[Mapping[str, str | Promise]] = {
    "E_REFERENCE_MISSING": _(
        "An input names a value that no earlier step produced on this way. Choose another value in the step's inputs."
    ),
    "E_CONDITION": _(
        "Look at the expression and at the values that it was given: types have to match, and names exist."
    ),
    "E_NODE_TIMEOUT": _("Raise the step's time limit, or give it less to do."),
    "E_NODE_CRASHED": _("This is a mistake of ours. Report the request id with the input of the step."),
    "E_NO_END": _("Every way through the pipeline has to lead to its end. Look for a step with no way on."),
    "E_OUTCOME_UNKNOWN": _(
        "Look at the tool's own records before you run it again, or say in the step what to do then."
    ),
    "E_PIPELINE_LIMIT": _("Raise the limits of the pipeline that this step runs, or give it less to do."),
    "E_PIPELINE_NOT_THERE": _("Save the pipeline that this step runs, and check that its key is right."),
    "E_NO_ROUTE": _("No endpoint offers this model or capability. Add one under Providers, or choose another model."),
    "E_TOOL_UNKNOWN": _("Allow the tool under Tool servers, or choose another one."),
    "E_TOOL_CHANGED": _(
        "The tool is not what was approved any more. Look at it under Tool servers and approve it again."
    ),
    "E_TOOL_ARGUMENTS": _(
        "An input of the step does not fit what the tool takes. Look at the inputs that it was given."
    ),
    "E_TOOL_SERVER_DOWN": _("The tool's server does not answer. Look at its state under Tool servers."),
    "E_TOOL_TIMEOUT": _("The tool took too long. Look at its server, or raise the time limit there."),
    "E_TOOL_FAILED": _("The tool itself says no. Look at the inputs that it was given."),
    "E_UPSTREAM_KEY": _("The provider does not take the key. Look at the endpoint under Providers."),
    "E_UPSTREAM_REFUSED": _("The provider refuses the request. Look at the model's settings and at what it was asked."),
    "E_KEY_MISSING": _("The endpoint has no key. Enter it under Providers, or try on the mock provider."),
    "E_CIRCUIT_OPEN": _("The endpoint failed too often and rests for a moment. Look at its state under Providers."),
    "E_VARIABLE_MISSING": _("The prompt needs a variable that the step does not give. Add it to the step's inputs."),
    "E_VARIABLE_UNFIT": _("A variable of the prompt has another type. Look at the step's inputs."),
    "E_NOT_RECORDED": _(
        "This step asks something else than in the old run. Replay it with real answers for what is new."
    ),
    "E_RECORDED_FAILED": _("The old run failed here, too. Replay it with real or mock answers to go on."),
    "E_NO_RETRIEVER": _("No knowledge is set up in this installation. Pin an output of this step to try the others."),
    "E_HOST_REFUSED": _("The host is not on the list of hosts that pipelines may call (PAIBAN_PIPELINE_HOSTS)."),
    "E_BUDGET_EXHAUSTED": _("Your budget for models is used up. Try it on the mock provider, or raise the budget."),
    "E_WORKER_LOST": _("The step ends the whole worker, perhaps by the memory it takes. Try it with a smaller input."),
}
AGAIN: Final = _("This may be over in a moment: run it again. Retries can be set in the step's policy.")


def hint_of(error: Mapping[str, Any]) -> str:
    """What to do about `error`, in the active language; "" when nothing is known that would help."""
    known = HINTS.get(str(error.get("reason", "")))
    if known is not None:
        return str(known)
    return str(AGAIN) if error.get("retryable") else ""


def field_of(node: Node | None, error: Mapping[str, Any]) -> str:
    """The setting or input of `node` that `error` is about, as `inputs.text` or `config.expression`; "" if none is."""
    if node is None:
        return ""
    details = error.get("details") if isinstance(error.get("details"), Mapping) else {}
    if pointer := _first_pointer(details):
        return f"inputs.{pointer}"
    reason = error.get("reason")
    if reason == "E_CONDITION" and "expression" in node.config:
        return "config.expression"
    if reason == "E_NODE_TIMEOUT":
        return "policy.timeout"
    if reason == "E_REFERENCE_MISSING":
        return _naming(node, str(error.get("message", "")))
    return ""


def _first_pointer(details: Any) -> str:
    errors = details.get("errors") if isinstance(details, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    pointer = first.get("pointer", "") if isinstance(first, Mapping) else ""
    return str(pointer).strip("/").split("/")[0]


def _naming(node: Node, message: str) -> str:
    """The input whose template names the path that the message quotes."""
    for name, template in node.inputs.items():
        written = template if isinstance(template, str) else canonical_json(template)
        if any(path and path in message for path in _paths(written)):
            return f"inputs.{name}"
    return ""


def _paths(template: str) -> list[str]:
    pieces = template.split("{{")[1:]
    return [piece.split("}}")[0].split("|")[0].strip() for piece in pieces]
