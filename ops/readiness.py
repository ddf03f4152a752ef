"""Asks the web process whether everything behind it works, without ever blocking the supervisor."""

from __future__ import annotations

import socket
import time
from typing import Final

PATH: Final = "/readyz"
ANSWER_SECONDS: Final = 5.0
REMIND_SECONDS: Final = 30.0


class Readiness:
    """Poll it from a loop until it says True; `complaint()` tells now and then what the answer was."""

    def __init__(self, host: str, port: int) -> None:
        self.address = ({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)
        self.last_answer = "no answer yet"
        self._connection: socket.socket | None = None
        self._answer = b""
        self._asked = 0.0
        self._reminded = time.monotonic()

    def poll(self) -> bool:
        """Take one small step; True once the answer is 200."""
        if self._connection is None:
            self._ask()
            return False
        try:
            chunk = self._connection.recv(65_536)
        except BlockingIOError:
            if time.monotonic() - self._asked > ANSWER_SECONDS:
                self._hang_up("no answer in time")
            return False
        except OSError as error:
            self._hang_up(str(error))
            return False
        self._answer += chunk
        if chunk:
            return False
        status = self._answer.split(b" ", 2)[1:2]
        self._hang_up(self._answer.decode("utf-8", "replace").replace("\r\n\r\n", "\n").splitlines()[-1:])
        return status == [b"200"]

    def complaint(self) -> str:
        """The last answer when it has been a while since the last complaint, otherwise nothing."""
        if time.monotonic() - self._reminded < REMIND_SECONDS:
            return ""
        self._reminded = time.monotonic()
        return f"Still not ready; {PATH} says: {self.last_answer}"

    def _ask(self) -> None:
        self._answer, self._asked = b"", time.monotonic()
        try:
            self._connection = socket.create_connection(self.address, timeout=0.2)
            self._connection.sendall(f"GET {PATH} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            self._connection.setblocking(False)
        except OSError as error:
            self._hang_up(str(error))

    def _hang_up(self, answer: str | list[str]) -> None:
        self.last_answer = answer if isinstance(answer, str) else "".join(answer)[:500]
        if self._connection is not None:
            self._connection.close()
            self._connection = None
