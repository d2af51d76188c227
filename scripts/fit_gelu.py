"""Fit the polynomial that core/kernels/activation.h evaluates for the erf form of GELU.

gelu(x) = x * Phi(x), and (Phi(x) - 1/2) / x is even, so it is fitted as a polynomial in
t = 2 x^2 / B^2 - 1 on [-1, 1], weighted by x^2 to level the absolute error of gelu itself
(iteratively re-weighted least squares towards the minimax fit). Beyond B the result is 0 or x:
there x * (1 - Phi(x)) is below 6e-7. Prints the coefficients and the largest absolute error of a
float32 evaluation.
"""

import math

import numpy as np
from numpy.polynomial import Polynomial, chebyshev

BOUND = 5.2
DEGREE = 13
ROUNDS = 60


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def fit():
    t = np.cos(np.linspace(0, np.pi, 6001))
    x = np.maximum(np.sqrt((t + 1) / 2) * BOUND, 1e-9)
    target = np.where(x > 1e-6, (normal_cdf(x) - 0.5) / x, 1 / math.sqrt(2 * math.pi))
    weight = np.maximum(x * x, 0.02)
    emphasis = np.ones_like(x)
    for _ in range(ROUNDS):
        scale = weight * emphasis
        columns = chebyshev.chebvander(t, DEGREE) * scale[:, None]
        coefficients = np.linalg.lstsq(columns, target * scale, rcond=None)[0]
        error = np.abs(chebyshev.chebval(t, coefficients) - target) * weight
        emphasis *= (error / error.max() + 1e-3) ** 0.25
        emphasis /= emphasis.max()
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


if __name__ == "__main__":
    coefficients = fit()
    for coefficient in coefficients:
        print(f"{coefficient!r}")
    x = np.linspace(-8, 8, 400_001).astype(np.float32)
    exact = x.astype(np.float64) * normal_cdf(x.astype(np.float64))
    print(f"largest absolute error {np.abs(evaluate(x, coefficients) - exact).max():.2e}")
