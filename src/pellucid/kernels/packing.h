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

/* Where a packed row lies: its first group, how far it is to the next row's, and how far to its next group. */
struct place {
    int32_t *groups;
    int64_t row, step;
};

static inline struct place place_of(const struct operation *op, int rows, float *workspace, int row) {
    int32_t *packed = (int32_t *)(workspace + op->output);
    if (in_tiles(op->packs, rows)) {
        int64_t stride = tiled_stride(op->columns, op->packs) / 4;
        return (struct place){packed + row * stride, stride, 1};
    }
    int block_rows = rows_of_block(rows), block = row / block_rows;
    packed += block * groups_of(op->columns, op->packs) * block_rows;
    return (struct place){packed + row - block * block_rows, 1, block_rows};
}

/* Sixteen numbers of a row, beginning at a column, become some of its groups. */
static inline void store_packed(const struct operation *op, vector numbers, const struct place *place, int row,
                                int64_t column) {
    int32_t groups[LANES];
    const float *factors = op->factors;
    int64_t left = op->columns - column, before = groups_of(column, op->packs);
    numbers = choose(first_lanes(left), numbers, all(0));
    group(op->packs, numbers, factors ? load_some(factors + column, left) : all(0), op->number, groups);
    int32_t *first = place->groups + row * place->row + before * place->step;
    if (place->row > 1 && left > LANES) {
        memcpy(first, groups, op->packs == INT8 ? sizeof groups / int8_columns : sizeof groups / bfloat16_columns);
        return;
    }
    int count = (int)smaller(LANES / columns_of_group(op->packs), groups_of(left, op->packs));
    for (int number = 0; number < count; number++) first[number * place->step] = groups[number];
    if (place->row > 1)
        /* A row for tiles has zeros up to the end of the last one. */
        memset(first + count, 0, (lines_of(op->columns, op->packs) - before - count) * sizeof *first);
}
