"""What can happen on the way to a server and back. None of them says a word of what was sent."""


class ServerUnreachable(ConnectionError):
    """No connection: the name is unknown, nobody listens, or the certificate is refused. The cause is chained."""


class NameUnknown(ServerUnreachable):
    """No name server knows the host."""


class AnswerCut(ConnectionError):
    """The server went away before its answer was whole."""


class AnswerMalformed(ConnectionError):
    """What came is not HTTP, or not within the limits of this client."""
