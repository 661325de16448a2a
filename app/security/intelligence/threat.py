"""How threatening an address looks: a capped sum with its reasons (contract C.5)."""

from __future__ import annotations

from typing import Final

WEIGHTS: Final = (("tor", 50), ("blocklist", 40), ("proxy", 30), ("vpn", 25), ("datacenter", 20))
MOST_FOR_FAILED_LOGINS: Final = 20
POINTS_PER_FAILED_LOGIN: Final = 2


def threat_score(categories: frozenset[str], failed_logins: int) -> tuple[int, tuple[str, ...]]:
    """Points from 0 to 100, and what they are for, heaviest first."""
    reasons = [(points, f"{name} {points}") for name, points in WEIGHTS if name in categories]
    failed = min(max(failed_logins, 0) * POINTS_PER_FAILED_LOGIN, MOST_FOR_FAILED_LOGINS)
    if failed:
        reasons.append((failed, f"failed_logins {failed}"))
    return min(100, sum(points for points, _ in reasons)), tuple(text for _, text in reasons)
