"""A map of the world that comes from this instance alone: land and a grid as drawings, dots as elements above them."""

from __future__ import annotations

from typing import Any

import reflex as rx

LAND = "/world.svg#land"
# Every 30 degrees, over the map and its repetitions on both sides.
_GRID = "".join(f"M{x} 0v180" for x in range(-360, 721, 30)) + "".join(f"M-360 {y}h1080" for y in range(30, 151, 30))


def world_map(view: Any) -> rx.Component:
    """The map of a Var of `components.map_data.MapData`. A table beside it should hold the same figures."""
    return rx.el.div(
        rx.el.svg(
            rx.el.svg.path(d=_GRID, class_name="map-grid"),
            # A way across the date line needs the land again beside the edge.
            *[rx.el.svg.use(href=LAND, x=str(x), class_name="map-land") for x in (-360, 0, 360)],
            rx.el.svg.path(d=view.route, class_name="map-route"),
            view_box=view.view_box,
            aria_hidden="true",
            custom_attrs={"preserveAspectRatio": "xMidYMid slice"},
        ),
        rx.foreach(
            view.dots,
            lambda dot: rx.el.span(
                rx.cond(dot.label != "", rx.el.span(dot.label, class_name="map-label"), rx.fragment()),
                class_name=f"map-dot map-{dot.tone} map-side-{dot.side}",
                style={"left": dot.left, "top": dot.top, "--size": dot.size},
                title=dot.tip,
            ),
        ),
        role="img",
        aria_label=view.summary,
        class_name="map",
        style={"aspectRatio": view.aspect},
    )
