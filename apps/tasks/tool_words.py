"""What the shipped image tools say in English, marked so that the words of a task come out in its language.

The tool server is a process of its own that knows no languages: it may run elsewhere, for anybody. Its sentences are
looked up on this side; one that is not listed is shown as it came.
"""

from django.utils.translation import gettext, gettext_noop, override

PROGRESS = (
    gettext_noop("Reading the photo"),
    gettext_noop("Finding the product"),
    gettext_noop("Refining edges"),
    gettext_noop("Cleaning the rim"),
    gettext_noop("Reading the picture"),
    gettext_noop("Working on the picture"),
    gettext_noop("Saving"),
    gettext_noop("Done"),
)

REFUSALS = (
    gettext_noop("The file is not a PNG, JPEG or WebP picture, or it is broken."),
    gettext_noop("The picture is too large: at most 64 megapixels can be worked on."),
    gettext_noop("The picture is broken or incomplete. Upload it again."),
    gettext_noop("The picture needs more memory than this server has. Use a smaller one."),
    gettext_noop("The picture is empty: all of it is transparent."),
    gettext_noop("There is no product in this picture that could cast a shadow. Cut it out first."),
    gettext_noop(
        "No product could be found in this picture. Use a photo where the product stands out from its background."
    ),
    gettext_noop("The picture could not be opened. Upload it again."),
    gettext_noop("The address does not name a file."),
    gettext_noop("The file is too large: at most 128 MB can be worked on."),
    gettext_noop("A picture is named by a file:// address in the server's folder."),
    gettext_noop("The address is not a plain path."),
    gettext_noop("There is no picture at this address. It may have expired."),
    gettext_noop("The address lies outside the server's folder."),
)


def in_language(words: str, language: str) -> str:
    """`words` of a tool in `language`, as far as they are known.

    The language is named because progress arrives on the tool session's own task, where no task's language is active.
    """
    with override(language):
        return gettext(words) if words else ""  # the catalogue answers "" with its own header
