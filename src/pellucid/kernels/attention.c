/* Attention of one head in one sequence: softmax(scale · q kᵀ) v, as two products by panels. */

#include <math.h>

#include "kernels.h"

/* Scores of one query become e^score, from its highest one on; what is behind the last key becomes 0. */
static float weigh(float *scores, int length, int padded, float scale) {
    __m512 highest = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
    for (int key = 0; key < length; key += LANES) {
        __m512 score = _mm512_mul_ps(_mm512_loadu_ps(scores + key), _mm512_set1_ps(scale));
        _mm512_storeu_ps(scores + key, score);
        /* Of the two, what is no number. */
        highest = _mm512_mask_max_ps(highest, lanes_at(key, length), highest, score);
    }
    highest = _mm512_set1_ps(_mm512_reduce_max_ps(highest));
    for (int key = 0; key < padded; key += LANES) {
        __m512 weight = exponential(_mm512_sub_ps(_mm512_loadu_ps(scores + key), highest));
        weight = _mm512_maskz_mov_ps(key < length ? lanes_at(key, length) : 0, weight);
        sum = _mm512_add_ps(sum, weight);
        _mm512_storeu_ps(scores + key, weight);
    }
    return _mm512_reduce_add_ps(sum);
}

void attend(const struct operation *op, const struct batch *batch, float *workspace, int sequence, int head) {
    int64_t start = 0, stride = op->columns;
    for (int before = 0; before < sequence; before++) start += batch->lengths[before];
    int length = batch->lengths[sequence], dimension = op->columns / op->inner, dtype = op->dtype;
    int padded = (length + LANES - 1) / LANES * LANES, wide = (dimension + LANES - 1) / LANES * LANES;
    int64_t own = start * stride + (int64_t)head * dimension;
    int64_t score_groups = groups_of(dimension, dtype), mix_groups = groups_of(length, dtype);
    int block_rows = rows_of_block(length);
    int32_t keys[padded * score_groups] __attribute__((aligned(LINE)));
    int32_t values[wide * mix_groups] __attribute__((aligned(LINE)));
    int32_t packed[block_rows * (score_groups > mix_groups ? score_groups : mix_groups)];
    float scores[block_rows * padded], sums[BLOCK_ROWS];
    __m512 found[BLOCK_ROWS];
    pack_outputs(dtype, workspace + op->second + own, stride, length, dimension, keys);
    pack_inputs(dtype, workspace + op->third + own, stride, length, dimension, values);
    for (int first = 0; first < length; first += block_rows) {
        int rows = length - first < block_rows ? length - first : block_rows;
        pack_block(dtype, workspace + op->first + own + first * stride, stride, rows, dimension, packed);
        for (int key = 0; key < length; key += LANES) {
            multiply_block(dtype, rows, packed, (const char *)(keys + key * score_groups), score_groups, found);
            for (int row = 0; row < rows; row++) _mm512_storeu_ps(scores + row * padded + key, found[row]);
        }
        for (int row = 0; row < rows; row++) sums[row] = weigh(scores + row * padded, length, padded, op->number);
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
