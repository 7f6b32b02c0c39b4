"""One answer on its way, where the one who asked takes nothing of it, or something breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reviewbot.domain.prompt import Completion
from reviewbot.errors import ProviderError
from reviewbot.gateway.answering import Answering, Left, Message
from reviewbot.gateway.refusing import Refused
from reviewbot.llm.orders import Relayed
from reviewbot.llm.ports import Listen
from reviewbot.llm.tape import Tape

WHOLE = Relayed(completion=Completion(text="whole", finish_reason="stop", model="m"), source="miss")
Ask = Callable[[Listen], Awaitable[Relayed]]


class Connection:
    """A client as ASGI shows it."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.blocked = asyncio.Event()
        self.blocked.set()
        self.leaving: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        return await self.leaving.get()

    async def send(self, message: Message) -> None:
        await self.blocked.wait()
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def answer(ask: Callable[[Connection, Listen], Awaitable[Relayed]], stall_s: float = 60.0) -> tuple[Connection, Any]:
    """Answer, and give what was sent and what came of it."""

    async def work() -> tuple[Connection, Any]:
        connection = Connection()
        clock = asyncio.get_running_loop().time
        answering = Answering(connection.receive, connection.send, {"x-request-id": "1"}, clock, stall_s)
        try:
            return connection, await answering.answer(lambda listen: ask(connection, listen))
        except Exception as error:  # noqa: BLE001 - it is what is looked at
            return connection, error

    return asyncio.run(work())


async def streamed(tape: Tape, *pieces: bytes) -> None:
    tape.begin("text/event-stream")
    for piece in pieces:
        tape.write(piece)
        await asyncio.sleep(0)


def test_an_answer_that_came_whole_has_its_length() -> None:
    async def ask(_: Connection, listen: Listen) -> Relayed:
        del listen
        return WHOLE

    connection, relayed = answer(ask)
    assert (b"whole", b"5", b"application/json", b"miss") == (
        connection.body,
        connection.headers[b"content-length"],
        connection.headers[b"content-type"],
        connection.headers[b"x-reviewbot-cache"],
    )
    assert WHOLE is relayed


def test_a_call_of_another_process_is_heard_whole_though_there_is_a_tape() -> None:
    async def ask(_: Connection, listen: Listen) -> Relayed:
        tape = Tape()
        listen(tape, False)
        await asyncio.sleep(0)
        tape.close()
        return WHOLE

    assert b"whole" == answer(ask)[0].body


@pytest.mark.parametrize("content_type", ["text/\r\nevent-stream", "text/événement"])
def test_a_content_type_that_is_no_header_does_not_become_one(content_type: str) -> None:
    async def ask(_: Connection, listen: Listen) -> Relayed:
        tape = Tape()
        listen(tape, True)
        tape.begin(content_type)
        tape.write(b"x")
        tape.close()
        return WHOLE

    connection, _ = answer(ask)
    assert (b"application/json", b"joined") == (
        connection.headers[b"content-type"],
        connection.headers[b"x-reviewbot-cache"],
    )


def test_who_takes_nothing_for_long_is_given_up() -> None:
    cancelled: list[bool] = []

    async def ask(connection: Connection, listen: Listen) -> Relayed:
        tape = Tape()
        listen(tape, False)
        await streamed(tape, b"a")
        await asyncio.sleep(0.01)
        connection.blocked.clear()
        await streamed(tape, b"b")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        raise AssertionError

    connection, error = answer(ask, stall_s=0.05)
    assert (Left, [True], b"a") == (type(error), cancelled, connection.body)


def test_who_just_listens_to_a_slow_provider_is_not() -> None:
    async def ask(_: Connection, listen: Listen) -> Relayed:
        tape = Tape()
        listen(tape, False)
        await streamed(tape, b"a")
        await asyncio.sleep(0.2)  # four times as long as a reader may take nothing
        await streamed(tape, b"b")
        tape.close()
        return WHOLE

    connection, relayed = answer(ask, stall_s=0.05)
    assert (WHOLE, b"ab") == (relayed, connection.body)


def test_who_leaves_is_not_asked_for_any_more() -> None:
    async def ask(connection: Connection, listen: Listen) -> Relayed:
        listen(Tape(), False)
        connection.leaving.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        connection.leaving.put_nowait({"type": "http.disconnect"})
        await asyncio.Event().wait()
        raise AssertionError

    connection, error = answer(ask)
    assert (Left, []) == (type(error), connection.sent)


def test_an_error_before_the_first_piece_is_a_refusal() -> None:
    async def ask(_: Connection, listen: Listen) -> Relayed:
        tape = Tape()
        listen(tape, False)
        tape.close()
        message = "nobody there"
        raise ProviderError(message)

    connection, error = answer(ask)
    assert isinstance(error, Refused)
    assert (502, []) == (error.refusal.status, connection.sent)


def test_an_error_after_it_is_the_streams_last_event() -> None:
    async def ask(_: Connection, listen: Listen) -> Relayed:
        tape = Tape()
        listen(tape, False)
        await streamed(tape, b"data: 1\n\n")
        tape.close()
        message = "broke off"
        raise ProviderError(message)

    connection, error = answer(ask)
    assert isinstance(error, ProviderError)
    assert connection.body.startswith(b'data: 1\n\ndata: {"error": {"message": "broke off"')
    assert not connection.sent[-1]["more_body"]
