/* Products: weights are read in the order in which they lie.
 *
 * A panel is 16 outputs. It holds, for each group of inputs, one vector of 64 bytes: 16 numbers of float32, 16 pairs of
 * bfloat16, or 16 fours of int8. A row's numbers are packed in the same groups, 4 bytes each, with those of all rows of
 * a block side by side.
 */

#include <math.h>
#include <string.h>

#include "activations.h"

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

static inline __m512 at(const float *x, int64_t column, int64_t columns) {
    return column < columns ? _mm512_maskz_loadu_ps(lanes_at(column, columns), x + column) : _mm512_setzero_ps();
}

/* Each number times its factor, in steps from the lowest value: 0 to 255. What is no number becomes 0. */
static inline __m128i bytes_of(__m512 numbers, __m512 factors, float lowest) {
    __m512 steps = _mm512_fmsub_ps(numbers, factors, _mm512_set1_ps(lowest));
    steps = _mm512_min_ps(_mm512_max_ps(steps, _mm512_setzero_ps()), _mm512_set1_ps(255));
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(steps));
}

static inline __m256i halves_of(__m512 numbers) {
    __m256i halves;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(halves) : "v"(numbers));
    return halves;
}

/* Sixteen groups of a row, beginning at one of them; zeros behind the row's end. */
static inline __m512i float32_groups(const float *x, int64_t group, int64_t columns) {
    return _mm512_castps_si512(at(x, group, columns));
}

static inline __m512i bfloat16_groups(const float *x, int64_t group, int64_t columns) {
    __m256i low = halves_of(at(x, 2 * group, columns)), high = halves_of(at(x, 2 * group + LANES, columns));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

static inline __m512i int8_groups(const float *x, int64_t group, int64_t columns, const float *factors, float lowest) {
    __m128i bytes[4] __attribute__((aligned(LINE)));
    for (int part = 0; part < 4; part++) {
        int64_t column = 4 * group + part * LANES;
        bytes[part] = bytes_of(at(x, column, columns), at(factors, column, columns), lowest);
    }
    return _mm512_load_si512(bytes);
}

/* Sixteen numbers of a row, which become some of its groups. */
static inline void store_packed(const struct operation *op, __m512 numbers, int32_t *packed, int64_t column,
                                int block_rows) {
    int32_t groups[LANES] __attribute__((aligned(LINE)));
    int count = LANES;
    if (op->packs == INT8) {
        __m512 factors = _mm512_maskz_loadu_ps(lanes_at(column, op->columns), (const float *)op->factors + column);
        _mm_store_si128((__m128i *)groups, bytes_of(numbers, factors, op->number));
        count = 4;
    } else if (op->packs == BFLOAT16) {
        _mm256_store_si256((__m256i *)groups, halves_of(numbers));
        count = 8;
    } else {
        _mm512_store_ps(groups, numbers);
    }
    count = (int)smaller(count, groups_of(op->columns - column, op->packs));
    packed += groups_of(column, op->packs) * block_rows;
    for (int group = 0; group < count; group++) packed[group * block_rows] = groups[group];
}

/* `function(sum · scale + shift)`; a block of rows stays in the cache while it meets all panels. */
void multiply_panels(const struct operation *op, int rows, float *workspace, const int64_t panels[2],
                     const int blocks[2]) {
    int64_t groups = groups_of(op->inner, op->dtype), out_groups = op->packs < 0 ? 0 : groups_of(op->columns, op->packs);
    int block_rows = rows_of_block(rows);
    for (int block = blocks[0]; block < blocks[1]; block++) {
        const int32_t *x = (const int32_t *)(workspace + op->first) + block * groups * block_rows;
        float *y = workspace + op->output + (int64_t)block * block_rows * op->columns;
        int32_t *packed = (int32_t *)(workspace + op->output) + block * out_groups * block_rows;
        int present = (int)smaller(block_rows, rows - block * block_rows);
        for (int64_t panel = panels[0]; panel < panels[1]; panel++) {
            int64_t column = panel * LANES;
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 scale = _mm512_set1_ps(1), shift = _mm512_setzero_ps(), sums[BLOCK_ROWS];
            if (op->scale) scale = _mm512_maskz_loadu_ps(lanes, (const float *)op->scale + column);
            if (op->shift) shift = _mm512_maskz_loadu_ps(lanes, (const float *)op->shift + column);
            multiply_block(op->dtype, block_rows, x, (const char *)op->weight + panel * groups * LINE, groups, sums);
            for (int row = 0; row < block_rows; row++) {
                __m512 found = activated(op->function, _mm512_fmadd_ps(sums[row], scale, shift));
                if (op->packs >= 0)
                    store_packed(op, _mm512_maskz_mov_ps(row < present ? lanes : 0, found), packed + row, column,
                                 block_rows);
                else if (row < present)
                    _mm512_mask_storeu_ps(y + (int64_t)row * op->columns + column, lanes, found);
            }
        }
    }
}

/* Sixteen vectors as the columns of sixteen others. */
static inline void transpose(__m512i *v) {
    __m512i t[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i += 4) {
        v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* Now each quarter of a vector has one column of four rows. */
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0x88);
        t[i + 8] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0xdd);
        t[i + 12] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88);
        v[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xdd);
        v[i + 4] = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88);
        v[i + 12] = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xdd);
    }
}

static inline __m512i groups_at(const struct operation *op, const float *x, int64_t group) {
    if (op->packs == INT8) return int8_groups(x, group, op->columns, op->factors, op->number);
    if (op->packs == BFLOAT16) return bfloat16_groups(x, group, op->columns);
    return float32_groups(x, group, op->columns);
}

/* A block of rows as `multiply_block` reads them, for some of the groups; rows that are not there are zeros. */
static void pack_groups(const struct operation *op, const float *x, int64_t stride, int rows, int block_rows,
                        int32_t *packed, int64_t from, int64_t to) {
    for (int first = 0; first < block_rows; first += LANES) {
        __mmask16 present = lanes_at(first, block_rows);
        for (int64_t group = from; group < to; group += LANES) {
            __m512i vectors[LANES];
#pragma GCC unroll 16
            for (int row = 0; row < LANES; row++)
                vectors[row] = first + row < rows ? groups_at(op, x + (first + row) * stride, group)
                                                  : _mm512_setzero_si512();
            transpose(vectors);
            int count = (int)smaller(LANES, to - group);
            for (int lane = 0; lane < count; lane++)
                _mm512_mask_storeu_epi32(packed + (group + lane) * block_rows + first, present, vectors[lane]);
        }
    }
}

void pack_block(int dtype, const float *x, int64_t stride, int rows, int64_t columns, int32_t *packed) {
    struct operation op = {.packs = dtype, .columns = (int32_t)columns};
    pack_groups(&op, x, stride, rows, rows, packed, 0, groups_of(columns, dtype));
}

void pack_rows(const struct operation *op, int rows, float *workspace, int64_t from, int64_t to) {
    int64_t groups = groups_of(op->columns, op->packs);
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
        struct operation op = {.packs = dtype, .columns = (int32_t)columns};
        int rows = (int)(outputs - first < LANES ? outputs - first : LANES);
        pack_groups(&op, x, stride, rows, LANES, panels, 0, groups);
    }
}

static inline __m512i pair_of_rows(__m512 first, __m512 second) {
    __m512i low = _mm512_cvtepu16_epi32(halves_of(first)), high = _mm512_cvtepu16_epi32(halves_of(second));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/* Values `[L, D]` as the panels of a weight: a row of them is an input. */
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
