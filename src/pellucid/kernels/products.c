/* Products of few rows: every weight is read once, in the order in which it lies.
 *
 * A panel is 16 outputs. It holds, for each group of inputs, one vector of 64 bytes: 16 numbers of float32, 16 pairs of
 * bfloat16, or 16 fours of int8. A row's numbers are packed in the same groups, 4 bytes each, with those of all rows of
 * a block side by side.
 */

#include <math.h>
#include <string.h>

#include "kernels.h"

#define AHEAD 8192 /* bytes */

typedef void (*panel_function)(const int32_t *x, const char *weight, int64_t groups, __m512 *sums);

#define PANEL(rows) float32_panel_##rows
#define SHARED float32_panel
#define TABLE float32_panels
#define SUM __m512
#define NOTHING _mm512_setzero_ps()
#define MULTIPLIED(sum, weights, x) \
    _mm512_fmadd_ps(_mm512_castsi512_ps(weights), _mm512_castsi512_ps(_mm512_set1_epi32(x)), sum)
#define FLOATS(sum) sum
#include "panel.h"

/* In assembly, as the compiler copies the sums of these two about before it adds to them. */
static inline __m512 pairs_added(__m512 sum, __m512i weights, int32_t x) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(_mm512_set1_epi32(x)), "v"(weights));
    return sum;
}

static inline __m512i fours_added(__m512i sum, __m512i weights, int32_t x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(_mm512_set1_epi32(x)), "v"(weights));
    return sum;
}

#define PANEL(rows) bfloat16_panel_##rows
#define SHARED bfloat16_panel
#define TABLE bfloat16_panels
#define SUM __m512
#define NOTHING _mm512_setzero_ps()
#define MULTIPLIED(sum, weights, x) pairs_added(sum, weights, x)
#define FLOATS(sum) sum
#include "panel.h"

#define PANEL(rows) int8_panel_##rows
#define SHARED int8_panel
#define TABLE int8_panels
#define SUM __m512i
#define NOTHING _mm512_setzero_si512()
#define MULTIPLIED(sum, weights, x) fours_added(sum, weights, x)
#define FLOATS(sum) _mm512_cvtepi32_ps(sum)
#include "panel.h"

void multiply_block(int dtype, int rows, const int32_t *x, const char *weight, int64_t groups, __m512 *sums) {
    const panel_function *functions =
        dtype == INT8 ? int8_panels : dtype == BFLOAT16 ? bfloat16_panels : float32_panels;
    functions[rows - 1](x, weight, groups, sums);
}

/* Some panels for all rows, `sum · scale + shift`; a block of rows stays in the cache while it meets all of them. */
void multiply_panels(const struct operation *op, int rows, float *workspace, int64_t from, int64_t to) {
    int64_t groups = groups_of(op->inner, op->dtype);
    const int32_t *x = (const int32_t *)(workspace + op->first);
    int block_rows = rows_of_block(rows);
    for (int first = 0; first < rows; first += block_rows, x += groups * block_rows)
        for (int64_t panel = from; panel < to; panel++) {
            int64_t column = panel * LANES;
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 scale = _mm512_set1_ps(1), shift = _mm512_setzero_ps(), sums[BLOCK_ROWS];
            if (op->scale) scale = _mm512_maskz_loadu_ps(lanes, (const float *)op->scale + column);
            if (op->shift) shift = _mm512_maskz_loadu_ps(lanes, (const float *)op->shift + column);
            multiply_block(op->dtype, block_rows, x, (const char *)op->weight + panel * groups * LINE, groups, sums);
            float *y = workspace + op->output + (int64_t)first * op->columns + column;
            for (int row = 0; row < block_rows && first + row < rows; row++)
                _mm512_mask_storeu_ps(y + row * op->columns, lanes, _mm512_fmadd_ps(sums[row], scale, shift));
        }
}

/* Sixteen groups of a row, beginning at one of them; zeros behind the row's end. */
static inline __m512 at(const float *x, int64_t column, int64_t columns) {
    return column < columns ? _mm512_maskz_loadu_ps(lanes_at(column, columns), x + column) : _mm512_setzero_ps();
}

static inline __m512i float32_groups(const struct operation *op, const float *x, int64_t group) {
    return _mm512_castps_si512(at(x, group, op->columns));
}

__attribute__((target("avx512bf16"))) static inline __m512i bfloat16_groups(const struct operation *op, const float *x,
                                                                            int64_t group) {
    __m512 low = at(x, 2 * group, op->columns), high = at(x, 2 * group + LANES, op->columns);
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* Each channel times its factor, in steps from the lowest value: 0 to 255. What is no number becomes 0. */
static inline __m512i int8_groups(const struct operation *op, const float *x, int64_t group) {
    __m512i packed = _mm512_setzero_si512();
    __m512 lowest = _mm512_set1_ps(op->number);
#pragma GCC unroll 4
    for (int part = 0; part < 4; part++) {
        int64_t column = 4 * group + part * LANES;
        __m512 steps = _mm512_fmsub_ps(at(x, column, op->columns), at(op->scale, column, op->columns), lowest);
        steps = _mm512_min_ps(_mm512_max_ps(steps, _mm512_setzero_ps()), _mm512_set1_ps(255));
        __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(steps));
        packed = part == 0   ? _mm512_inserti32x4(packed, bytes, 0)
                 : part == 1 ? _mm512_inserti32x4(packed, bytes, 1)
                 : part == 2 ? _mm512_inserti32x4(packed, bytes, 2)
                             : _mm512_inserti32x4(packed, bytes, 3);
    }
    return packed;
}

