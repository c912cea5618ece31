"""The families of schedules: none, constant, linear, cosine and the paper's sigmoid."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from gmstudio.mollification.base import Floats, ScheduleSpec
from gmstudio.registry import SpecError, component, describe

#: The paper's smallest variance while its schedule runs.
SMALLEST = 1e-9


@component(
    "schedule",
    title="Off",
    summary="No noise: plain training on the data.",
    order=0,
)
class Off(ScheduleSpec, frozen=True, kw_only=True, tag="off"):
    """No mollification."""

    @property
    def off(self) -> bool:
        """Always."""
        return True

    def gamma(self, u: Floats) -> Floats:
        """0 everywhere."""
        return np.zeros_like(u)


@component(
    "schedule",
    title="Sigmoid",
    summary="The paper's schedule: fast at first, with a long tail of little noise.",
    reference="Tran et al. 2023, One-Line-of-Code Data Mollification, eq. 6",
    order=10,
)
class Sigmoid(ScheduleSpec, frozen=True, kw_only=True, tag="sigmoid"):
    """gamma(u) = [S(e/tau) - S((u (e - s) + s)/tau)] / [S(e/tau) - S(s/tau)], S logistic, s start, e end."""

    tau: Annotated[
        float,
        describe(
            "Temperature: the smaller, the earlier most of the noise is gone; large values approach a line.",
            ge=0.01,
            le=100.0,
            label="Temperature τ",
            log=True,
        ),
    ] = 0.7
    start: Annotated[
        float, describe("Where on the logistic curve the schedule begins.", ge=-20.0, le=20.0, advanced=True)
    ] = 0.0
    end: Annotated[
        float, describe("Where on the logistic curve the schedule ends.", ge=-20.0, le=20.0, advanced=True)
    ] = 3.0

    def validate(self) -> None:
        """The logistic curve is walked upward."""
        if self.end - self.start < 1e-3:
            raise SpecError(
                f"The sigmoid ends at {self.end:g}, which is not after its start at {self.start:g}.",
                "Choose an end that is larger than the start.",
                "end",
            )

    def gamma(self, u: Floats) -> Floats:
        """The paper's formula, never below 1e-9.

        S(e) - S(x) = sinh((e - x)/2) / (2 cosh(e/2) cosh(x/2)), so that nothing cancels at any temperature.
        """
        u = np.asarray(u, dtype=np.float64)
        start, end = self.start / (2.0 * self.tau), self.end / (2.0 * self.tau)
        x = (u * (self.end - self.start) + self.start) / (2.0 * self.tau)
        left, whole = end - x, end - start
        scale = np.exp(left - whole + np.abs(start) - np.abs(x))
        sinh = np.expm1(-2.0 * left) / np.expm1(-2.0 * whole)
        cosh = (1.0 + np.exp(-2.0 * np.abs(start))) / (1.0 + np.exp(-2.0 * np.abs(x)))
        gamma: Floats = np.clip(scale * sinh * cosh, SMALLEST, 1.0)
        return gamma


@component(
    "schedule",
    title="Cosine",
    summary="Slow at both ends: the squared cosine of diffusion models.",
    reference="Nichol and Dhariwal 2021; Chen 2023, On the Importance of Noise Scheduling",
    order=20,
)
class Cosine(ScheduleSpec, frozen=True, kw_only=True, tag="cosine"):
    """gamma(u) = cos(pi u / 2)^(2 tau)."""

    tau: Annotated[
        float,
        describe(
            "Power of the squared cosine: the larger, the earlier the noise is gone.",
            ge=0.05,
            le=20.0,
            label="Power τ",
            log=True,
            advanced=True,
        ),
    ] = 1.0

    def gamma(self, u: Floats) -> Floats:
        """The power of the cosine; exactly 0 at the end."""
        u = np.asarray(u, dtype=np.float64)
        result: Floats = np.sin(0.5 * np.pi * (1.0 - u)) ** (2.0 * self.tau)
        return result


@component(
    "schedule",
    title="Linear",
    summary="The variance falls along a line.",
    order=30,
)
class Linear(ScheduleSpec, frozen=True, kw_only=True, tag="linear"):
    """gamma(u) = 1 - u."""

    def gamma(self, u: Floats) -> Floats:
        """The line."""
        return 1.0 - np.asarray(u, dtype=np.float64)


@component(
    "schedule",
    title="Constant",
    summary="The same noise until it ends; the oldest regulariser, and a baseline for the annealed ones.",
    order=40,
)
class Constant(ScheduleSpec, frozen=True, kw_only=True, tag="constant"):
    """gamma(u) = sigma2."""

    sigma2: Annotated[float, describe("The noise variance.", ge=0.0, le=1.0, label="Noise variance σ²")] = 0.05

    def gamma(self, u: Floats) -> Floats:
        """The level everywhere."""
        return np.full_like(np.asarray(u, dtype=np.float64), self.sigma2)
