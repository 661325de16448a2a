"""Types that several bodies of the plan's routes share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from app.kernel.clock import as_utc

_YEARS = range(1900, 9999)


def _checked_moment(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError(f"The year must be between {_YEARS[0]} and {_YEARS[-1]}")
    return as_utc(value)


Moment = Annotated[datetime, AfterValidator(_checked_moment)]
"""An instant; without a zone it is taken as UTC."""

Id = Annotated[UUID, PlainSerializer(str, return_type=str)]
"""A reference to a row; `model_dump` gives the text that rows hold."""

Order = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
"""A place in a list."""

Number = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number."""

Rate = Annotated[float, Field(ge=0, le=1)]
"""A share between nothing and all."""


class Response(BaseModel):
    """An answer read from a view."""

    model_config = ConfigDict(from_attributes=True)
