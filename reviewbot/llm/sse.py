"""Server-sent events out of bytes that arrive in any pieces.

Works on bytes throughout, so that a character cut in two by the network is whole again before anybody
decodes it. Comments (keep-alives), blank lines, CRLF and data in several lines are as the standard says.
"""

from collections.abc import Iterator


class EventReader:
    """Feed it bytes; it gives the data of each event that became complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take in what arrived, and yield the data of complete events."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if not line:
                if self._data:
                    yield b"\n".join(self._data)
                    self._data.clear()
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])

    def close(self) -> bytes | None:
        """Give the data of an event whose closing blank line never came, or None."""
        if self._rest.startswith(b"data:"):
            self._data.append(self._rest[5:].strip())
        data = b"\n".join(self._data)
        self._rest, self._data = b"", []
        return data or None