/* A block of rows as `multiply_block` reads them, for some of the groups; rows that are not there are zeros. */
static void pack_groups(const struct operation *op, const float *x, int64_t stride, int rows, int block_rows,
                        int32_t *packed, int64_t from, int64_t to) {
    __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i places = _mm512_mullo_epi32(lane, _mm512_set1_epi32(block_rows));
    for (int row = 0; row < block_rows; row++, x += stride)
        for (int64_t group = from; group < to; group += LANES) {
            __m512i found = _mm512_setzero_si512();
            if (row < rows)
                found = op->dtype == INT8       ? int8_groups(op, x, group)
                        : op->dtype == BFLOAT16 ? bfloat16_groups(op, x, group)
                                                : float32_groups(op, x, group);
            _mm512_mask_i32scatter_epi32(packed + group * block_rows + row, lanes_at(group, to), places, found, 4);
        }
}

void pack_block(int dtype, const float *x, int64_t stride, int rows, int64_t columns, int32_t *packed) {
    struct operation op = {.dtype = dtype, .columns = (int32_t)columns};
    pack_groups(&op, x, stride, rows, rows, packed, 0, groups_of(columns, dtype));
}

void pack_rows(const struct operation *op, int rows, float *workspace, int64_t from, int64_t to) {
    int64_t groups = groups_of(op->columns, op->dtype);
    int32_t *packed = (int32_t *)(workspace + op->output);
    int block_rows = rows_of_block(rows);
    for (int first = 0; first < rows; first += block_rows, packed += groups * block_rows)
        pack_groups(op, workspace + op->first + (int64_t)first * op->columns, op->columns, rows - first, block_rows,
                    packed, from, to);
}

/* Keys `[L, D]` as the panels of a weight: a row of them is an output. */
void pack_outputs(int dtype, const float *x, int64_t stride, int64_t outputs, int64_t columns, int32_t *panels) {
    int64_t groups = groups_of(columns, dtype);
    for (int64_t first = 0; first < outputs; first += LANES, panels += groups * LANES, x += LANES * stride) {
        struct operation op = {.dtype = dtype, .columns = (int32_t)columns};
        int rows = (int)(outputs - first < LANES ? outputs - first : LANES);
        pack_groups(&op, x, stride, rows, LANES, panels, 0, groups);
    }
}

/* Values `[L, D]` as the panels of a weight: a row of them is an input. */
__attribute__((target("avx512bf16"))) static __m512i pair_of_rows(__m512 first, __m512 second) {
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

void pack_inputs(int dtype, const float *x, int64_t stride, int64_t inputs, int64_t columns, int32_t *panels) {
    for (int64_t column = 0; column < columns; column += LANES) {
        __mmask16 lanes = lanes_at(column, columns);
        for (int64_t input = 0; input < inputs; input += dtype == BFLOAT16 ? 2 : 1, panels += LANES) {
            __m512 first = _mm512_maskz_loadu_ps(lanes, x + input * stride + column), second = _mm512_setzero_ps();
            if (dtype == BFLOAT16 && input + 1 < inputs)
                second = _mm512_maskz_loadu_ps(lanes, x + (input + 1) * stride + column);
            _mm512_store_si512(panels, dtype == BFLOAT16 ? pair_of_rows(first, second) : _mm512_castps_si512(first));
        }
    }
}

static inline uint32_t bits_of_float(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* The nearest bfloat16, the even one of two; what is no number stays none. */
static inline uint32_t bfloat16_bits(float number) {
    uint32_t bits = bits_of_float(number);
    return isnan(number) ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static inline uint32_t weight_bits(const void *weight, int64_t at, const int dtype) {
    if (dtype == INT8) return ((const uint8_t *)weight)[at];
    float number = ((const float *)weight)[at];
    return dtype == BFLOAT16 ? bfloat16_bits(number) : bits_of_float(number);
}

static inline __attribute__((always_inline)) void pack_weight(const void *weight, uint32_t *panels, int64_t outputs,
                                                              int64_t inputs, const int dtype) {
    const int width = dtype == INT8 ? 4 : dtype == BFLOAT16 ? 2 : 1;
    int64_t groups = groups_of(inputs, dtype);
    for (int64_t output = 0; output < outputs; output++) {
        uint32_t *place = panels + output / LANES * groups * LANES + output % LANES;
        for (int64_t group = 0; group < groups; group++, place += LANES)
            for (int i = 0; i < width && group * width + i < inputs; i++)
                *place |= weight_bits(weight, output * inputs + group * width + i, dtype) << 32 / width * i;
    }
}

/* A weight `[outputs, inputs]` as panels, whose memory is zeros before. */
EXPORTED void pellucid_pack_weight(const void *weight, void *panels, int64_t outputs, int64_t inputs, int dtype) {
    if (dtype == INT8)
        pack_weight(weight, panels, outputs, inputs, INT8);
    else if (dtype == BFLOAT16)
        pack_weight(weight, panels, outputs, inputs, BFLOAT16);
    else
        pack_weight(weight, panels, outputs, inputs, FLOAT32);
}
