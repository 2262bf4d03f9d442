/* Rows and weights in the order in which products read them.
 *
 * A panel is 16 outputs: for each group of inputs a line of their weights. A row's numbers are packed in the same groups,
 * 4 bytes each, with those of all rows of a block side by side.
 */

#include <math.h>
#include <string.h>

#include "packing.h"

/* Sixteen groups of a row, beginning at one of them; zeros behind the row's end. */
static inline integers groups_at(const struct operation *op, const float *x, int64_t first) {
    int32_t groups[LANES] __attribute__((aligned(LINE)));
    int columns = columns_of_group(op->packs);
    for (int part = 0; part < columns; part++) {
        int64_t column = columns * first + part * LANES, count = op->columns - column;
        vector factors = op->factors ? load_some((const float *)op->factors + column, count) : all(0);
        group(op->packs, load_some(x + column, count), factors, op->lowest, groups + part * LANES / columns);
    }
    return load_integers(groups);
}

/* A block of rows as `multiply_block` reads them, for some of the groups; rows that are not there are zeros. */
static void pack_groups(const struct operation *op, const float *x, int64_t stride, int rows, int block_rows,
                        int32_t *packed, int64_t from, int64_t to) {
    for (int first = 0; first < block_rows; first += LANES) {
        int present = (int)smaller(LANES, block_rows - first);
        for (int64_t group = from; group < to; group += LANES) {
            integers vectors[LANES];
            for (int row = 0; row < present; row++)
                vectors[row] = first + row < rows ? groups_at(op, x + (first + row) * stride, group) : no_integers();
            store_columns(vectors, present, packed + group * block_rows + first, block_rows,
                          (int)smaller(LANES, to - group));
        }
    }
}

void pack_block(int dtype, const float *x, int64_t stride, int rows, int64_t columns, int32_t *packed) {
    struct operation op = {.packs = dtype, .columns = (int32_t)columns};
    pack_groups(&op, x, stride, rows, rows, packed, 0, groups_of(columns, dtype));
}

/* Rows that lie apart, for some of the groups, of which the first begins a line of the cache. */
static void pack_apart(const struct operation *op, const float *x, int64_t x_stride, int rows, int32_t *packed,
                           int64_t stride, int64_t from, int64_t to) {
    for (int row = 0; row < rows; row++)
        for (int64_t group = from; group < to; group += LANES)
            store_integers(packed + row * stride + group, groups_at(op, x + row * x_stride, group));
}

void pack_tiled_block(int dtype, const float *x, int64_t x_stride, int rows, int64_t columns, int32_t *packed,
                      int64_t stride) {
    struct operation op = {.packs = dtype, .columns = (int32_t)columns};
    pack_apart(&op, x, x_stride, rows, packed, stride, 0, groups_of(columns, dtype));
}

void pack_rows(const struct operation *op, const float *x, int rows, float *workspace, const int some[2],
               const int64_t groups[2]) {
    int at_once = lie_apart(op->packs, rows) ? some[1] - some[0] : rows_of_block(rows);
    for (int first = some[0]; first < some[1]; first += at_once) {
        const float *own = x + (int64_t)first * op->columns;
        struct place place = packed_place(op, rows, workspace, first);
        if (lie_apart(op->packs, rows))
            pack_apart(op, own, op->columns, at_once, place.groups, place.row, groups[0], groups[1]);
        else
            pack_groups(op, own, op->columns, rows - first, at_once, place.groups, groups[0], groups[1]);
    }
}

/* Keys `[L, D]` as the panels of a weight: a row of them is an output. */
void pack_outputs(int dtype, const float *x, int64_t stride, int64_t outputs, int64_t columns, int32_t *panels,
                  int64_t lines) {
    int64_t groups = groups_of(columns, dtype);
    for (int64_t first = 0; first < outputs; first += LANES, panels += lines * LANES, x += LANES * stride) {
        struct operation op = {.packs = dtype, .columns = (int32_t)columns};
        pack_groups(&op, x, stride, (int)smaller(outputs - first, LANES), LANES, panels, 0, groups);
        memset(panels + groups * LANES, 0, (lines - groups) * LINE);
    }
}

/* Values `[L, D]` as the panels of a weight: a row of them is an input. */
void pack_inputs(int dtype, const float *x, int64_t stride, int64_t inputs, int64_t columns, int32_t *panels,
                 int64_t lines) {
    int of_group = columns_of_group(dtype);
    int64_t groups = groups_of(inputs, dtype);
    for (int64_t column = 0; column < columns; column += LANES, panels += lines * LANES) {
        int32_t *line = panels;
        for (int64_t input = 0; input < inputs; input += of_group, line += LANES) {
            vector first = load_some(x + input * stride + column, columns - column);
#ifdef __AVX512F__
            if (of_group == 2) {
                vector second = all(0);
                if (input + 1 < inputs) second = load_some(x + (input + 1) * stride + column, columns - column);
                store_pairs(first, second, line);
                continue;
            }
#endif
            store((float *)line, first);
        }
        memset(line, 0, (lines - groups) * LINE);
    }
}

/* The nearest bfloat16, the even one of two; what is no number stays none. */
static inline uint16_t bfloat16_bits(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return (uint16_t)(isnan(number) ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline __attribute__((always_inline)) void pack_weight(const void *weight, void *panels, int64_t outputs,
                                                              int64_t inputs, const int dtype) {
    const int of_group = columns_of_group(dtype);
    int64_t lines = lines_of(inputs, dtype);
    for (int64_t output = 0; output < outputs; output++) {
        int64_t panel = (output / LANES * lines * LANES + output % LANES) * of_group;
        for (int64_t input = 0; input < inputs; input++) {
            int64_t from = output * inputs + input, to = panel + input / of_group * LANES * of_group + input % of_group;
            if (dtype == INT8)
                ((uint8_t *)panels)[to] = ((const uint8_t *)weight)[from];
            else if (dtype == BFLOAT16)
                ((uint16_t *)panels)[to] = bfloat16_bits(((const float *)weight)[from]);
            else
                ((float *)panels)[to] = ((const float *)weight)[from];
        }
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

/* How many products of int8 are added up in 16 bits, which weights must leave room for. */
EXPORTED int pellucid_added_in_16_bits(void) { return 2 * int8_together; }

/* How many bytes that memory is. */
EXPORTED int64_t pellucid_weight_bytes(int64_t outputs, int64_t inputs, int dtype) {
    return (outputs + LANES - 1) / LANES * lines_of(inputs, dtype) * bytes_of_line(dtype);
}

/* How many numbers of float32 a value is at most, of up to so many rows that are packed for products. */
EXPORTED int64_t pellucid_packed_size(int rows, int64_t columns, int dtype) {
    int64_t stride = row_bytes(columns, dtype) / 4;
    if (ROWS_APART) return rows * stride;
    /* Of each block all rows but the last one's are there; tiles may read behind the last row. */
    int64_t in_blocks = (rows + blocks_of(rows)) * groups_of(columns, dtype);
    int64_t tiled = (int64_t)tiled_blocks(rows) * TILED_ROWS * stride;
    return in_blocks > tiled ? in_blocks : tiled;
}
