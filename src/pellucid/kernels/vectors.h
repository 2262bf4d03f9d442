/* Vectors of sixteen numbers, which every file but those of the two processors is written in. */

#pragma once

#include <immintrin.h>
#include <stdint.h>

#define LANES 16 /* numbers of float32 in one vector */
#define LINE 64  /* bytes of it, and of a line of the cache */

enum dtype { FLOAT32, BFLOAT16, INT8, FLOAT16 };

/* Both of these have
 *
 *   vector, integers, lanes    sixteen float32, sixteen int32, and which of sixteen
 *   BLOCK_ROWS                 rows that are multiplied by one vector of weights while it is in a register: as many as
 *                              there are registers for their sums; EACH_NUMBER_OF_ROWS has ROWS(n) for each
 *   ROWS_APART                 whether a row's inputs lie one behind the other, or side by side with those of its block
 *   to_next_row, to_next_group of inputs with a stride
 *   all(n)                     n in each lane
 *   first_lanes(n)             the first n lanes; all where n is more, none where it is less than 1
 *   load_some(p, n)            the first n from p on, and zeros; nothing behind them is read
 *   load_halves(p, n, dtype)   the same of float16 or bfloat16
 *   store_some(p, x, n)        the first n
 *   multiply_add(x, y, z)      x · y + z, rounded once
 *   multiply_subtract(x, y, z) x · y - z
 *   subtract_product(x, y, z)  x - y · z
 *   lower, higher(x, y)        y where one of the two is no number
 *   times_power_of_2(x, n)     x · 2ⁿ for whole n from -127, which gives 0, to 127
 *   where_less(x, y)           false where one of the two is no number
 *   choose(lanes, x, y)        x in these lanes, y in the others
 *   store_columns(rows, count, place, stride, columns)
 *                              of so many vectors the first columns, each at place + stride · column
 *
 * and add, subtract, multiply, divide, size_of, square_root, nearest_whole, sum_of and highest_of, load and store.
 */
#ifdef __AVX512F__
#include "vectors_avx512.h"
#else
#include "vectors_avx2.h"
#endif
