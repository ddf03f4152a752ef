"""The policy as values: resources, rights, roles, and the one mapping from rights to Django's permissions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

# The one place where an action of ours becomes a verb of Django's (`features:write` is `features.change_feature`).
ACTIONS: Final[Mapping[str, str]] = {
    "read": "view",
    "create": "add",
    "write": "change",
    "delete": "delete",
    "publish": "publish",
    "rollback": "rollback",
    "run": "run",
    "adjust": "change",
}
# Who may do one of these to a thing has to see it. Running is for front ends, and shows no draft.
SHOWING: Final = ("read", "write", "delete", "publish", "rollback")


class UnknownRight(LookupError):
    """A `resource:action` that the policy file does not know."""


@dataclass(frozen=True)
class Resource:
    """One kind of thing. Rights are asked on its first model and given on all of them."""

    name: str
    models: tuple[str, ...]
    actions: tuple[str, ...]
    enforced: bool = False  # whether the log-only mode holds off

    @property
    def rights(self) -> tuple[str, ...]:
        return tuple(f"{self.name}:{action}" for action in self.actions)


@dataclass(frozen=True)
class Policy:
    """What the policy file says. Resources keep the file's order."""

    resources: Mapping[str, Resource]
    roles: Mapping[str, frozenset[str]]

    def permission(self, right: str) -> str:
        """The Django permission to ask for `right`. Raises `UnknownRight`."""
        resource, action = self._split(right)
        return _permission(resource.models[0], action)

    def permissions(self, rights: Iterable[str]) -> frozenset[str]:
        """Every Django permission that comes with `rights`. Raises `UnknownRight`."""
        split = map(self._split, rights)
        return frozenset(_permission(model, action) for resource, action in split for model in resource.models)

    def resource_of(self, model: str) -> Resource | None:
        """The resource that holds `model` (`features.feature`)."""
        return next((one for one in self.resources.values() if model in one.models), None)

    def rights(self) -> tuple[str, ...]:
        """Every right there is."""
        return tuple(right for resource in self.resources.values() for right in resource.rights)

    @cached_property
    def unenforced(self) -> frozenset[str]:
        """The permissions that the log-only mode may let pass."""
        open_ones = (one for one in self.resources.values() if not one.enforced)
        return self.permissions(right for one in open_ones for right in one.rights)

    def _split(self, right: str) -> tuple[Resource, str]:
        name, _colon, action = right.partition(":")
        resource = self.resources.get(name)
        if resource is None or action not in resource.actions:
            raise UnknownRight(right)
        return resource, action


def _permission(model: str, action: str) -> str:
    app, name = model.split(".")
    return f"{app}.{ACTIONS[action]}_{name}"
