"""Wireframes of the demo shop's checkout, drawn rather than shipped."""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

_SIZE = (720, 520)
_INK, _LINE, _PALE, _ACCENT = "#1f2937", "#cbd5e1", "#f1f5f9", "#0f766e"


class Wireframe(NamedTuple):
    """A form: the file it is kept as, its heading, the labels of its lines, and what its button says."""

    filename: str
    heading: str
    labels: tuple[str, ...]
    button: str


WIREFRAMES = (
    Wireframe(
        "checkout-form.png", "Delivery", ("Name", "Street and number", "Postcode and town", "Country"), "Continue to payment"
    ),
    Wireframe("checkout-payment.png", "Payment", ("Card number", "Valid until", "Security code"), "Place the order"),
)


def draw_form(form: Wireframe) -> bytes:
    """A PNG of a form in the shop's checkout. The same form gives the same picture."""
    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, _SIZE[0], 56), fill=_PALE)
    draw.text((32, 16), "Juniper Lane", fill=_INK, font=_font(20))
    draw.text((32, 80), form.heading, fill=_INK, font=_font(26))
    for number, label in enumerate(form.labels):
        top = 130 + 76 * number
        draw.text((32, top), label, fill=_INK, font=_font(15))
        draw.rounded_rectangle((32, top + 22, 430, top + 60), 6, outline=_LINE, width=2)
    draw.rounded_rectangle((470, 130, 688, 330), 8, fill=_PALE)
    draw.text((490, 146), "Your basket", fill=_INK, font=_font(17))
    for number in range(3):
        draw.rectangle((490, 186 + 36 * number, 600, 198 + 36 * number), fill=_LINE)
        draw.rectangle((634, 186 + 36 * number, 668, 198 + 36 * number), fill=_LINE)
    draw.rounded_rectangle((32, 452, 290, 498), 6, fill=_ACCENT)
    draw.text((52, 464), form.button, fill="white", font=_font(18))
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
