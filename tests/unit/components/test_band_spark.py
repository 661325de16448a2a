from __future__ import annotations

from components import spark_shape


def test_the_line_has_a_hole_where_nothing_was_counted_and_marks_only_what_was() -> None:
    shape = spark_shape([1, None, 3, 4], [None] * 4, [None] * 4, [True, True, False, True], label="x")
    assert shape.line.count("M") == 2 and shape.band == ""
    assert shape.marks.count("M") == 2


def test_the_range_is_one_closed_shape_per_stretch_and_never_reaches_below_zero() -> None:
    shape = spark_shape([5, 5, 5], [-4.0, 1.0, 1.0], [9.0, 9.0, 9.0], [False] * 3, label="x")
    assert shape.band.count("z") == 1
    heights = [float(step.split(" ")[1]) for step in shape.band.strip("Mz").replace("M", "L").split("L")]
    assert max(heights) <= 28.0 and min(heights) >= 2.0


def test_a_bucket_alone_is_a_dot_and_nothing_at_all_is_nothing() -> None:
    assert spark_shape([None, 7, None], [None] * 3, [None] * 3, [False] * 3, label="x").line.count("L") == 1
    assert spark_shape([], [], [], [], label="x").line == ""
    assert spark_shape([0, 0], [None] * 2, [None] * 2, [False] * 2, label="x").line == "M2.0 28.0L118.0 28.0"
