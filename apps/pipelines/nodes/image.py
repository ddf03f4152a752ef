"""Image: one step on a picture, by the image tools that come with the product. Pictures go in and come out as ids.

Costs: nothing.
When it fails: a picture that cannot be read, or settings that do not fit: the step fails with the tool's words; a
lost tool process is started again.
After a kill: a recorded picture is used; one that was being made is made again.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.pipelines.nodes import tool_calls
from apps.pipelines.nodes.base import BaseNode, Needs, NodeConfig, NodeContext, NodeResult, Schema

SERVER: Final = "image-tools"
Operation = Literal["cut_out", "resize", "pad", "soft_shadow", "white_background", "convert"]
OPERATIONS: Final[frozenset[str]] = frozenset(get_args(Operation))
_PICTURE: Final = {"type": "string", "format": "uri", "contentMediaType": "image/*"}


class ImageConfig(NodeConfig):
    operation: Operation = Field(title=gettext_noop("Operation"))

    @property
    def address(self) -> str:
        return f"{SERVER}/{self.operation}"


class ImageNode(BaseNode):
    type = "image"
    label = _("Image")
    help = _("Changes a picture: cuts out, resizes, pads, lays a shadow, whitens, converts.")
    category = "tools"
    icon = "image"
    Config = ImageConfig
    effect = "read"  # every operation leaves its input alone and makes a new picture
    default_timeout = 120.0

    async def run(self, context: NodeContext) -> NodeResult:
        return NodeResult(await tool_calls.call(context, context.config.address, context.inputs))

    def accepts(self, config: ImageConfig, parts: Mapping[str, Any]) -> Schema:
        known = tool_calls.accepted(parts, config.address)
        return known or {"type": "object", "properties": {"image": _PICTURE}, "required": ["image"]}

    def produces(self, config: ImageConfig, parts: Mapping[str, Any]) -> Schema | None:
        return tool_calls.produced(parts, config.address) or {"type": "object", "properties": {"image": _PICTURE}}

    def needs(self, config: Mapping[str, Any]) -> Needs:
        operation = config.get("operation")
        return Needs(tools=frozenset({f"{SERVER}/{operation}"} if operation in OPERATIONS else ()))


NODE = ImageNode()
