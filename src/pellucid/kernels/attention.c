/* Attention of one head in one sequence: softmax(scale · q kᵀ) v, as two products by panels. */

#include <math.h>

#include "kernels.h"

/* Scores of one query become e^(scale · score), from the highest on; what is behind the last key becomes 0.
 *
 * As powers of 2, whose exponents are at most 0: the nearest whole number, and a series for what is left of it.
 */
static float weigh(float *scores, int length, int padded, float scale) {
    vector highest = all(-INFINITY), sum = all(0);
    for (int key = 0; key < length; key += LANES)
        /* Of the two, what is no number. */
        highest = choose(first_lanes(length - key), higher(highest, load(scores + key)), highest);
    vector factor = all(scale * 1.44269504f), most = multiply(all(highest_of(highest)), factor);
    for (int key = 0; key < padded; key += LANES) {
        /* Below 2⁻¹²⁷ a weight is 0. */
        vector exponent = higher(all(-127), multiply_subtract(load(scores + key), factor, most));
        vector whole = nearest_whole(exponent), rest = subtract(exponent, whole);
        vector power = all(1.5403530e-4f);
        power = multiply_add(power, rest, all(1.3333558e-3f));
        power = multiply_add(power, rest, all(9.6181291e-3f));
        power = multiply_add(power, rest, all(5.5504109e-2f));
        power = multiply_add(power, rest, all(2.4022651e-1f));
        power = multiply_add(power, rest, all(6.9314718e-1f));
        power = multiply_add(power, rest, all(1.0f));
        vector weight = choose(first_lanes(length - key), times_power_of_2(power, whole), all(0));
        sum = add(sum, weight);
        store(scores + key, weight);
    }
    return sum_of(sum);
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

/* Where bfloat16 is multiplied as float32, rounding gains nothing. */
static int multiplied_in(int dtype) { return columns_of_group(dtype) > 1 ? dtype : FLOAT32; }

EXPORTED int64_t pellucid_scratch(int length, int dimension, int dtype) {
    return parts_of(length, dimension, multiplied_in(dtype)).whole;
}

void attend(const struct operation *op, const struct batch *batch, float *workspace, float *scratch, int sequence,
            int head) {
    int64_t start = 0, stride = op->columns;
    for (int before = 0; before < sequence; before++) start += batch->lengths[before];
    int length = batch->lengths[sequence], dimension = op->columns / op->inner;
    int dtype = multiplied_in(op->dtype);
    int64_t own = start * stride + (int64_t)head * dimension, padded = in_lines(length);
    int64_t score_groups = groups_of(dimension, dtype), mix_groups = groups_of(length, dtype);
    struct parts parts = parts_of(length, dimension, dtype);
    int32_t *keys = (int32_t *)(scratch + parts.keys), *values = (int32_t *)(scratch + parts.values);
    int32_t *packed = (int32_t *)(scratch + parts.packed);
    float *scores = scratch + parts.scores, sums[BLOCK_ROWS];
    vector found[BLOCK_ROWS];
    int block_rows = rows_of_block(length);
    pack_outputs(dtype, workspace + op->second + own, stride, length, dimension, keys);
    pack_inputs(dtype, workspace + op->third + own, stride, length, dimension, values);
    for (int first = 0; first < length; first += block_rows) {
        int rows = (int)smaller(length - first, block_rows);
        pack_block(dtype, workspace + op->first + own + first * stride, stride, rows, dimension, packed);
        for (int key = 0; key < length; key += LANES) {
            multiply_block(dtype, rows, packed, rows, (const char *)(keys + key * score_groups), score_groups,
                           found);
            for (int row = 0; row < rows; row++) store(scores + row * padded + key, found[row]);
        }
        for (int row = 0; row < rows; row++) sums[row] = weigh(scores + row * padded, length, (int)padded, op->number);
        pack_block(dtype, scores, padded, rows, length, packed);
        for (int column = 0; column < dimension; column += LANES) {
            multiply_block(dtype, rows, packed, rows, (const char *)(values + column * mix_groups), mix_groups, found);
            float *mixed = workspace + op->output + own + first * stride + column;
            for (int row = 0; row < rows; row++)
                store_some(mixed + row * stride, divide(found[row], all(sums[row])), dimension - column);
        }
    }
}
