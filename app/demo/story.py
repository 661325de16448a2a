"""What happens in the demo shop: its events, their rhythm, and the incidents planted in it. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

DAYS = 35
SEED = 20
HOUR = timedelta(hours=1)
SHOP_NAME = "Juniper Lane"
SHOP_DESCRIPTION = (
    "A demo: five weeks of an invented online shop, with a checkout outage, failing payments and a few quieter stories."
)

# An hour of the night has this share of the busiest hours.
_NIGHT = 0.5
_WEEKEND = 0.8
_QUIET_SHIFT = 0.6
_DAY_NOISE = 0.03
OUTAGE_HOURS = 3
SPIKE_HOURS = 2
SPIKE_FACTOR = 7.0
SILENT_DAYS = 3
DECLINE_A_DAY = 0.025
DECLINE_DAYS = 21
NEWCOMER_HOURS = 30
RETIRED_DAYS = 33


class Shape(StrEnum):
    """How volume moves over the day and the week."""

    SHOPPERS = "shoppers"
    WAREHOUSE = "warehouse"


class Story(StrEnum):
    """What was planted in an event's series."""

    NONE = ""
    OUTAGE = "outage"
    SPIKE = "spike"
    DECLINE = "decline"
    SILENT = "silent"
    NEWCOMER = "newcomer"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """One event of the shop. `mean` is its volume in an average hour, 0 for one that is planned and never came; without a `status`
    it is not in the plan."""

    source: str
    name: str
    mean: float
    status: str | None
    description: str
    stories: tuple[Story, ...] = ()
    shape: Shape = Shape.SHOPPERS


EVENTS: tuple[ShopEvent, ...] = (
    ShopEvent("storefront", "page_viewed", 55, "live", "A page of the shop was shown."),
    ShopEvent("storefront", "product_viewed", 42, "live", "A product page was shown."),
    ShopEvent("storefront", "search_performed", 17, "live", "Somebody searched the catalogue.", (Story.DECLINE,)),
    ShopEvent("storefront", "coupon_applied", 20, "implemented", "A coupon code was accepted in the basket.", (Story.SILENT,)),
    ShopEvent("storefront", "gift_banner_clicked", 8, None, "", (Story.NEWCOMER,)),
    ShopEvent("checkout", "item_added_to_basket", 24, "live", "A product was put into the basket."),
    ShopEvent("checkout", "checkout_started", 26, "live", "The first step of the checkout was opened.", (Story.OUTAGE,)),
    ShopEvent("checkout", "order_placed", 20, "live", "An order was confirmed to the customer.", (Story.OUTAGE,)),
    ShopEvent("payments", "payment_authorized", 21, "live", "The bank agreed to a payment.", (Story.OUTAGE,)),
    ShopEvent("payments", "payment_failed", 11, "live", "A payment was declined or abandoned.", (Story.OUTAGE, Story.SPIKE)),
    ShopEvent("payments", "refund_issued", 0.6, "implemented", "Money went back to a customer."),
    ShopEvent("accounts", "signed_in", 20, "live", "A customer signed in."),
    ShopEvent("accounts", "account_created", 5, "live", "A customer opened an account."),
    ShopEvent("fulfilment", "parcel_handed_over", 12, "live", "The carrier took a parcel.", shape=Shape.WAREHOUSE),
    ShopEvent("fulfilment", "parcel_delivered", 11, "ready_for_dev", "The carrier delivered a parcel.", shape=Shape.WAREHOUSE),
    ShopEvent("storefront", "newsletter_popup_closed", 9, "live", "The invitation to the newsletter was closed.", (Story.RETIRED,)),
    ShopEvent("accounts", "wishlist_shared", 0, "implemented", "A customer sent their wish list to somebody."),
)

SOURCES = {
    "storefront": ("Storefront", "Pages, products and search."),
    "checkout": ("Checkout", "From the basket to the order."),
    "payments": ("Payments", "What the payment provider reports."),
    "accounts": ("Accounts", "Customers and their sign-ins."),
    "fulfilment": ("Fulfilment", "Parcels on their way."),
}


