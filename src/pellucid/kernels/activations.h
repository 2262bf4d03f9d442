/* Activations. Their definitions are those of engines/numpy.py. */

#pragma once

#include "kernels.h"

#define ALL(number) _mm512_set1_ps(number)

/* 2^n · e^r with r at most half of ln 2, by Taylor's series. Below -87 it is 0, which is nearer than float32 tells. */
static inline __m512 exponential(__m512 x) {
    __mmask16 vanishes = _mm512_cmp_ps_mask(x, ALL(-87.0f), _CMP_LT_OQ);
    x = _mm512_min_ps(ALL(88.7f), x); /* of the two, what is no number */
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, ALL(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
    /* ln 2 in two parts, the first of which has few bits, so that n times it is exact. */
    __m512 r = _mm512_fnmadd_ps(n, ALL(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, ALL(-2.12194440e-4f), r);
    __m512 e = ALL(1.0f / 5040);
    e = _mm512_fmadd_ps(e, r, ALL(1.0f / 720));
    e = _mm512_fmadd_ps(e, r, ALL(1.0f / 120));
    e = _mm512_fmadd_ps(e, r, ALL(1.0f / 24));
    e = _mm512_fmadd_ps(e, r, ALL(1.0f / 6));
    e = _mm512_fmadd_ps(e, r, ALL(0.5f));
    e = _mm512_fmadd_ps(e, r, ALL(1.0f));
    e = _mm512_fmadd_ps(e, r, ALL(1.0f));
    return _mm512_mask_blend_ps(vanishes, _mm512_scalef_ps(e, n), _mm512_setzero_ps());
}

static inline __m512 negative(__m512 x) { return _mm512_sub_ps(_mm512_setzero_ps(), x); }

static inline __m512 sigmoid(__m512 x) {
    return _mm512_div_ps(ALL(1.0f), _mm512_add_ps(ALL(1.0f), exponential(negative(x))));
}

/* Near 0 as x - x³/3 + 2x⁵/15, where the difference below would lose all digits. */
static inline __m512 hyperbolic_tangent(__m512 x) {
    __m512 square = _mm512_mul_ps(x, x);
    __m512 near = _mm512_fmadd_ps(square, ALL(2.0f / 15), ALL(-1.0f / 3));
    near = _mm512_fmadd_ps(_mm512_mul_ps(near, square), x, x);
    __m512 far = _mm512_fnmadd_ps(ALL(2.0f), sigmoid(_mm512_mul_ps(x, ALL(-2.0f))), ALL(1.0f));
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(square, ALL(0.0025f), _CMP_LT_OQ), far, near);
}

/* x · Φ(x). Φ(-|x|) is half of erfc(|x| / √2): Abramowitz & Stegun, 1964, 7.1.26, to 1.5e-7. */
static inline __m512 gelu_erf(__m512 x) {
    __m512 size = _mm512_mul_ps(_mm512_abs_ps(x), ALL(0.70710678f));
    __m512 t = _mm512_div_ps(ALL(1.0f), _mm512_fmadd_ps(size, ALL(0.3275911f), ALL(1.0f)));
    __m512 series = ALL(1.061405429f);
    series = _mm512_fmadd_ps(series, t, ALL(-1.453152027f));
    series = _mm512_fmadd_ps(series, t, ALL(1.421413741f));
    series = _mm512_fmadd_ps(series, t, ALL(-0.284496736f));
    series = _mm512_fmadd_ps(series, t, ALL(0.254829592f));
    __m512 tail = _mm512_mul_ps(_mm512_mul_ps(series, t), exponential(negative(_mm512_mul_ps(size, size))));
    tail = _mm512_mul_ps(tail, ALL(0.5f));
    __mmask16 positive = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_mul_ps(x, _mm512_mask_sub_ps(tail, positive, ALL(1.0f), tail));
}

/* The same to 2e-5, for numbers that are rounded to bfloat16 or int8 next: x · (½ + x · Q(x²)) up to 4.5, behind which Φ
 * is taken for what it is there. Q is Chebyshev's series of (Φ(x) - ½) / x, with ten terms, in powers of x² · 2/4.5² - 1.
 */
static inline __m512 gelu_roughly(__m512 x) {
    static const float series[] = {
        9.806926011e-04f,  -2.340015935e-03f, 2.716277400e-03f,  -5.251548121e-03f, 1.143922652e-02f, -1.902094059e-02f,
        2.828393083e-02f,  -4.010921159e-02f, 5.470119065e-02f,  -7.719386095e-02f, 1.569049305e-01f,
    };
    /* Of the two, what is no number. */
    __m512 near = _mm512_max_ps(ALL(-4.5f), _mm512_min_ps(ALL(4.5f), x));
    __m512 u = _mm512_fmadd_ps(_mm512_mul_ps(near, near), ALL(2 / (4.5f * 4.5f)), ALL(-1.0f));
    __m512 sum = ALL(series[0]);
#pragma GCC unroll 10
    for (int term = 1; term <= 10; term++) sum = _mm512_fmadd_ps(sum, u, ALL(series[term]));
    return _mm512_mul_ps(x, _mm512_fmadd_ps(near, sum, ALL(0.5f)));
}

static inline __m512 gelu_tanh(__m512 x) {
    __m512 cubic = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_mul_ps(x, x), ALL(0.044715f)), x, x);
    /* (1 + tanh z) / 2 is the sigmoid of 2z. */
    return _mm512_mul_ps(x, sigmoid(_mm512_mul_ps(cubic, ALL(1.59576912f))));
}

static inline __m512 activated(int function, __m512 x) {
    switch (function) {
    case GELU_ERF: return gelu_erf(x);
    case GELU_ROUGHLY: return gelu_roughly(x);
    case GELU_TANH: return gelu_tanh(x);
    case GELU_SIGMOID: return _mm512_mul_ps(x, sigmoid(_mm512_mul_ps(x, ALL(1.702f))));
    case RELU: return _mm512_max_ps(_mm512_setzero_ps(), x);
    case SILU: return _mm512_mul_ps(x, sigmoid(x));
    case SIGMOID: return sigmoid(x);
    case TANH: return hyperbolic_tangent(x);
    default: return x;
    }
}
