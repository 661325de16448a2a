"""What the demo shop's plan says beyond names: fields, values, variables, notes about events, and what was discussed.

Pure data; everything here agrees with the records that `shop_events` draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.demo.shop_events import CARRIERS, FAILURES, METHODS, PRODUCTS
from app.demo.story import DECLINE_DAYS, SILENT_DAYS
from app.demo.visitors import COUNTRIES, DEVICES, NEWEST_DAYS
from app.plan.drafts import FieldDraft, MetaFieldDraft
from app.plan.vocabulary import FieldType, MetaFieldType, Sensitivity, ValueKind, VariableType

_ORDER_ID = "^JL-[0-9]{6}$"


def _text(name: str, label: str, description: str, *, is_required: bool = False, regex: str | None = None) -> FieldDraft:
    return FieldDraft(name, label, FieldType.STRING, is_required, description=description, contract_regex=regex)


def _choice(name: str, label: str, description: str, options: tuple[str, ...], *, is_required: bool = False) -> FieldDraft:
    return FieldDraft(name, label, FieldType.ENUM, is_required, options, description)


def _number(name: str, label: str, description: str, low: float | None = None, high: float | None = None) -> FieldDraft:
    return FieldDraft(name, label, FieldType.NUMBER, description=description, contract_min_value=low, contract_max_value=high)


def _money(name: str, label: str, description: str, *, is_required: bool = False) -> FieldDraft:
    return FieldDraft(
        name,
        label,
        FieldType.NUMBER,
        is_required,
        description=description,
        sensitivity=Sensitivity.FINANCIAL,
        contract_min_value=0,
        contract_max_bad_rate=0.001,
    )


_COUNTRY_FIELD = _choice("country", "Country", "Where the customer is or the order goes, two letters.", COUNTRIES)
_BROWSER_FIELDS = (
    _choice("device", "Device", "What the visitor holds, as the browser reports it.", DEVICES),
    _text("app_version", "Shop release", "The release of the shop that the visitor sees.", regex="^[0-9]+[.][0-9]+[.][0-9]+"),
)

FIELDS: Mapping[str, tuple[FieldDraft, ...]] = {
    "storefront": (
        *_BROWSER_FIELDS,
        _COUNTRY_FIELD,
        _text("path", "Path", "Path of the page, without query and fragment.", regex="^/"),
        _text("product", "Product", "Name of the product as the shop shows it."),
        _number("price", "Price", "Price of one piece in euros, taxes included.", 0),
        FieldDraft(
            "query",
            "Search words",
            FieldType.STRING,
            description="What was typed, trimmed and in small letters. People type names and addresses, so treat it as personal.",
            sensitivity=Sensitivity.PII,
        ),
        _number("result_count", "Results", "How many products were found.", 0),
        _text("code", "Coupon code", "The code as it was accepted.", regex="^[A-Z]+[0-9]*$"),
        _money("discount", "Discount", "What the coupon takes off the basket, in euros."),
    ),
    "checkout": (
        _text("product", "Product", "Name of the product as the shop shows it."),
        _number("quantity", "Quantity", "How many pieces were added at once.", 1, 20),
        _money("basket_value", "Basket value", "Value of the basket in euros when the checkout was opened."),
        *_BROWSER_FIELDS,
        _COUNTRY_FIELD,
        _money("amount", "Amount", "Total of the order in euros, delivery included."),
        _text("order_id", "Order number", "The number that the customer sees.", regex=_ORDER_ID),
    ),
    "payments": (
        *_BROWSER_FIELDS,
        _COUNTRY_FIELD,
        _money("amount", "Amount", "What was asked for or given back, in euros.", is_required=True),
        _choice("method", "Method", "How the customer wanted to pay.", METHODS),
        _choice("reason", "Reason", "Why the payment failed, in the provider's words.", FAILURES),
        _text("order_id", "Order number", "The order that the money is for; a failed payment has none yet.", regex=_ORDER_ID),
    ),
    "accounts": (
        *_BROWSER_FIELDS,
        _COUNTRY_FIELD,
        _choice("method", "Way in", "Password, or a link sent by mail.", ("password", "link")),
        _text("referrer", "Invited by", "The code of the customer who recommended the shop."),
        FieldDraft("newsletter", "Newsletter", FieldType.BOOLEAN, description="Whether the customer asked for the newsletter."),
    ),
    "fulfilment": (
        _COUNTRY_FIELD,
        _choice("carrier", "Carrier", "Who brings the parcel.", CARRIERS, is_required=True),
        _text("order_id", "Order number", "The order that is in the parcel.", is_required=True, regex=_ORDER_ID),
        _number("weight_g", "Weight", "Weight of the parcel in grams, as weighed in the warehouse.", 1, 30_000),
    ),
}

_DEVICE, _PRODUCT, _COUNTRY = "${device}", "${product}", "${country}"
_AMOUNT, _ORDER, _CARRIER = "${amount}", "${order_id}", "${carrier}"

VALUES: Mapping[str, Mapping[str, str]] = {
    "page_viewed": {"device": _DEVICE},
    "product_viewed": {"device": _DEVICE, "product": _PRODUCT, "price": _AMOUNT},
    "coupon_applied": {"discount": _AMOUNT},
    "item_added_to_basket": {"product": _PRODUCT},
    "checkout_started": {"basket_value": _AMOUNT, "country": _COUNTRY},
    "order_placed": {"amount": _AMOUNT, "country": _COUNTRY, "order_id": _ORDER},
    "payment_authorized": {"amount": _AMOUNT, "order_id": _ORDER},
    "payment_failed": {"amount": _AMOUNT},
    "refund_issued": {"amount": _AMOUNT, "order_id": _ORDER},
    "signed_in": {"device": _DEVICE},
    "account_created": {"country": _COUNTRY},
    "parcel_handed_over": {"carrier": _CARRIER, "order_id": _ORDER},
    "parcel_delivered": {"carrier": _CARRIER, "order_id": _ORDER},
    "newsletter_popup_closed": {"device": _DEVICE},
    "wishlist_shared": {"device": _DEVICE},
}
"""What events give the fields of their type."""


@dataclass(frozen=True, slots=True)
class StoryVariable:
    """A variable with the values it takes wherever an event names it."""

    type: VariableType
    description: str
    kind: ValueKind
    values: tuple[str, ...]
    sampled: int = 0

    @property
    def observed_count(self) -> int:
        """How many different values were seen; `sampled` when those listed are only samples."""
        return self.sampled or len(self.values)


VARIABLES: Mapping[str, StoryVariable] = {
    "device": StoryVariable(VariableType.STRING, "Kind of device.", ValueKind.LOW, DEVICES),
    "product": StoryVariable(VariableType.STRING, "Any product of the catalogue, by name.", ValueKind.LOW, PRODUCTS),
    "country": StoryVariable(VariableType.STRING, "A country the shop delivers to.", ValueKind.LOW, COUNTRIES),
    "carrier": StoryVariable(VariableType.STRING, "A carrier under contract.", ValueKind.LOW, CARRIERS),
    "order_id": StoryVariable(
        VariableType.STRING, "An order number: JL- and six digits.", ValueKind.HIGH, ("JL-104822", "JL-377190", "JL-915046"), 500
    ),
    "amount": StoryVariable(
        VariableType.NUMBER, "Euros with two decimals.", ValueKind.HIGH, ("18.40", "27.10", "42.95", "63.20"), 500
    ),
}

META_FIELDS = (
    MetaFieldDraft("ticket", "Ticket", MetaFieldType.STRING, link_template="https://tickets.example.com/browse/${value}", order=0),
    MetaFieldDraft("team", "Team", MetaFieldType.ENUM, enum_options=("Storefront", "Checkout", "Customers", "Logistics"), order=1),
    MetaFieldDraft("launch_date", "Launch date", MetaFieldType.DATE, order=2),
)

TEAMS = {
    "storefront": "Storefront",
    "checkout": "Checkout",
    "payments": "Checkout",
    "accounts": "Customers",
    "fulfilment": "Logistics",
}
_FIRST_TICKET = 212
_FIRST_LAUNCH = date(2023, 3, 6)
OWNED = ("checkout", "payments")
"""Event types that have an owner."""

TAGS: Mapping[str, tuple[str, ...]] = {
    "page_viewed": ("web",),
    "product_viewed": ("web", "funnel"),
    "search_performed": ("web", "search"),
    "coupon_applied": ("marketing",),
    "item_added_to_basket": ("funnel",),
    "checkout_started": ("funnel", "key metric"),
    "order_placed": ("funnel", "key metric", "revenue"),
    "payment_authorized": ("revenue",),
    "payment_failed": ("key metric",),
    "refund_issued": ("revenue",),
    "signed_in": ("customers",),
    "account_created": ("customers", "key metric"),
    "parcel_handed_over": ("warehouse",),
    "parcel_delivered": ("warehouse",),
    "newsletter_popup_closed": ("web", "marketing"),
    "wishlist_shared": ("customers",),
}


def meta_values(number: int, source: str) -> dict[str, str]:
    """What is noted about the event at this place among the shop's events."""
    launched = _FIRST_LAUNCH + timedelta(days=23 * number)
    return {"ticket": f"SHOP-{_FIRST_TICKET + 7 * number}", "team": TEAMS[source], "launch_date": launched.isoformat()}


