"""Fit what core/kernels/activation.h evaluates for the erf form of GELU, gelu(x) = x * Phi(x).

    python scripts/fit_gelu.py | clang-format > core/kernels/gelu_cubics.h

Most CPUs evaluate one polynomial: (Phi(x) - 1/2) / x is even, so it is fitted as a polynomial in
t = 2 x^2 / B^2 - 1 on [-1, 1], weighted by x^2 to level the absolute error of gelu itself
(iteratively re-weighted least squares towards the minimax fit). Beyond B the result is 0 or x:
there x * (1 - Phi(x)) is below 6e-7.

CPUs that pick from a table of 32 numbers by one instruction evaluate max(x, 0) - u * Phi(-u) with
u = |x|: Phi(-u) is a cubic on each of 32 intervals, fitted in the same way, weighted by u.

Prints the table as C++; on stderr the polynomial's coefficients, and for both the largest absolute
error of a float32 evaluation.
"""

import math
import sys

import numpy as np
from numpy.polynomial import Polynomial, chebyshev

BOUND = 5.2
DEGREE = 13
ROUNDS = 60

INTERVALS = 32
PER_UNIT = 6  # intervals in 1
TABLE_BOUND = 5.248  # a little before the end of the last interval
CUBIC = 3

HEADER = """\
// Written by scripts/fit_gelu.py: Phi(-u) on the interval of u around n / 6, for n from 0 to 31, as
// a cubic in 6 u - n. The coefficients of its third power come first.
#pragma once

namespace bertie {

alignas(64) inline constexpr float gelu_cubics[4][32] = {"""
FOOTER = """};

}  // namespace bertie"""


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def level(columns, target, weight):
    """Fit columns to target so that the largest weighted error is nearly as small as it can be."""
    emphasis = np.ones_like(target)
    for _ in range(ROUNDS):
        scale = weight * emphasis
        coefficients = np.linalg.lstsq(columns * scale[:, None], target * scale, rcond=None)[0]
        error = np.abs(columns @ coefficients - target) * weight
        emphasis *= (error / error.max() + 1e-3) ** 0.25
        emphasis /= emphasis.max()
    return coefficients


def fit():
    t = np.cos(np.linspace(0, np.pi, 6001))
    x = np.maximum(np.sqrt((t + 1) / 2) * BOUND, 1e-9)
    target = np.where(x > 1e-6, (normal_cdf(x) - 0.5) / x, 1 / math.sqrt(2 * math.pi))
    coefficients = level(chebyshev.chebvander(t, DEGREE), target, np.maximum(x * x, 0.02))
    return Polynomial(chebyshev.cheb2poly(coefficients)).coef.astype(np.float32)


def evaluate(x, coefficients):
    """Horner's rule with every step rounded to float32, as a fused multiply-add rounds."""
    clamped = np.clip(x, -BOUND, BOUND).astype(np.float32)
    t = (clamped * clamped * np.float32(2 / BOUND**2) - np.float32(1)).astype(np.float32)
    value = np.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = (value.astype(np.float64) * t + coefficient).astype(np.float32)
    cdf = (clamped.astype(np.float64) * value + 0.5).astype(np.float32)
    result = (x.astype(np.float64) * cdf).astype(np.float32)
    return np.where(x < -BOUND, 0, np.where(x > BOUND, x, result))


def fit_table():
    """Fit the cubics. Returns: (4, INTERVALS) float32, the third power's coefficients first."""
    cubics = []
    for n in range(INTERVALS):
        least = 0.0 if n == 0 else -0.5
        r = least + (0.5 - least) * (1 - np.cos(np.linspace(0, np.pi, 801))) / 2
        u = (n + r) / PER_UNIT
        cubics.append(level(np.vander(r, CUBIC + 1), normal_cdf(-u), np.maximum(u, 0.02)))
    return np.array(cubics).astype(np.float32).T


def evaluate_table(x, table):
    """The kernel's steps, every one rounded to float32."""
    u = np.minimum(np.abs(x), np.float32(TABLE_BOUND))
    place = np.rint(u.astype(np.float64) * PER_UNIT)
    r = (u.astype(np.float64) * PER_UNIT - place).astype(np.float32)
    value, *rest = table[:, place.astype(int)]
    for coefficient in rest:
        value = (value.astype(np.float64) * r + coefficient).astype(np.float32)
    return (np.maximum(x, 0).astype(np.float64) - u.astype(np.float64) * value).astype(np.float32)


def literal(value):
    """Write a float32 as C++ does, with the digits that give it back."""
    digits = f"{value:.9g}"
    return digits + ("f" if "." in digits or "e" in digits else ".0f")


if __name__ == "__main__":
    coefficients, table = fit(), fit_table()
    print(HEADER)
    for row in table.tolist():
        print("    {" + ", ".join(literal(value) for value in row) + "},")
    print(FOOTER)
    for coefficient in coefficients:
        print(f"{coefficient!r}", file=sys.stderr)
    x = np.linspace(-8, 8, 400_001).astype(np.float32)
    exact = x.astype(np.float64) * normal_cdf(x.astype(np.float64))
    for name, got in (
        ("polynomial", evaluate(x, coefficients)),
        ("table", evaluate_table(x, table)),
    ):
        print(f"{name}: largest absolute error {np.abs(got - exact).max():.2e}", file=sys.stderr)
