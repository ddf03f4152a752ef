"""Every route of the management API of prompts."""

from apps.prompts.api import cases, drafts, preview, versions

# Words before keys: `prompts/words` is no prompt called "words".
urlpatterns = [
    *preview.urlpatterns,
    *cases.urlpatterns,
    *versions.urlpatterns,
    *drafts.urlpatterns,
]
