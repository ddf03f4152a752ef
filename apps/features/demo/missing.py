"""What `seed` would create. Only reads."""

from collections.abc import Iterable

from apps.accounts.models import User
from apps.core.publishing.services import live_versions
from apps.features.demo import copywriter, product_photo, shop_thumbnail
from apps.features.demo.seed import DEMO_USERS, GROUPS, RELEASED
from apps.features.models import Feature, MenuGroup
from apps.features.publishing import SCOPE
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint

DEMOS = (product_photo, copywriter, shop_thumbnail)


def missing(*, admin_password: str = "", demo_password: str = "") -> dict[str, list[str]]:
    """What is not there yet, by kind, and whose password would become the given one."""
    wanted = {"admin": admin_password, **dict.fromkeys(DEMO_USERS, demo_password)}
    people = {user.username: user for user in User.objects.filter(username__in=wanted)}
    tools = Tool.objects.filter(server__key="image-tools", allowed=True).exists()
    return {
        "users": _absent(wanted, people),
        "passwords": [name for name, user in people.items() if wanted[name] and not user.check_password(wanted[name])],
        "endpoints": _absent(("mock", "openai"), Endpoint.objects.values_list("key", flat=True)),
        "tool servers": _absent(("image-tools",), Server.objects.values_list("key", flat=True)),
        "allowed tools": [] if tools else ["image-tools"],
        "menu groups": _absent(GROUPS, MenuGroup.objects.values_list("key", flat=True)),
        "prompts": _absent((copywriter.PROMPT["key"],), Prompt.objects.values_list("key", flat=True)),
        "pipelines": _absent((demo.PIPELINE["key"] for demo in DEMOS), Pipeline.objects.values_list("key", flat=True)),
        "features": _absent((demo.FEATURE["key"] for demo in DEMOS), Feature.objects.values_list("key", flat=True)),
        "releases": _absent(RELEASED, live_versions(SCOPE)),
    }


def _absent(wanted: Iterable[object], there: Iterable[str]) -> list[str]:
    found = set(there)
    return [str(key) for key in wanted if key not in found]
