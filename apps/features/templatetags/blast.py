"""`{% blast_radius feature %}`: the section "Who is touched" of the publish page."""

from typing import Any

from django import template

from apps.features.blast import blast
from apps.features.models import Feature

register = template.Library()


@register.inclusion_tag("admin/features/blast.html")
def blast_radius(feature: Feature) -> dict[str, Any]:
    """Whom a release of the feature's draft reaches, and what it leaves alone."""
    return {"blast": blast(feature.key)}
