"""Who sees which field of a form or a result: `"x-roles": ["admin"]` in a property hides it from everybody else.

One rule for front ends, for what a task takes and for what its owner reads of it. A rule that cannot be read hides
the field from all. Properties are found behind local `$ref`s and in `allOf`, `anyOf`, `oneOf`, `then` and `else`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

RULE = "x-roles"
_SAME = ("allOf", "anyOf", "oneOf")  # lists of schemas about the same value
_BRANCHES = ("if", "then", "else", "not")  # single schemas about the same value
_INNER = ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames")
_INNER_MAPS = ("$defs", "definitions", "patternProperties")

Schema = Mapping[str, Any]


def visible_schema(schema: Any, roles: frozenset[str]) -> Any:
    """`schema` as somebody with `roles` may know it: without hidden fields, whatever names them, and `x-roles`.

    A condition (`if`) on a hidden field goes with its branches: the reader could not meet it.
    """
    if not _has_rule(schema):
        return schema
    pruned = _View(schema, roles, sealed=False).of(schema, frozenset())
    return _without_orphans(pruned)


def sealed_schema(schema: Any, roles: frozenset[str]) -> Any:
    """The same for judging what was sent: a hidden field is there and accepts no value, not even where others may."""
    return _View(schema, roles, sealed=True).of(schema, frozenset()) if _has_rule(schema) else schema


def visible_ui(ui: Any, schema: Any, roles: frozenset[str]) -> Any:
    """The uiSchema of `visible_schema(schema, roles)`."""
    return _ui(ui, schema, schema, roles) if _has_rule(schema) else ui


def visible_values(values: Any, schema: Any, roles: frozenset[str]) -> Any:
    """`values` that fit `schema`, without those of hidden fields."""
    return _values(values, schema, schema, roles) if _has_rule(schema) else values


def named_roles(schema: Any) -> frozenset[str]:
    """Every role that a rule in `schema` names."""
    return frozenset(
        role for rule in _rules(schema) if isinstance(rule, list) for role in rule if isinstance(role, str)
    )


def broken_rules(schema: Any) -> list[Any]:
    """The rules in `schema` that cannot be read."""
    return [r for r in _rules(schema) if not (isinstance(r, list) and r and all(isinstance(n, str) for n in r))]


def _rules(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if RULE in value:
            yield value[RULE]
        for inner in value.values():
            yield from _rules(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _rules(inner)


def _has_rule(value: Any) -> bool:
    return any(True for _rule in _rules(value))


# --- what a schema says of one value ----------------------------------------------------------


def _parts(schema: Any, root: Any, seen: frozenset[int] = frozenset()) -> Iterator[Schema]:
    """`schema` and every schema that speaks of the same value."""
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return
    seen |= {id(schema)}
    yield schema
    inner = [_resolved(schema, root), *(schema.get(k) for k in ("then", "else"))]
    inner += [s for k in _SAME if isinstance(schema.get(k), list) for s in schema[k]]
    for part in inner:
        yield from _parts(part, root, seen)


def _resolved(schema: Schema, root: Any) -> Any:
    """What a local `$ref` points to."""
    pointer = schema.get("$ref")
    if not isinstance(pointer, str) or not pointer.startswith("#/"):
        return None
    found = root
    for step in pointer[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _fields(schema: Any, root: Any) -> Iterator[tuple[str, Any]]:
    for part in _parts(schema, root):
        properties = part.get("properties")
        if isinstance(properties, Mapping):
            yield from properties.items()


def _hidden(schema: Any, root: Any, roles: frozenset[str]) -> frozenset[str]:
    """The names that `schema` hides at its own level; one rule against them is enough."""
    return frozenset(name for name, field in _fields(schema, root) if not _may_see(field, root, roles))


def _may_see(field: Any, root: Any, roles: frozenset[str]) -> bool:
    return all(_allows(part[RULE], roles) for part in _parts(field, root) if RULE in part)


def _allows(rule: Any, roles: frozenset[str]) -> bool:
    return isinstance(rule, list) and any(role in roles for role in rule if isinstance(role, str))


# --- the schema without them ------------------------------------------------------------------


class _View:
    """One walk over a schema for one reader."""

    def __init__(self, root: Any, roles: frozenset[str], *, sealed: bool) -> None:
        self.root, self.roles, self.sealed = root, roles, sealed

    def of(self, schema: Any, hidden: frozenset[str]) -> Any:
        """`schema` for a value of which `hidden` are not to be known."""
        if not isinstance(schema, Mapping):
            return schema
        hidden |= _hidden(schema, self.root, self.roles)
        asks = any(name in hidden for name in _asked(schema.get("if")))
        skipped = {RULE, *(("if", "then", "else") if asks else ())}
        return {k: self._keyword(k, v, hidden) for k, v in schema.items() if k not in skipped}

    def _keyword(self, keyword: str, value: Any, hidden: frozenset[str]) -> Any:
        if keyword in _BRANCHES:
            return self.of(value, hidden)
        if keyword in _INNER:
            return self.of(value, frozenset())
        if isinstance(value, list):
            return self._list(keyword, value, hidden)
        return self._map(keyword, value, hidden) if isinstance(value, Mapping) else value

    def _list(self, keyword: str, value: list[Any], hidden: frozenset[str]) -> list[Any]:
        if keyword in _SAME:
            return [self.of(part, hidden) for part in value]
        if keyword == "prefixItems":
            return [self.of(part, frozenset()) for part in value]
        if keyword == "required":
            return [name for name in value if name not in hidden]
        return [_bare(one, hidden) for one in value] if keyword in ("examples", "enum") else value

    def _map(self, keyword: str, value: Schema, hidden: frozenset[str]) -> Any:
        if keyword == "properties":
            return self._properties(value, hidden)
        if keyword in _INNER_MAPS:
            return {name: self._definition(part) for name, part in value.items()}
        if keyword == "dependentSchemas":
            return {name: self.of(part, hidden) for name, part in value.items() if name not in hidden}
        if keyword == "dependentRequired":
            return {name: self._list("required", needs, hidden) for name, needs in value.items() if name not in hidden}
        return _bare(value, hidden) if keyword in ("default", "const") else value

    def _properties(self, value: Schema, hidden: frozenset[str]) -> dict[str, Any]:
        shown = {name: self.of(field, frozenset()) for name, field in value.items() if name not in hidden}
        return {**shown, **dict.fromkeys(hidden & set(value), False)} if self.sealed else shown

    def _definition(self, part: Any) -> Any:
        """A definition that is itself hidden says nothing; what refers to it must still find it."""
        return self.of(part, frozenset()) if self.sealed or _may_see(part, self.root, self.roles) else {}


def _asked(condition: Any) -> Iterator[str]:
    """The names an `if` looks at."""
    if isinstance(condition, Mapping):
        properties, required = condition.get("properties"), condition.get("required")
        yield from properties if isinstance(properties, Mapping) else ()
        yield from required if isinstance(required, list) else ()
        for part in (part for k in _SAME if isinstance(condition.get(k), list) for part in condition[k]):
            yield from _asked(part)
        yield from _asked(condition.get("not"))


def _bare(value: Any, hidden: frozenset[str]) -> Any:
    """A literal object without the hidden names."""
    return {k: v for k, v in value.items() if k not in hidden} if isinstance(value, Mapping) else value


def _without_orphans(schema: Any) -> Any:
    """Drop definitions that only hidden fields referred to."""
    for place in ("$defs", "definitions"):
        while isinstance(schema, Mapping) and isinstance(schema.get(place), Mapping):
            wanted = set(_references(schema))
            kept = {n: part for n, part in schema[place].items() if any(_leads_to(w, place, n) for w in wanted)}
            if len(kept) == len(schema[place]):
                break
            schema = {**schema, place: kept}
    return schema


def _leads_to(reference: str, place: str, name: str) -> bool:
    path = f"#/{place}/{name.replace('~', '~0').replace('/', '~1')}"
    return reference == path or reference.startswith(f"{path}/")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


# --- what goes with the schema ----------------------------------------------------------------


def _ui(ui: Any, schema: Any, root: Any, roles: frozenset[str]) -> Any:
    if not isinstance(ui, Mapping):
        return ui
    hidden, fields = _hidden(schema, root, roles), dict(_fields(schema, root))
    shown = {}
    for name, value in ui.items():
        if name in hidden:
            continue
        inner = fields.get(name) if name in fields else _items(schema, root) if name == "items" else None
        shown[name] = _ui(value, inner, root, roles) if inner is not None else value
    if isinstance(shown.get("ui:order"), list):
        shown["ui:order"] = [name for name in shown["ui:order"] if name not in hidden]
    return shown


def _values(values: Any, schema: Any, root: Any, roles: frozenset[str]) -> Any:
    if isinstance(values, Mapping):
        hidden, fields = _hidden(schema, root, roles), dict(_fields(schema, root))
        return {n: _values(v, fields.get(n), root, roles) for n, v in values.items() if n not in hidden}
    if isinstance(values, list):
        items = _items(schema, root)
        return [_values(value, items, root, roles) for value in values]
    return values


def _items(schema: Any, root: Any) -> Any:
    return next((part["items"] for part in _parts(schema, root) if "items" in part), None)
