"""Where an export comes from: documents, with what cannot be seen in them."""

from dataclasses import dataclass, field

from apps.features.files.kinds import FEATURES, KINDS, Documents
from apps.features.files.problems import FileProblem
from apps.mcp.models import Tool


@dataclass(frozen=True)
class Source:
    """Documents by folder and key; the hashes of the tools that each feature may use; what should be said of them."""

    documents: Documents
    hashes: dict[str, dict[str, str]]
    warnings: list[FileProblem] = field(default_factory=list)


def drafts() -> Source:
    """Every draft, with the tools as they are approved now."""
    documents: Documents = {kind.folder: {row.key: kind.document(row) for row in kind.rows()} for kind in KINDS}
    tools = Tool.objects.filter(allowed=True).select_related("server")
    hashes = {tool.address: tool.sha256 for tool in tools}
    return Source(documents, dict.fromkeys(documents[FEATURES.folder], hashes))
