from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.ingest.frames import MAGIC, Frame, frame_header, read_frames

FRAMES = st.lists(
    st.builds(Frame, st.sampled_from(["events", "quarantine"]), st.integers(0, 10_000), st.binary(max_size=60)), max_size=6
)


def written(frames: list[Frame]) -> bytes:
    return b"".join(frame_header(frame) + frame.payload for frame in frames)


@given(FRAMES)
def test_what_was_written_is_read_back(frames):
    content = read_frames(written(frames))
    assert content.frames == frames
    assert content.rest == 0 and not content.is_damaged


@given(FRAMES, st.data())
def test_any_truncation_yields_a_prefix_of_the_frames(frames, data):
    whole = written(frames)
    cut = data.draw(st.integers(0, len(whole)))
    content = read_frames(whole[:cut])
    assert content.frames == frames[: len(content.frames)]
    assert len(written(content.frames)) + content.rest == cut
    assert len(content.frames) == sum(len(written(frames[: number + 1])) <= cut for number in range(len(frames)))


@given(FRAMES.filter(bool), st.data())
def test_a_changed_byte_never_yields_a_frame_that_was_not_written(frames, data):
    whole = bytearray(written(frames))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    content = read_frames(bytes(whole))
    assert content.frames == frames[: len(content.frames)]
    assert len(content.frames) < len(frames)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_never_an_error(data):
    assert read_frames(data).rest <= len(data)


def test_a_break_with_frames_behind_it_is_told_from_a_torn_end():
    one, two = (Frame("events", 1, b'{"a":1}\n'), Frame("events", 1, b'{"a":2}\n'))
    torn = written([one, two])[:-3]
    assert not read_frames(torn).is_damaged
    damaged = bytearray(written([one, two, one]))
    damaged[len(written([one])) + len(written([two])) - 2] ^= 1
    assert read_frames(bytes(damaged)).is_damaged


def test_text_that_imitates_a_frame_stays_text():
    inner = written([Frame("events", 1, b"forged")])
    assert MAGIC in inner
    content = read_frames(written([Frame("events", 1, inner)])[:-1])
    assert content.frames == []