RELATIONS = (
    ("payments", "order_id", "checkout", "order_id", "A payment is made for an order."),
    ("fulfilment", "order_id", "checkout", "order_id", "A parcel carries an order."),
)
"""Source event type and field, target event type and field, and what the join means."""

PLAN_DAYS, FIRST_REVISION_DAYS, PHOTO_DAYS = 34, 32, 30
"""How many days ago the plan was written, kept as a revision, and given its pictures."""

FIRST_REVISION = "Every event of the shop described"
SECOND_REVISION = "Checkout in the colour of the style guide"
MAIN_COLOR = "#0f766e"

MERGED_BRANCH = "refund-details"
MERGED_DESCRIPTION = "Say what a refund is, and refuse amounts that cannot be true."
MERGED_BEGUN_DAYS, MERGED_DAYS = 20, 18
REFUND_DESCRIPTION = (
    "Money went back to a customer, in whole or in part. One event per transfer: an order returned in two parcels has two."
)
REFUND_TAGS = ("revenue", "finance")
HIGHEST_PAYMENT = 5000.0

WORKING_BRANCH = "express-checkout"
WORKING_DESCRIPTION = "Pay straight from the product page. Brings one event and one more method of payment."
WORKING_BEGUN_DAYS, SUBMITTED_DAYS, QUESTION_DAYS, ANSWER_DAYS, RECOLOR_DAYS = 6, 4, 3, 2, 1
BRANCH_COLOR = "#b45309"
EXPRESS_EVENT = "express_checkout_started"
EXPRESS_DESCRIPTION = "A customer chose to pay straight from a product page; the basket is skipped."
EXPRESS_VALUES = {"product": _PRODUCT, "country": _COUNTRY}
EXPRESS_METHOD = "express_wallet"
CHECKOUT_DESCRIPTION = (
    "The first step of the checkout was opened from the basket. The express checkout does not send it; see "
    "express_checkout_started."
)
QUESTION = "Does express_checkout_started replace checkout_started for these orders? The funnel would lose a step."
ANSWER = "It does. The funnel gets either of the two as its second step; the dashboard is changed with the release."

RELEASE = "Release 4.2"
RELEASE_TEXT = "The search field moved from the top of the page into the menu."
RELEASE_DAYS, NEWEST_RELEASE_DAYS = DECLINE_DAYS, NEWEST_DAYS
NEWEST_RELEASE = "Release 4.3"
NEWEST_TEXT = "A gift banner for phones, and a shorter menu."
CAMPAIGN = "Autumn campaign ended"
CAMPAIGN_TEXT = "The code AUTUMN10 was switched off."
CAMPAIGN_DAYS = SILENT_DAYS

PICTURED = "checkout_started"
PHOTO_COMMENT = "Sent when this form appears, before anything is filled in."
