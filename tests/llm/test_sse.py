"""Server-sent events, however the network cuts them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.llm.sse import EventReader


def events(*pieces: bytes) -> list[bytes]:
    reader = EventReader()
    found = [event for piece in pieces for event in reader.feed(piece)]
    last = reader.close()
    return found if last is None else [*found, last]


def test_an_event_ends_at_a_blank_line() -> None:
    assert events(b"data: one\n\ndata: two\n\n") == [b"one", b"two"]


def test_comments_blank_lines_and_other_fields_are_no_events() -> None:
    assert events(b": keep-alive\n\n\n\nevent: x\nid: 7\nretry: 3\n\ndata: one\n\n") == [b"one"]


def test_lines_may_end_with_crlf_and_the_space_may_be_missing() -> None:
    assert events(b"data:one\r\n\r\ndata: two\r\n\r\n") == [b"one", b"two"]


def test_data_in_several_lines_is_joined() -> None:
    assert events(b"data: {\ndata: }\n\n") == [b"{\n}"]


def test_an_event_without_its_closing_blank_line_is_not_lost() -> None:
    assert events(b"data: one\n\ndata: two\n") == [b"one", b"two"]
    assert events(b"data: one\n\ndata: two") == [b"one", b"two"]


def test_nothing_gives_nothing() -> None:
    assert events() == []
    assert events(b"", b"\n", b": bye") == []


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), st.data())
def test_any_cut_gives_the_same_events(text: str, data: st.DataObject) -> None:
    stream = b"data: " + text.encode() + b"\n\n: x\n\ndata: end\n\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert events(*pieces) == [event for event in (text.encode(), b"end") if event] or not text
