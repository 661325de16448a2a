"""One page of a list and how many entries there are in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`items` is the requested slice in the list's documented order; `total` counts before slicing."""

    items: list[Item]
    total: int
    limit: int
    offset: int

    @property
    def has_more(self) -> bool:
        """Whether entries follow this page."""
        return self.offset + len(self.items) < self.total

    def map(self, convert: Callable[[Item], Other]) -> Page[Other]:
        """The same page with each item converted."""
        return Page([convert(item) for item in self.items], self.total, self.limit, self.offset)
