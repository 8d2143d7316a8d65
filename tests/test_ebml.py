"""EBML's numbers and elements, against examples worked out by hand from RFC 8794 and by writing and reading back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool.media.matroska import ebml

LARGEST = (1 << 56) - 2
"""Eight bytes hold 56 bits, and all ones of them mean that the size is not known."""


@pytest.mark.parametrize(
    ("size", "encoded"),
    [
        (0, "80"),
        (1, "81"),
        (126, "fe"),
        (127, "407f"),  # ff would mean unknown
        (128, "4080"),
        (16382, "7ffe"),
        (16383, "203fff"),
        (LARGEST, "01fffffffffffffe"),
    ],
)
def test_a_size_takes_the_fewest_bytes(size: int, encoded: str) -> None:
    assert ebml.encode_size(size).hex() == encoded


@given(st.integers(0, LARGEST), st.integers(1, 8))
def test_a_size_reads_back_whatever_its_length(size: int, length: int) -> None:
    least = len(ebml.encode_size(size))
    encoded = ebml.encode_size(size, max(length, least))
    assert len(encoded) == max(length, least)
    assert ebml.read_header(b"\xa3" + encoded, 0) == (ebml.SIMPLE_BLOCK, size, 1 + len(encoded))


@pytest.mark.parametrize("length", range(1, 9))
def test_all_ones_mean_that_the_size_is_not_known(length: int) -> None:
    ones = ((1 << 7 * length + 1) - 1).to_bytes(length, "big")
    header = ebml.read_header(bytes.fromhex("1f43b675") + ones, 0)
    assert header == (ebml.CLUSTER, ebml.UNKNOWN_SIZE, 4 + length)


@pytest.mark.parametrize("data", ["1f43b67501ffffffffffffff", "a341e681", "e781"])
def test_a_header_that_is_cut_anywhere_has_to_wait(data: str) -> None:
    whole = bytes.fromhex(data)
    length = {"1f43b67501ffffffffffffff": 12, "a341e681": 3, "e781": 2}[data]
    for cut in range(len(whole)):
        assert (ebml.read_header(whole[:cut], 0) is None) == (cut < length)


@pytest.mark.parametrize("data", ["00ff", "08808080", "0f808080", "a300"])
def test_what_begins_no_number_is_refused_at_once(data: str) -> None:
    with pytest.raises(ValueError, match="no element"):
        ebml.read_header(bytes.fromhex(data), 0)


@given(st.binary(max_size=24), st.integers(0, 24))
def test_any_bytes_are_a_header_or_wait_or_are_refused(data: bytes, pos: int) -> None:
    try:
        header = ebml.read_header(data, pos)
    except ValueError:
        return
    if header is not None:
        element_id, size, body = header
        assert pos < body <= len(data)
        assert element_id > 0
        assert size >= ebml.UNKNOWN_SIZE


@pytest.mark.parametrize(
    ("value", "body"),
    [(0, "00"), (255, "ff"), (256, "0100"), ("webm", "7765626d"), (b"\0\1", "0001"), (1.5, "3ff8000000000000")],
)
def test_an_element_holds_its_value(value: bytes | int | float | str, body: str) -> None:
    element = ebml.element(ebml.DURATION, value)
    assert element.hex() == "4489" + f"{0x80 | len(body) // 2:02x}" + body


@given(st.lists(st.tuples(st.sampled_from([ebml.TIMESTAMP, ebml.CODEC_ID, ebml.CUES]), st.binary(max_size=300))))
def test_children_read_back(elements: list[tuple[int, bytes]]) -> None:
    body = b"".join(ebml.element(element_id, value) for element_id, value in elements)
    assert ebml.children(body) == elements


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
def test_a_cut_ends_the_children_and_takes_none_before_it(bodies: list[bytes], data: st.DataObject) -> None:
    elements = [ebml.element(ebml.CODEC_ID, body) for body in bodies]
    whole = b"".join(elements)
    cut = data.draw(st.integers(0, len(whole)))
    kept = [body for index, body in enumerate(bodies) if len(b"".join(elements[: index + 1])) <= cut]
    assert ebml.children(whole[:cut]) == [(ebml.CODEC_ID, body) for body in kept]


def test_a_child_of_unknown_size_holds_the_rest() -> None:
    assert ebml.children(bytes.fromhex("e1 ff b58101")) == [(ebml.AUDIO, bytes.fromhex("b58101"))]


@given(st.binary(max_size=60))
def test_children_of_anything_are_pieces_of_it(data: bytes) -> None:
    assert all(body in data for _, body in ebml.children(data))


@pytest.mark.parametrize(
    ("body", "value"),
    [(struct.pack(">f", 48_000), 48_000.0), (struct.pack(">d", 5.25), 5.25), (b"", 0.0), (b"\1\2\3", 0.0)],
)
def test_floats_come_in_two_sizes(body: bytes, value: float) -> None:
    assert ebml.read_float(body) == value
