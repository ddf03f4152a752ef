"""How the state of a tool is shown."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.mcp.models import Tool


def tag(kind: str, words: object, title: str = "") -> SafeString:
    """A coloured word for lists, where the colours of our pages are not at hand by themselves."""
    text = '<span class="pb"><span><span class="pb-tag pb-tag--{}" title="{}">{}</span></span></span>'
    return format_html(text, kind, title, words)


def tool_state(tool: Tool) -> SafeString:
    """One tag: gone, changed, allowed, or waiting for somebody to look."""
    if tool.is_gone:
        kind, words = "removed", _("gone")
    elif tool.allowed and tool.is_changed:
        kind, words = "problem", _("changed, blocked")
    elif tool.allowed:
        kind, words = "live", _("allowed")
    else:
        kind, words = "waiting", _("not allowed")
    return tag(kind, words)
