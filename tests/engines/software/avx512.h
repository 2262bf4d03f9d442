/* The instructions of AVX-512 that the kernels use, in plain C: so that machines without them can test what is written
 * with them. Each does what Intel's guide of intrinsics says of the one that it stands for.
 */
#pragma once

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define __AVX512F__ 1
#define IN_SOFTWARE 1

typedef int32_t ints __attribute__((vector_size(64)));

#define SOFTWARE static inline
#define EACH for (int i = 0; i < 16; i++)
#define HAS(mask, i) ((mask) >> (i) & 1)

SOFTWARE __m512 software_ints_as_floats(__m512i x) { return (__m512)x; }
SOFTWARE __m512i software_floats_as_ints(__m512 x) { return (__m512i)x; }
SOFTWARE __m512 software_all(float n) { __m512 x; EACH x[i] = n; return x; }
SOFTWARE __m512i software_all_ints(int32_t n) { ints x; EACH x[i] = n; return (__m512i)x; }
SOFTWARE __m512 software_load(uint32_t mask, const void *p) {
    __m512 x;
    EACH x[i] = HAS(mask, i) ? ((const float *)p)[i] : 0;
    return x;
}
SOFTWARE void software_store(void *p, uint32_t mask, __m512 x) {
    EACH if (HAS(mask, i)) memcpy((char *)p + 4 * i, (char *)&x + 4 * i, 4);
}
SOFTWARE __m512i software_load_ints(const void *p) { __m512i x; memcpy(&x, p, 64); return x; }
SOFTWARE __m256i software_load_halves(uint32_t mask, const uint16_t *p) {
    uint16_t x[16];
    __m256i halves;
    EACH x[i] = HAS(mask, i) ? p[i] : 0;
    memcpy(&halves, x, 32);
    return halves;
}
SOFTWARE __m512i software_widened(__m256i halves) {
    uint16_t given[16];
    ints x;
    memcpy(given, &halves, 32);
    EACH x[i] = given[i];
    return (__m512i)x;
}
SOFTWARE __m512 software_float16(__m256i halves) {
    __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(halves)), high = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
    __m512 x;
    memcpy(&x, &low, 32);
    memcpy((char *)&x + 32, &high, 32);
    return x;
}
SOFTWARE __m128i software_bytes(__m512i x) {
    int8_t bytes[16];
    __m128i found;
    EACH bytes[i] = (int8_t)((ints)x)[i];
    memcpy(&found, bytes, 16);
    return found;
}
SOFTWARE __m512 software_to_floats(__m512i x) { __m512 y; EACH y[i] = (float)((ints)x)[i]; return y; }
SOFTWARE __m512i software_to_ints(__m512 x) {
    ints y;
    EACH y[i] = fabsf(x[i]) < 2147483648.0f ? (int32_t)rintf(x[i]) : INT32_MIN;
    return (__m512i)y;
}
SOFTWARE __m512 software_fma(__m512 x, __m512 y, __m512 z) { EACH x[i] = fmaf(x[i], y[i], z[i]); return x; }
SOFTWARE __m512 software_min(__m512 x, __m512 y) { EACH x[i] = x[i] < y[i] ? x[i] : y[i]; return x; }
SOFTWARE __m512 software_max(__m512 x, __m512 y) { EACH x[i] = x[i] > y[i] ? x[i] : y[i]; return x; }
SOFTWARE __m512 software_abs(__m512 x) { EACH x[i] = fabsf(x[i]); return x; }
SOFTWARE __m512 software_sqrt(__m512 x) { EACH x[i] = sqrtf(x[i]); return x; }
SOFTWARE __m512 software_round(__m512 x) { EACH x[i] = rintf(x[i]); return x; }
SOFTWARE __m512 software_scalef(__m512 x, __m512 y) { EACH x[i] = x[i] * exp2f(floorf(y[i])); return x; }
SOFTWARE uint16_t software_less(__m512 x, __m512 y) {
    uint16_t mask = 0;
    EACH mask |= (uint16_t)((x[i] < y[i]) << i);
    return mask;
}
SOFTWARE __m512 software_blend(uint32_t mask, __m512 x, __m512 y) { EACH x[i] = HAS(mask, i) ? y[i] : x[i]; return x; }
SOFTWARE float software_sum(__m512 x) {
    for (int width = 8; width; width /= 2)
        for (int i = 0; i < width; i++) x[i] += x[i + width];
    return x[0];
}
SOFTWARE float software_highest(__m512 x) {
    float found = x[0];
    EACH found = x[i] > found ? x[i] : found;
    return found;
}
/* Of each quarter of two vectors the lower or higher halves in turn, in numbers of so many lanes. */
SOFTWARE __m512i software_unpack(__m512i x, __m512i y, int lanes, int high) {
    ints found;
    EACH {
        int number = i % 4 / lanes, from = i / 4 * 4 + (2 * high / lanes + number / 2) * lanes + i % lanes;
        found[i] = number % 2 ? ((ints)y)[from] : ((ints)x)[from];
    }
    return (__m512i)found;
}
SOFTWARE __m512i software_quarters(__m512i x, __m512i y, int which) {
    ints found;
    EACH found[i] = ((i < 8 ? (ints)x : (ints)y))[(which >> i / 4 * 2 & 3) * 4 + i % 4];
    return (__m512i)found;
}

