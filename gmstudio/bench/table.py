"""Rows of ratios: what the benchmarks of speed print and write."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gmstudio.bench.race import ratios


@dataclass(frozen=True, slots=True)
class Row:
    """This project against the best of its peers, in one configuration.

    Attributes:
        config: the configuration, as a person reads it.
        engine: what of this project was measured.
        unit: of `ours` and of the peers' values.
        ours: median over the rounds.
        peers: the same of every peer, by name.
        peer: the best of them.
        ratio: `ours` over the best peer's.
        low, high: quartiles of the ratios of single rounds.
        bar: what the ratio should be at least, or at most where less is better; None where none is set.
        less: whether less is better.
    """

    config: str
    engine: str
    unit: str
    ours: float
    peers: Mapping[str, float]
    peer: str
    ratio: float
    low: float
    high: float
    bar: float | None = None
    less: bool = False

    @property
    def holds(self) -> bool:
        """Whether the bar is met."""
        return self.bar is None or (self.ratio <= self.bar if self.less else self.ratio >= self.bar)

    def plain(self) -> dict[str, Any]:
        """The row as it is written."""
        return {
            "config": self.config,
            "engine": self.engine,
            "ours": self.ours,
            "peer": self.peer,
            "peer_value": self.peers[self.peer],
            "ratio": self.ratio,
            "unit": self.unit,
            "quartiles": [self.low, self.high],
            "bar": self.bar,
            "less_is_better": self.less,
            "peers": dict(self.peers),
        }

    def line(self, width: int) -> str:
        """The row as it is printed, its first column so many letters wide."""
        bar = "" if self.bar is None else f"{'<=' if self.less else '>='} {self.bar:g}{'' if self.holds else ' missed'}"
        others = ", ".join(f"{name} {value:.4g}" for name, value in self.peers.items())
        return (
            f"{self.config:<{width}}  {self.engine:<13} {self.ours:>9.4g} {self.unit:<13}  "
            f"x{self.ratio:5.2f} ({self.low:5.2f} to {self.high:5.2f})  {bar:<14} {others}"
        )


def compare(
    config: str,
    engine: str,
    unit: str,
    ours: list[float],
    peers: Mapping[str, list[float]],
    *,
    bar: float | None = None,
    less: bool = False,
) -> Row:
    """The row of what was measured in the same rounds.

    Args:
        config, engine, unit, bar, less: as in `Row`.
        ours: in each round.
        peers: the same of at least one peer.
    """
    each = {name: ratios(ours, theirs) for name, theirs in peers.items()}
    best = (max if less else min)(each, key=lambda name: each[name][0])
    values = {name: statistics.median(theirs) for name, theirs in peers.items()}
    return Row(config, engine, unit, statistics.median(ours), values, best, *each[best], bar=bar, less=less)
