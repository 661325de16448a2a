"""Places on the map: where dots stand, how large they are, and ways across the date line and the poles."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from components.map_data import HEIGHT, TOP, Spot, place_data, route_data, world_data


def numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"-?[\d.]+", text)]


def test_the_middle_of_the_world_stands_in_the_middle_of_the_map():
    [dot] = world_data([Spot(90 - (TOP + HEIGHT / 2), 0)], summary="").dots
    assert (dot.left, dot.top) == ("50.00%", "50.00%")


def test_dots_grow_with_the_root_of_their_weight_and_small_ones_come_last():
    dots = world_data([Spot(0, 0, weight=1), Spot(0, 10, weight=100), Spot(0, 20, weight=25)], summary="").dots
    assert [dot.size for dot in dots] == ["34px", "20px", "10px"]


def test_a_map_without_places_has_no_dots():
    assert world_data([], summary="none").dots == []


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (Spot(40.7, -74.0), Spot(51.5, -0.1)),
        (Spot(35.7, 139.7), Spot(37.8, -122.4)),
        (Spot(-36.8, 174.8), Spot(-13.8, -171.8)),
        (Spot(78.2, 15.6), Spot(71.3, -156.8)),
        (Spot(51.5, -0.1), Spot(51.5, -0.1)),
        (Spot(0, 0), Spot(0, 180)),
        (Spot(90, 0), Spot(-90, 0)),
    ],
)
def test_a_way_is_whole_within_its_part_of_the_map(start, stop):
    view = route_data(start, stop, summary="")
    left, top, width, height = numbers(view.view_box)
    way = numbers(view.route.replace("L", " "))
    xs, ys = way[::2], way[1::2]
    assert left <= min(xs) and max(xs) <= left + width
    assert all(abs(after - before) <= 180.5 for before, after in pairwise(xs))
    assert width / height >= 2.05 and height <= HEIGHT
    if abs(start.latitude) < 75:
        assert top <= min(ys) and max(ys) <= top + height
    assert all(0 <= float(dot.left.rstrip("%")) <= 100 for dot in view.dots)


def test_the_way_over_the_pacific_goes_over_the_edge_instead_of_back_around():
    xs = numbers(route_data(Spot(35.7, 139.7), Spot(37.8, -122.4), summary="").route.replace("L", " "))[::2]
    assert xs[0] < 360 < xs[-1] < 460


def test_labels_stand_on_the_side_that_has_room():
    start, stop = route_data(Spot(40.7, -74.0, label="New York"), Spot(51.5, -0.1, label="London"), summary="").dots
    assert (start.side, stop.side) == ("right", "left")


def test_one_place_is_shown_with_its_surroundings():
    view = place_data(Spot(51.5, -0.1, label="London"), summary="London")
    left, _, width, _ = numbers(view.view_box)
    assert left < 179.9 < left + width and width < 90
    assert view.route == ""
