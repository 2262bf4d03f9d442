/* Activations. Their definitions are those of engines/numpy.py. */

#pragma once

#include "kernels.h"

/* 2^n · e^r with r at most half of ln 2, by Taylor's series. Below -87 it is 0, which is nearer than float32 tells. */
static inline vector exponential(vector x) {
    lanes vanishes = where_less(x, all(-87.0f));
    x = lower(all(88.0f), x); /* of the two, what is no number */
    vector n = nearest_whole(multiply(x, all(1.44269504f)));
    /* ln 2 in two parts, the first of which has few bits, so that n times it is exact. */
    vector r = subtract_product(x, n, all(0.693359375f));
    r = subtract_product(r, n, all(-2.12194440e-4f));
    vector e = all(1.0f / 5040);
    e = multiply_add(e, r, all(1.0f / 720));
    e = multiply_add(e, r, all(1.0f / 120));
    e = multiply_add(e, r, all(1.0f / 24));
    e = multiply_add(e, r, all(1.0f / 6));
    e = multiply_add(e, r, all(0.5f));
    e = multiply_add(e, r, all(1.0f));
    e = multiply_add(e, r, all(1.0f));
    return choose(vanishes, all(0), times_power_of_2(e, n));
}

static inline vector negative(vector x) { return subtract(all(0), x); }

static inline vector sigmoid(vector x) {
    return divide(all(1.0f), add(all(1.0f), exponential(negative(x))));
}

/* Near 0 as x - x³/3 + 2x⁵/15, where the difference below would lose all digits. */
static inline vector hyperbolic_tangent(vector x) {
    vector square = multiply(x, x);
    vector near = multiply_add(square, all(2.0f / 15), all(-1.0f / 3));
    near = multiply_add(multiply(near, square), x, x);
    vector far = subtract_product(all(1.0f), all(2.0f), sigmoid(multiply(x, all(-2.0f))));
    return choose(where_less(square, all(0.0025f)), near, far);
}

/* x · Φ(x). Φ(-|x|) is half of erfc(|x| / √2): Abramowitz & Stegun, 1964, 7.1.26, to 1.5e-7. */
static inline vector gelu_erf(vector x) {
    vector size = multiply(size_of(x), all(0.70710678f));
    vector t = divide(all(1.0f), multiply_add(size, all(0.3275911f), all(1.0f)));
    vector series = all(1.061405429f);
    series = multiply_add(series, t, all(-1.453152027f));
    series = multiply_add(series, t, all(1.421413741f));
    series = multiply_add(series, t, all(-0.284496736f));
    series = multiply_add(series, t, all(0.254829592f));
    vector tail = multiply(multiply(series, t), exponential(negative(multiply(size, size))));
    tail = multiply(tail, all(0.5f));
    lanes positive = where_less(all(0), x);
    return multiply(x, choose(positive, subtract(all(1.0f), tail), tail));
}

/* The same to 2e-5, for numbers that are rounded to bfloat16 or int8 next: x · (½ + x · Q(x²)) up to 4.5, behind which Φ
 * is taken for what it is there. Q is Chebyshev's series of (Φ(x) - ½) / x, with ten terms, in powers of x² · 2/4.5² - 1.
 */
static inline vector gelu_roughly(vector x) {
    static const float series[] = {
        9.806926011e-04f,  -2.340015935e-03f, 2.716277400e-03f,  -5.251548121e-03f, 1.143922652e-02f, -1.902094059e-02f,
        2.828393083e-02f,  -4.010921159e-02f, 5.470119065e-02f,  -7.719386095e-02f, 1.569049305e-01f,
    };
    /* Of the two, what is no number. */
    vector near = higher(all(-4.5f), lower(all(4.5f), x));
    vector u = multiply_add(multiply(near, near), all(2 / (4.5f * 4.5f)), all(-1.0f));
    vector sum = all(series[0]);
#pragma GCC unroll 10
    for (int term = 1; term <= 10; term++) sum = multiply_add(sum, u, all(series[term]));
    return multiply(x, multiply_add(near, sum, all(0.5f)));
}

static inline vector gelu_tanh(vector x) {
    vector cubic = multiply_add(multiply(multiply(x, x), all(0.044715f)), x, x);
    /* (1 + tanh z) / 2 is the sigmoid of 2z. */
    return multiply(x, sigmoid(multiply(cubic, all(1.59576912f))));
}

static inline vector activated(int function, vector x) {
    switch (function) {
    case GELU_ERF: return gelu_erf(x);
    case GELU_ROUGHLY: return gelu_roughly(x);
    case GELU_TANH: return gelu_tanh(x);
    case GELU_SIGMOID: return multiply(x, sigmoid(multiply(x, all(1.702f))));
    case RELU: return higher(all(0), x);
    case SILU: return multiply(x, sigmoid(x));
    case SIGMOID: return sigmoid(x);
    case TANH: return hyperbolic_tangent(x);
    default: return x;
    }
}
