/* What is done to each row, or to each number, by itself. */

#include <stddef.h>

#include "activations.h"
#include "packing.h"

static inline float *row_of(float *workspace, int64_t place, int64_t row, int64_t columns) {
    return workspace + place + row * columns;
}

static inline vector of_table(const void *table, int dtype, int64_t at, int64_t count) {
    if (dtype == FLOAT32) return load_some((const float *)table + at, count);
    return load_halves((const uint16_t *)table + at, count, dtype);
}

void embed(const struct operation *op, const struct batch *batch, float *workspace, int from, int to) {
    const int32_t *ids = batch->indices[op->function];
    for (int row = from; row < to; row++) {
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            int64_t count = op->columns - column;
            vector found = of_table(op->weight, op->dtype, (int64_t)ids[row] * op->columns + column, count);
            store_some(y + column, found, count);
        }
    }
}

void choose_rows(const struct operation *op, const struct batch *batch, float *workspace, int from, int to) {
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, batch->indices[op->function][row], op->columns);
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column++) y[column] = x[column];
    }
}

/* The second operand is of all rows, or one row that serves all. */
void elementwise(const struct operation *op, float *workspace, int from, int to) {
    vector factor = all(op->number);
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, row, op->columns);
        const float *other =
            op->weight ? (const float *)op->weight : row_of(workspace, op->second, row, op->columns);
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            int64_t count = op->columns - column;
            vector value = load_some(x + column, count);
            if (op->kind == SCALE)
                value = multiply(value, factor);
            else if (op->kind == ADD)
                value = add(value, load_some(other + column, count));
            else
                value = multiply(value, load_some(other + column, count));
            store_some(y + column, value, count);
        }
    }
}

/* Of one operand, or of the sum of two; what products read next is packed as well. */
void layer_norm(const struct operation *op, int rows, float *workspace, int from, int to) {
    const float *weight = op->weight, *bias = op->shift;
    int packs = op->packs >= 0, are_apart = packs && lie_apart(op->packs, rows);
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, row, op->columns), *other = NULL;
        float *y = row_of(workspace, op->output, row, op->columns);
        vector sum = all(0), squares = all(0);
        struct place place = {0};
        if (are_apart) place = packed_place(op, rows, workspace, row);
        if (op->second >= 0) other = row_of(workspace, op->second, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            int64_t count = op->columns - column;
            vector value = load_some(x + column, count);
            if (other) {
                value = add(value, load_some(other + column, count));
                store_some(y + column, value, count);
            }
            sum = add(sum, value);
        }
        if (other) x = y;
        vector mean = all(sum_of(sum) / (float)op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            int64_t count = op->columns - column;
            vector centred = subtract(load_some(x + column, count), mean);
            centred = choose(first_lanes(count), centred, all(0));
            squares = multiply_add(centred, centred, squares);
        }
        vector variance = all(sum_of(squares) / (float)op->columns + op->number);
        vector scale = divide(all(1), square_root(variance));
        for (int64_t column = 0; column < op->columns; column += LANES) {
            int64_t count = op->columns - column;
            vector centred = subtract(load_some(x + column, count), mean);
            vector normal = multiply(multiply(centred, scale), load_some(weight + column, count));
            if (bias) normal = add(normal, load_some(bias + column, count));
            store_some(y + column, normal, count);
            if (are_apart) store_packed(op, normal, &place, 0, column);
        }
    }
    /* Side by side, several rows are laid out together. */
    if (packs && !are_apart) {
        int64_t groups[2] = {0, groups_of(op->columns, op->packs)};
        pack_rows(op, workspace + op->output, rows, workspace, (int[2]){from, to}, groups);
    }
}

void activate(const struct operation *op, float *workspace, int from, int to) {
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, row, op->columns);
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            int64_t count = op->columns - column;
            vector value = load_some(x + column, count);
            store_some(y + column, activated(op->function, value), count);
        }
    }
}
