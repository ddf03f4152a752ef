"""Reads and validates the policy file; every mistake is told at once, with its place."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.policy.rights import ACTIONS, Policy, Resource

SCHEMA: Final = 1
ROLES: Final = ("viewer", "editor", "admin", "member")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_MODEL = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")


class PolicyInvalid(ImproperlyConfigured):
    """The policy file cannot be used; `problems` says why, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def policy() -> Policy:
    """The policy in force, read once per process. Raises `PolicyInvalid`."""
    return _loaded(Path(settings.POLICY_FILE))


@lru_cache(maxsize=4)
def _loaded(path: Path) -> Policy:
    return load(path)


def load(path: Path) -> Policy:
    """The policy that `path` holds. Raises `PolicyInvalid` with every problem."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise PolicyInvalid([f"{path} cannot be read: {exc.strerror}"]) from exc
    except ValueError as exc:  # what is not UTF-8, too
        raise PolicyInvalid([f"{path} is not TOML: {exc}"]) from exc
    return parse(content)


def parse(content: Mapping[str, Any]) -> Policy:
    """The policy that `content` describes. Raises `PolicyInvalid` with every problem."""
    problems = list(_shape(content))
    if not problems:
        problems += [*_resource_problems(content["resources"]), *_role_problems(content)]
    if problems:
        raise PolicyInvalid(problems)
    resources = {
        name: Resource(name, tuple(given["models"]), tuple(given["actions"]), given.get("enforced", False))
        for name, given in content["resources"].items()
    }
    return Policy(resources, {role: frozenset(rights) for role, rights in content["roles"].items()})


def _shape(content: Mapping[str, Any]) -> Iterator[str]:
    if (schema := content.get("schema")) != SCHEMA:
        yield f"schema must be {SCHEMA}, not {schema!r}"
    for name in ("resources", "roles"):
        if not isinstance(content.get(name), dict) or not content[name]:
            yield f"[{name}] must be a table with at least one entry"
    for name in sorted(set(content) - {"schema", "resources", "roles"}):
        yield f"{name} is not known; the file holds schema, [resources] and [roles]"


def _resource_problems(resources: Mapping[str, Any]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for name, given in resources.items():
        where = f"[resources.{name}]"
        if not _NAME.fullmatch(name):
            yield f"{where}: a resource's name has lower-case letters, digits, - and _ alone"
        if not isinstance(given, dict):
            yield f"{where} must be a table"
            continue
        yield from _field_problems(where, given)
        for model in given["models"] if _is_list(given.get("models")) else ():
            if (owner := taken.setdefault(model, name)) != name:
                yield f"{where}: {model} belongs to [resources.{owner}] already"


def _field_problems(where: str, given: Mapping[str, Any]) -> Iterator[str]:
    for field in sorted(set(given) - {"models", "actions", "enforced"}):
        yield f"{where}: {field} is not known; a resource has models, actions and enforced"
    for field in ("models", "actions"):
        if not _is_list(given.get(field)):
            yield f"{where}: {field} must be a list of texts, not empty and without doubles"
    for model in given["models"] if _is_list(given.get("models")) else ():
        if not _MODEL.fullmatch(model):
            yield f"{where}: {model!r} is not app.model in lower case"
    for action in given["actions"] if _is_list(given.get("actions")) else ():
        if action not in ACTIONS:
            yield f"{where}: there is no action {action!r}; there are {', '.join(ACTIONS)}"
    if not isinstance(given.get("enforced", False), bool):
        yield f"{where}: enforced must be true or false"


def _role_problems(content: Mapping[str, Any]) -> Iterator[str]:
    known = {
        f"{name}:{action}"
        for name, given in content["resources"].items()
        if isinstance(given, dict) and _is_list(given.get("actions"))
        for action in given["actions"]
    }
    roles = content["roles"]
    for role in sorted(set(ROLES) - set(roles)):
        yield f"[roles] lacks {role}; write {role} = [] if it may do nothing"
    for role, rights in roles.items():
        if role not in ROLES:
            yield f"[roles] {role} is not one of {', '.join(ROLES)}; make groups of your own in the admin"
        elif rights != [] and not _is_list(rights):
            yield f"[roles] {role} must be a list of texts without doubles"
        else:
            yield from (f"[roles] {role}: no resource offers {right!r}" for right in rights if right not in known)


def _is_list(value: Any) -> bool:
    texts = isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
    return texts and len(set(value)) == len(value)
