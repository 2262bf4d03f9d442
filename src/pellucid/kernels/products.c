/* Products: weights are read in the order in which they lie. */

#include "activations.h"
#include "packing.h"

#define AHEAD 8192 /* bytes */

typedef void (*panel_function)(const int32_t *x, int64_t stride, const char *weight, int64_t groups, vector *sums);

#define PRECISION(name) float32_##name
#include "panel.h"
#include "panels.h"
#define PRECISION(name) bfloat16_##name
#include "panel.h"
#include "panels.h"
#define PRECISION(name) int8_##name
#ifdef __AVX512F__
#include "panel.h"
#else
#include "panel_avx2_int8.h"
#endif
#include "panels.h"

void multiply_block(int dtype, int rows, const int32_t *x, int64_t stride, const char *weight, int64_t groups,
                    vector *sums) {
    const panel_function *functions =
        dtype == INT8 ? int8_panels : dtype == BFLOAT16 ? bfloat16_panels : float32_panels;
    functions[rows - 1](x, stride, weight, groups, sums);
}

/* `function(sum · scale + shift)`; a block of rows stays in the cache while it meets all panels. */
void multiply_panels(const struct operation *op, int rows, float *workspace, const int64_t panels[2],
                     const int blocks[2]) {
    int64_t groups = groups_of(op->inner, op->dtype);
    int64_t panel_bytes = lines_of(op->inner, op->dtype) * bytes_of_line(op->dtype);
    int block_rows = rows_of_block(rows);
    for (int block = blocks[0]; block < blocks[1]; block++) {
        int first = block * block_rows;
        struct place x = place_of(workspace + op->first, op->dtype, op->inner, rows, first), place = {0};
        float *y = workspace + op->output + (int64_t)first * op->columns;
        if (op->packs >= 0) place = packed_place(op, rows, workspace, first);
        int present = (int)smaller(block_rows, rows - first);
        for (int64_t panel = panels[0]; panel < panels[1]; panel++) {
            int64_t column = panel * LANES, count = op->columns - column;
            vector scale = all(1), shift = all(0), sums[BLOCK_ROWS];
            if (op->scale) scale = load_some((const float *)op->scale + column, count);
            if (op->shift) shift = load_some((const float *)op->shift + column, count);
            multiply_block(op->dtype, present, x.groups, ROWS_APART ? x.row : x.step,
                           (const char *)op->weight + panel * panel_bytes, groups, sums);
            for (int row = 0; row < present; row++) {
                vector found = activated(op->function, multiply_add(sums[row], scale, shift));
                if (op->packs < 0)
                    store_some(y + (int64_t)row * op->columns + column, found, count);
                else
                    store_packed(op, found, &place, row, column);
            }
        }
    }
}