#define _mm512_castsi512_ps software_ints_as_floats
#define _mm512_castps_si512 software_floats_as_ints
#define _mm512_set1_ps software_all
#define _mm512_set1_epi32 software_all_ints
#define _mm512_setzero_ps() software_all(0)
#define _mm512_setzero_si512() software_all_ints(0)
#define _mm512_loadu_ps(p) software_load(0xffff, p)
#define _mm512_maskz_loadu_ps software_load
#define _mm512_storeu_ps(p, x) software_store(p, 0xffff, x)
#define _mm512_mask_storeu_ps software_store
#define _mm512_load_si512 software_load_ints
#define _mm512_storeu_si512(p, x) software_store(p, 0xffff, (__m512)(x))
#define _mm512_store_si512(p, x) software_store(p, 0xffff, (__m512)(x))
#define _mm512_mask_storeu_epi32(p, mask, x) software_store(p, mask, (__m512)(x))
#define _mm256_maskz_loadu_epi16 software_load_halves
#define _mm512_cvtepu16_epi32 software_widened
#define _mm512_cvtph_ps software_float16
#define _mm512_cvtepi32_epi8 software_bytes
#define _mm512_cvtepi32_ps software_to_floats
#define _mm512_cvtps_epi32 software_to_ints
#define _mm512_slli_epi32(x, n) ((__m512i)((ints)(x) << (n)))
#define _mm512_or_si512(x, y) ((x) | (y))
#define _mm512_add_ps(x, y) ((x) + (y))
#define _mm512_sub_ps(x, y) ((x) - (y))
#define _mm512_mul_ps(x, y) ((x) * (y))
#define _mm512_div_ps(x, y) ((x) / (y))
#define _mm512_fmadd_ps software_fma
#define _mm512_fmsub_ps(x, y, z) software_fma(x, y, -(z))
#define _mm512_fnmadd_ps(x, y, z) software_fma(-(x), y, z)
#define _mm512_min_ps software_min
#define _mm512_max_ps software_max
#define _mm512_abs_ps software_abs
#define _mm512_sqrt_ps software_sqrt
#define _mm512_roundscale_ps(x, nearest) software_round(x)
#define _mm512_scalef_ps software_scalef
#define _mm512_cmp_ps_mask(x, y, less) software_less(x, y)
#define _mm512_mask_blend_ps software_blend
#define _mm512_reduce_add_ps software_sum
#define _mm512_reduce_max_ps software_highest
#define _mm512_unpacklo_epi32(x, y) software_unpack(x, y, 1, 0)
#define _mm512_unpackhi_epi32(x, y) software_unpack(x, y, 1, 1)
#define _mm512_unpacklo_epi64(x, y) software_unpack(x, y, 2, 0)
#define _mm512_unpackhi_epi64(x, y) software_unpack(x, y, 2, 1)
#define _mm512_shuffle_i32x4 software_quarters

/* And those that the kernels have in assembly. */
SOFTWARE uint16_t software_bfloat16(float number) {
    uint32_t bits;
    memcpy(&bits, &number, 4);
    return (uint16_t)(isnan(number) ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
SOFTWARE float software_float(uint32_t half) {
    uint32_t bits = half << 16;
    float number;
    memcpy(&number, &bits, 4);
    return number;
}
SOFTWARE __m256i halves_of(__m512 x) {
    uint16_t halves[16];
    __m256i found;
    EACH halves[i] = software_bfloat16(x[i]);
    memcpy(&found, halves, 32);
    return found;
}
SOFTWARE __m512 bfloat16_added(__m512 sums, __m512i weights, int32_t x) {
    uint16_t w[32], pair[2];
    memcpy(w, &weights, 64);
    memcpy(pair, &x, 4);
    EACH for (int j = 1; j >= 0; j--) sums[i] = fmaf(software_float(w[2 * i + j]), software_float(pair[j]), sums[i]);
    return sums;
}
SOFTWARE __m512i int8_added(__m512i sums, __m512i weights, int32_t x) {
    int8_t w[64];
    uint8_t four[4];
    memcpy(w, &weights, 64);
    memcpy(four, &x, 4);
    ints found = (ints)sums;
    EACH for (int j = 0; j < 4; j++) found[i] += w[4 * i + j] * four[j];
    return (__m512i)found;
}
