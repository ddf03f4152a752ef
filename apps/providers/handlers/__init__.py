"""Handlers by key: every module in this folder that defines `HANDLER` is one."""

import importlib
import pkgutil
from functools import lru_cache

from apps.providers.types import Handler


@lru_cache(maxsize=1)
def handlers() -> dict[str, Handler]:
    """All handlers by key."""
    found: dict[str, Handler] = {}
    for module in pkgutil.iter_modules(__path__):
        handler: Handler = importlib.import_module(f"{__name__}.{module.name}").HANDLER
        found[handler.key] = handler
    return found
