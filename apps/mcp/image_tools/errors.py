"""The one error of this server whose text a person reads."""


class ImageToolError(Exception):
    """A picture or an argument that cannot be worked with; the text says what to do instead.

    Anything else that escapes is a crash: the client then sees only that the tool failed, and the
    traceback goes to this process's stderr.
    """