@dataclass(frozen=True, slots=True)
class Timeline:
    """The hours of the story. `hours[-1]` is the running hour, which is not over yet."""

    now: datetime

    @property
    def current_hour(self) -> datetime:
        """The hour that is running."""
        return self.now.replace(minute=0, second=0, microsecond=0)

    @property
    def hours(self) -> list[datetime]:
        """Every hour from the first to the running one."""
        first = self.current_hour - timedelta(days=DAYS)
        return [first + index * HOUR for index in range(DAYS * 24 + 1)]

    @property
    def outage(self) -> tuple[datetime, datetime]:
        """Last night's outage: from 20:00 UTC on, over for some hours before the newest story begins."""
        night = self.current_hour.replace(hour=20)
        while night + (OUTAGE_HOURS + 3) * HOUR > self.current_hour:
            night -= timedelta(days=1)
        return night, night + OUTAGE_HOURS * HOUR

    @property
    def spike(self) -> tuple[datetime, datetime]:
        """The newest complete hours and the running one."""
        return self.current_hour - SPIKE_HOURS * HOUR, self.current_hour + HOUR

    @property
    def silent_since(self) -> datetime:
        """From here on the silent event is gone."""
        return self.current_hour - timedelta(days=SILENT_DAYS)

    @property
    def retired_since(self) -> datetime:
        """From here on the event that a release took out of the shop is gone."""
        return self.current_hour - timedelta(days=RETIRED_DAYS)

    @property
    def newcomer_since(self) -> datetime:
        """From here on the event that is not in the plan arrives."""
        return self.current_hour - NEWCOMER_HOURS * HOUR


def rates(event: ShopEvent, timeline: Timeline) -> npt.NDArray[np.float64]:
    """The expected count of the event in each hour of the timeline, its stories included."""
    hours = timeline.hours
    shape = _warehouse if event.shape is Shape.WAREHOUSE else _shoppers
    weights = np.array([shape(hour) for hour in hours])
    result: npt.NDArray[np.float64] = event.mean * weights / weights[: 7 * 24].mean()
    for story in event.stories:
        result = result * _factors(story, timeline, hours)
    running = (timeline.now - timeline.current_hour) / HOUR
    result[-1] *= running
    return result


def counts(event: ShopEvent, timeline: Timeline) -> npt.NDArray[np.int64]:
    """Counts drawn around the rates, with a little noise from day to day; within an hour only the running one changes."""
    hour_number = int(timeline.current_hour.timestamp()) // 3600
    random = np.random.default_rng([SEED, hour_number, EVENTS.index(event)])
    days = np.repeat(random.normal(1.0, _DAY_NOISE, DAYS + 1), 24)[: DAYS * 24 + 1]
    drawn: npt.NDArray[np.int64] = random.poisson(rates(event, timeline) * np.clip(days, 0.8, 1.2))
    return drawn


def _shoppers(hour: datetime) -> float:
    angle = 2 * np.pi * (hour.hour - 14) / 24
    day = _NIGHT + (1 - _NIGHT) * (1 + np.cos(angle)) / 2
    return float(day * (_WEEKEND if hour.weekday() >= 5 else 1.0))


def _warehouse(hour: datetime) -> float:
    if not 6 <= hour.hour < 20:
        return 0.0
    return _QUIET_SHIFT if hour.weekday() >= 5 else 1.0


def _factors(story: Story, timeline: Timeline, hours: Sequence[datetime]) -> npt.NDArray[np.float64]:
    match story:
        case Story.OUTAGE:
            start, stop = timeline.outage
            return np.array([0.0 if start <= hour < stop else 1.0 for hour in hours])
        case Story.SPIKE:
            start, stop = timeline.spike
            return np.array([SPIKE_FACTOR if start <= hour < stop else 1.0 for hour in hours])
        case Story.SILENT | Story.RETIRED:
            end = timeline.silent_since if story is Story.SILENT else timeline.retired_since
            return np.array([1.0 if hour < end else 0.0 for hour in hours])
        case Story.NEWCOMER:
            return np.array([1.0 if hour >= timeline.newcomer_since else 0.0 for hour in hours])
        case Story.DECLINE:
            since = timeline.current_hour - timedelta(days=DECLINE_DAYS)
            days = np.array([max(0.0, (hour - since) / timedelta(days=1)) for hour in hours])
            return np.asarray((1 - DECLINE_A_DAY) ** days)
        case Story.NONE:
            return np.ones(len(hours))
