/* Rows as the groups that panels are multiplied with. */

#pragma once

#include <string.h>

#include "tiles.h"

/* Sixteen numbers as groups. Of int8 each times its factor, in steps from the lowest value: 0 to 255; what is no number
 * becomes 0.
 */
static inline void group(int dtype, vector numbers, vector factors, float lowest, int32_t *groups) {
    if (dtype == INT8) {
        vector steps = multiply_subtract(numbers, factors, all(lowest));
        int8_grouped(lower(higher(steps, all(0)), all(255)), groups);
    } else if (dtype == BFLOAT16) {
        bfloat16_grouped(numbers, groups);
    } else {
        float32_grouped(numbers, groups);
    }
}

/* Whether a row's groups lie one behind the other, or side by side with those of the other rows of its block. */
static inline int lie_apart(int dtype, int rows) { return ROWS_APART || in_tiles(dtype, rows); }

/* Bytes from one packed row to the next: an odd number of lines of the cache, as even ones would push each other out. */
static inline int64_t row_bytes(int64_t columns, int dtype) {
    return (rounded_up(lines_of(columns, dtype) * 4, LINE) / LINE | 1) * LINE;
}

/* Where a packed row lies: its first group, how far it is to the next row's, and how far to its next group. */
struct place {
    int32_t *groups;
    int64_t row, step;
};

static inline struct place place_of(float *packed, int dtype, int64_t columns, int rows, int row) {
    int32_t *groups = (int32_t *)packed;
    if (lie_apart(dtype, rows)) {
        int64_t stride = row_bytes(columns, dtype) / 4;
        return (struct place){groups + row * stride, stride, 1};
    }
    int block_rows = rows_of_block(rows), block = row / block_rows;
    groups += block * groups_of(columns, dtype) * block_rows;
    return (struct place){groups + row - block * block_rows, 1, block_rows};
}

/* Where a row that an operation packs lies. */
static inline struct place packed_place(const struct operation *op, int rows, float *workspace, int row) {
    return place_of(workspace + op->packed, op->packs, op->columns, rows, row);
}

/* Sixteen numbers of a row, beginning at a column, become some of its groups. */
static inline void store_packed(const struct operation *op, vector numbers, const struct place *place, int row,
                                int64_t column) {
    int32_t groups[LANES];
    const float *factors = op->factors;
    int64_t left = op->columns - column, before = groups_of(column, op->packs);
    numbers = choose(first_lanes(left), numbers, all(0));
    group(op->packs, numbers, factors ? load_some(factors + column, left) : all(0), op->lowest, groups);
    int32_t *first = place->groups + row * place->row + before * place->step;
    if (place->step > 1) {
        int count = (int)smaller(LANES / columns_of_group(op->packs), groups_of(left, op->packs));
        for (int number = 0; number < count; number++) first[number * place->step] = groups[number];
        return;
    }
    /* A row that lies apart fills whole lines of the cache. */
    if (op->packs == INT8)
        memcpy(first, groups, sizeof groups / int8_columns);
    else if (op->packs == BFLOAT16)
        memcpy(first, groups, sizeof groups / bfloat16_columns);
    else
        memcpy(first, groups, sizeof groups);
    int64_t written = LANES / columns_of_group(op->packs), lines = lines_of(op->columns, op->packs);
    if (tile_lines > 1 && left <= LANES && before + written < lines)
        /* One for tiles has zeros up to the end of the last one. */
        memset(first + written, 0, (lines - before - written) * sizeof *first);
}

/* Up to sixteen results of a row, beginning at a column: packed for the next product, or as they are. */
static inline void store_results(const struct operation *op, vector results, int rows, float *workspace, int64_t row,
                                 int64_t column, int64_t count) {
    if (op->packs < 0) {
        store_some(workspace + op->output + row * op->columns + column, results, count);
        return;
    }
    struct place place = packed_place(op, rows, workspace, (int)row);
    store_packed(op, results, &place, 0, column);
}
