/* Attention of one head in one sequence: softmax(scale · q kᵀ) v, as two products by panels. */

#include <math.h>

#include "packing.h"

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

/* How one head of one sequence is computed, and what that needs beside the workspace, in numbers of float32. Each part
 * begins at a line of the cache.
 */
struct parts {
    int dtype, is_tiled, block_rows;
    int64_t score_lines, mix_lines;   /* of a panel of keys, and of values */
    int64_t score_stride, mix_stride; /* from a packed row to the next, where tiles read them */
    int64_t length, dimension;        /* rounded up to whole panels, or pairs of them */
    int64_t keys, values, packed, scores, mixed, whole;
};

static struct parts parts_of(int length, int dimension, int dtype, int is_tiled) {
    /* Where bfloat16 is multiplied as float32, rounding gains nothing. */
    dtype = columns_of_group(dtype) > 1 ? dtype : FLOAT32;
    int64_t score_groups = groups_of(dimension, dtype), mix_groups = groups_of(length, dtype);
    struct parts parts = {.dtype = dtype, .is_tiled = is_tiled};
    if (is_tiled) {
        parts.block_rows = TILED_ROWS;
        parts.score_lines = lines_of(dimension, dtype);
        parts.mix_lines = lines_of(length, dtype);
        parts.score_stride = row_bytes(dimension, dtype) / 4;
        parts.mix_stride = row_bytes(length, dtype) / 4;
        parts.length = rounded_up(length, 2 * LANES);
        parts.dimension = rounded_up(dimension, 2 * LANES);
    } else {
        parts.block_rows = rows_of_block(length);
        parts.score_lines = parts.score_stride = score_groups;
        parts.mix_lines = parts.mix_stride = mix_groups;
        parts.length = rounded_up(length, LANES);
        parts.dimension = rounded_up(dimension, LANES);
    }
    int64_t longest = parts.score_stride > parts.mix_stride ? parts.score_stride : parts.mix_stride;
    parts.values = parts.keys + parts.length * parts.score_lines;
    parts.packed = parts.values + parts.dimension * parts.mix_lines;
    parts.scores = parts.packed + rounded_up(parts.block_rows * longest, LANES);
    parts.mixed = parts.scores + parts.block_rows * parts.length;
    parts.whole = parts.mixed + parts.block_rows * parts.dimension;
    return parts;
}

EXPORTED int64_t pellucid_scratch(int length, int dimension, int dtype) {
    int64_t most = parts_of(length, dimension, dtype, 0).whole;
    /* A shorter sequence may have larger blocks of rows, and of one that is tiled more is rounded up. */
    most += (int64_t)BLOCK_ROWS * (rounded_up(length, LANES) + rounded_up(dimension, LANES));
    int64_t tiled = tile_lines > 1 ? parts_of(length, dimension, dtype, 1).whole : 0;
    return tiled > most ? tiled : most;
}

/* A block of rows as products read them. */
struct block {
    const int32_t *groups;
    int64_t stride;
};

/* Rows of float32 that are read by themselves are so already. */
static struct block block_of(const struct parts *parts, const float *x, int64_t x_stride, int rows, int64_t columns,
                             int32_t *packed, int64_t stride) {
    if (ROWS_APART) return (struct block){(const int32_t *)x, x_stride};
    if (parts->is_tiled)
        pack_tiled_block(parts->dtype, x, x_stride, rows, columns, packed, stride);
    else
        pack_block(parts->dtype, x, x_stride, rows, columns, packed);
    return (struct block){packed, parts->is_tiled ? stride : rows};
}

/* A block of rows by panels, as rows of float32. */
static void multiply_rows(const struct parts *parts, int rows, struct block x, const int32_t *panels, int64_t lines,
                          int64_t outputs, float *y) {
    for (int64_t output = 0; output < outputs;) {
        const char *panel = (const char *)(panels + output * lines);
#ifdef __AVX512F__
        if (parts->is_tiled) {
            multiply_tiles(parts->dtype, (const char *)x.groups, x.stride * 4, rows, panel, panel + lines * LINE, lines,
                           y + output, outputs);
            output += 2 * LANES;
            continue;
        }
#endif
        vector found[BLOCK_ROWS];
        multiply_block(parts->dtype, rows, x.groups, x.stride, panel, lines, found);
        for (int row = 0; row < rows; row++) store(y + row * outputs + output, found[row]);
        output += LANES;
    }
}

void attend(const struct operation *op, const struct batch *batch, float *workspace, float *scratch, int sequence,
            int head) {
    int64_t start = 0, stride = op->columns;
    for (int before = 0; before < sequence; before++) start += batch->lengths[before];
    int length = batch->lengths[sequence], dimension = op->columns / op->inner;
    int64_t own = start * stride + (int64_t)head * dimension;
    struct parts parts = parts_of(length, dimension, op->dtype, in_tiles(op->dtype, batch->counts[op->rows]));
    int32_t *keys = (int32_t *)(scratch + parts.keys), *values = (int32_t *)(scratch + parts.values);
    int32_t *packed = (int32_t *)(scratch + parts.packed);
    float *scores = scratch + parts.scores, *mixed = scratch + parts.mixed, sums[TILED_ROWS];
    pack_outputs(parts.dtype, workspace + op->second + own, stride, length, dimension, keys, parts.score_lines);
    pack_inputs(parts.dtype, workspace + op->third + own, stride, length, dimension, values, parts.mix_lines);
    for (int first = 0; first < length; first += parts.block_rows) {
        int rows = (int)smaller(length - first, parts.block_rows);
        const float *queries = workspace + op->first + own + first * stride;
        struct block x = block_of(&parts, queries, stride, rows, dimension, packed, parts.score_stride);
        multiply_rows(&parts, rows, x, keys, parts.score_lines, parts.length, scores);
        for (int row = 0; row < rows; row++)
            sums[row] = weigh(scores + row * parts.length, length, (int)parts.length, op->number);
        x = block_of(&parts, scores, parts.length, rows, length, packed, parts.mix_stride);
        multiply_rows(&parts, rows, x, values, parts.mix_lines, parts.dimension, mixed);
        for (int row = 0; row < rows; row++)
            for (int64_t column = 0; column < dimension; column += LANES)
                store_results(op, divide(load(mixed + row * parts.dimension + column), all(sums[row])),
                              batch->counts[op->rows], workspace, start + first + row,
                              (int64_t)head * dimension + column, dimension - column);
    }
}
