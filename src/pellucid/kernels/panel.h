/* One panel for one block of rows: included for each precision, with PRECISION(name) naming what is the precision's own,
 * as in precisions.h.
 *
 * With the number of rows known to the compiler all sums stay in registers.
 */

static inline __attribute__((always_inline)) void PRECISION(panel)(const int rows, const int32_t *x, int64_t stride,
                                                                   const char *weight, int64_t groups, vector *sums) {
    PRECISION(sums) sum[BLOCK_ROWS];
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sum[row] = PRECISION(none)();
    for (int64_t group = 0; group < groups; group++, weight += PRECISION(line), x += to_next_group(stride)) {
        /* The next panels are behind this one, and are on their way while it is multiplied. */
        _mm_prefetch(weight + AHEAD, _MM_HINT_T0);
        PRECISION(weights) weights = PRECISION(loaded)(weight);
#pragma GCC unroll 28
        for (int row = 0; row < rows; row++)
            sum[row] = PRECISION(added)(sum[row], weights, x[row * to_next_row(stride)]);
    }
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sums[row] = PRECISION(floats)(sum[row]);
}
