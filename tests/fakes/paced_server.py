"""A model server that sends what it is told, when it is told, and notices who leaves."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

PATIENCE_S = 20.0


def event(content: str, finish: str | None = None, **more: object) -> bytes:
    """Spell an event of a stream."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return b"data: " + json.dumps({"model": "m", "choices": [choice]} | more).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Turn:
    """One request, and its answer in the making."""

    def __init__(self, connection: socket.socket, body: dict[str, Any]) -> None:
        self.body = body
        self.left = threading.Event()
        """Set when whoever asked has closed the connection."""
        self._connection = connection
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """Send the head of a stream."""
        head = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        self._send(b"HTTP/1.1 200 OK\r\n" + head)

    def send(self, *pieces: bytes) -> None:
        """Send pieces, each in a chunk."""
        for piece in pieces:
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self) -> None:
        """End the answer."""
        self._send(b"0\r\n\r\n")

    def cut(self) -> None:
        """Break off."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes) -> None:
        with suppress(OSError):
            self._connection.sendall(data)

    def _watch(self) -> None:
        with suppress(OSError):
            while self._connection.recv(4_096):
                pass
        self.left.set()


class PacedServer:
    """Each request is a `Turn` for the test to take."""

    def __init__(self) -> None:
        self.turns: queue.Queue[Turn] = queue.Queue()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def turn(self) -> Turn:
        """Wait for the next request."""
        return self.turns.get(timeout=PATIENCE_S)

    def begin_next(self, *pieces: bytes) -> None:
        """Begin the answer to the next request, whenever it comes; the turn is still to be taken."""

        def begin() -> None:
            turn = self.turn()
            turn.begin()
            turn.send(*pieces)
            self.turns.put(turn)

        threading.Thread(target=begin, daemon=True).start()

    def close(self) -> None:
        # Closing alone does not wake a thread that accepts.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in data:
                data += _some(connection)
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            while len(body) < length:
                body += _some(connection)
            self.turns.put(Turn(connection, json.loads(body)))


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise OSError
    return data


@contextmanager
def paced() -> Iterator[PacedServer]:
    """Run a server for the length of a block."""
    server = PacedServer()
    try:
        yield server
    finally:
        server.close()
