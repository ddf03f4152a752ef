"""The gallery: ready features to start from. A template is a module here with a `TEMPLATE`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from apps.features.gallery.template import Template

__all__ = ["Template", "templates"]

# The order of the gallery: from what everybody understands to what needs a thought.
ORDER: Final = (
    "copywriter",
    "product_photo",
    "translate_review",
    "summarise",
    "image_caption",
    "extract",
    "moderate",
    "ask_human",
)


@cache
def templates() -> Mapping[str, Template]:
    """Every template by its key, in the order of the gallery."""
    found = {info.name for info in pkgutil.iter_modules(__path__)}
    modules = [importlib.import_module(f"{__name__}.{name}") for name in (*ORDER, *sorted(found - set(ORDER)))]
    made = [module.TEMPLATE for module in modules if hasattr(module, "TEMPLATE")]
    return MappingProxyType({template.key: template for template in made})
