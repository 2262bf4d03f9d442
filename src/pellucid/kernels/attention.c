/* Attention of one head in one sequence: softmax(scale · q kᵀ) v, as two products by panels. */

#include <math.h>

#include "kernels.h"

/* Scores of one query become e^(scale · score), from the highest on; what is behind the last key becomes 0.
 *
 * As powers of 2, whose exponents are at most 0: the nearest whole number, and a series for what is left of it.
 */
static float weigh(float *scores, int length, int padded, float scale) {
    __m512 highest = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
    for (int key = 0; key < length; key += LANES)
        /* Of the two, what is no number. */
        highest = _mm512_mask_max_ps(highest, lanes_at(key, length), highest, _mm512_loadu_ps(scores + key));
    __m512 factor = _mm512_set1_ps(scale * 1.44269504f);
    highest = _mm512_mul_ps(_mm512_set1_ps(_mm512_reduce_max_ps(highest)), factor);
    for (int key = 0; key < padded; key += LANES) {
        __m512 exponent = _mm512_fmsub_ps(_mm512_loadu_ps(scores + key), factor, highest);
        __m512 whole = _mm512_roundscale_ps(exponent, _MM_FROUND_TO_NEAREST_INT), rest = _mm512_sub_ps(exponent, whole);
        __m512 power = _mm512_set1_ps(1.5403530e-4f);
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(1.3333558e-3f));
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(9.6181291e-3f));
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(5.5504109e-2f));
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(2.4022651e-1f));
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(6.9314718e-1f));
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(1.0f));
        __m512 weight = _mm512_maskz_scalef_ps(key < length ? lanes_at(key, length) : 0, power, whole);
        sum = _mm512_add_ps(sum, weight);
        _mm512_storeu_ps(scores + key, weight);
    }
    return _mm512_reduce_add_ps(sum);
}

/* What one thread needs beside the workspace, in numbers of float32; each part begins at a line of the cache. */
struct parts {
    int64_t keys, values, packed, scores, whole;
};

static int64_t in_lines(int64_t numbers) { return (numbers + LANES - 1) / LANES * LANES; }

static struct parts parts_of(int length, int dimension, int dtype) {
    int64_t score_groups = groups_of(dimension, dtype), mix_groups = groups_of(length, dtype);
    int64_t most = score_groups > mix_groups ? score_groups : mix_groups;
    struct parts parts = {0};
    parts.values = parts.keys + in_lines(length) * score_groups;
    parts.packed = parts.values + in_lines(dimension) * mix_groups;
    parts.scores = parts.packed + in_lines(BLOCK_ROWS * most);
    parts.whole = parts.scores + BLOCK_ROWS * in_lines(length);
    return parts;
}

EXPORTED int64_t pellucid_scratch(int length, int dimension, int dtype) {
    return parts_of(length, dimension, dtype).whole;
}

void attend(const struct operation *op, const struct batch *batch, float *workspace, float *scratch, int sequence,
            int head) {
    int64_t start = 0, stride = op->columns;
    for (int before = 0; before < sequence; before++) start += batch->lengths[before];
    int length = batch->lengths[sequence], dimension = op->columns / op->inner, dtype = op->dtype;
    int64_t own = start * stride + (int64_t)head * dimension, padded = in_lines(length);
    int64_t score_groups = groups_of(dimension, dtype), mix_groups = groups_of(length, dtype);
    struct parts parts = parts_of(length, dimension, dtype);
    int32_t *keys = (int32_t *)(scratch + parts.keys), *values = (int32_t *)(scratch + parts.values);
    int32_t *packed = (int32_t *)(scratch + parts.packed);
    float *scores = scratch + parts.scores, sums[BLOCK_ROWS];
    __m512 found[BLOCK_ROWS];
    int block_rows = rows_of_block(length);
    pack_outputs(dtype, workspace + op->second + own, stride, length, dimension, keys);
    pack_inputs(dtype, workspace + op->third + own, stride, length, dimension, values);
    for (int first = 0; first < length; first += block_rows) {
        int rows = (int)smaller(length - first, block_rows);
        pack_block(dtype, workspace + op->first + own + first * stride, stride, rows, dimension, packed);
        for (int key = 0; key < length; key += LANES) {
            multiply_block(dtype, rows, packed, (const char *)(keys + key * score_groups), score_groups, found);
            for (int row = 0; row < rows; row++) _mm512_storeu_ps(scores + row * padded + key, found[row]);
        }
        for (int row = 0; row < rows; row++) sums[row] = weigh(scores + row * padded, length, (int)padded, op->number);
        pack_block(dtype, scores, padded, rows, length, packed);
        for (int column = 0; column < dimension; column += LANES) {
            multiply_block(dtype, rows, packed, (const char *)(values + column * mix_groups), mix_groups, found);
            float *mixed = workspace + op->output + own + first * stride + column;
            for (int row = 0; row < rows; row++)
                _mm512_mask_storeu_ps(mixed + row * stride, lanes_at(column, dimension),
                                      _mm512_div_ps(found[row], _mm512_set1_ps(sums[row])));
        }
    }
}
