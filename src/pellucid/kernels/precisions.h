/* What products of float32, bfloat16 and int8 are made of on each processor.
 *
 * Inputs are multiplied in groups: of a row a group is 4 bytes, of a panel, that is of 16 outputs, a line of weights.
 */

#pragma once

#include "vectors.h"

/* For each precision both of these have
 *
 *   …_columns              inputs of a group; one of float32
 *   …_line                 bytes of a line
 *   tile_lines             lines of a tile of weights; 1 where there are no tiles
 *   int8_together          groups whose products are added up in 16 bits; 0 where none are
 *   …_sums, …_weights      sixteen sums, and a line of weights in a register
 *   …_none()               sums of nothing
 *   …_loaded(line)         the weights of a line
 *   …_added(sums, w, x)    the sums, and the products of a line of weights with a row's group
 *   …_floats(sums)         in float32
 *   …_grouped(x, groups)   sixteen numbers of a row as groups; those of int8 are whole, from 0 to 255
 *
 * but for int8 by AVX2, whose own panel needs none of the sums, the weights, and what is done with them.
 */
#ifdef __AVX512F__
#include "precisions_avx512.h"
#else
#include "precisions_avx2.h"
#endif

static inline int columns_of_group(int dtype) {
    return dtype == INT8 ? int8_columns : dtype == BFLOAT16 ? bfloat16_columns : 1;
}

static inline int64_t groups_of(int64_t columns, int dtype) {
    return (columns + columns_of_group(dtype) - 1) / columns_of_group(dtype);
}

static inline int64_t rounded_up(int64_t numbers, int64_t to) { return (numbers + to - 1) / to * to; }

/* Lines of a panel of weights: of what tiles multiply whole tiles. What is behind the last group is zeros. */
static inline int64_t lines_of(int64_t columns, int dtype) {
    int64_t groups = groups_of(columns, dtype);
    return dtype == FLOAT32 ? groups : rounded_up(groups, tile_lines);
}

static inline int bytes_of_line(int dtype) {
    return dtype == INT8 ? int8_line : dtype == BFLOAT16 ? bfloat16_line : float32_line;
}
