/* One panel, that is 16 outputs, for one block of rows: included once for each precision, which defines
 *
 *   PANEL(n)            the name of the function for n rows
 *   SUM                 the vector that sums are kept in
 *   NOTHING             its zeros
 *   MULTIPLIED(s, w, x) s, and the products of a vector of weights and of one row's numbers
 *   FLOATS(s)           the sums in float32
 *
 * With the number of rows known to the compiler all sums stay in registers.
 */

static inline __attribute__((always_inline)) void SHARED(const int rows, const int32_t *x, const char *weight,
                                                         int64_t groups, __m512 *sums) {
    SUM sum[BLOCK_ROWS];
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sum[row] = NOTHING;
    for (int64_t group = 0; group < groups; group++) {
        const char *line = weight + group * 64;
        /* The next panels are behind this one, and are on their way while it is multiplied. */
        _mm_prefetch(line + AHEAD, _MM_HINT_T0);
        __m512i vector = _mm512_load_si512(line);
#pragma GCC unroll 28
        for (int row = 0; row < rows; row++) sum[row] = MULTIPLIED(sum[row], vector, x[group * rows + row]);
    }
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sums[row] = FLOATS(sum[row]);
}

#define DEFINE(rows)                                                                              \
    static void PANEL(rows)(const int32_t *x, const char *weight, int64_t groups, __m512 *sums) { \
        SHARED(rows, x, weight, groups, sums);                                                    \
    }
DEFINE(1) DEFINE(2) DEFINE(3) DEFINE(4) DEFINE(5) DEFINE(6) DEFINE(7) DEFINE(8) DEFINE(9) DEFINE(10)
DEFINE(11) DEFINE(12) DEFINE(13) DEFINE(14) DEFINE(15) DEFINE(16) DEFINE(17) DEFINE(18) DEFINE(19) DEFINE(20)
DEFINE(21) DEFINE(22) DEFINE(23) DEFINE(24) DEFINE(25) DEFINE(26) DEFINE(27) DEFINE(28)

static const panel_function TABLE[BLOCK_ROWS] = {
    PANEL(1),  PANEL(2),  PANEL(3),  PANEL(4),  PANEL(5),  PANEL(6),  PANEL(7),  PANEL(8),  PANEL(9),  PANEL(10),
    PANEL(11), PANEL(12), PANEL(13), PANEL(14), PANEL(15), PANEL(16), PANEL(17), PANEL(18), PANEL(19), PANEL(20),
    PANEL(21), PANEL(22), PANEL(23), PANEL(24), PANEL(25), PANEL(26), PANEL(27), PANEL(28),
};

#undef DEFINE
#undef SHARED
#undef PANEL
#undef TABLE
#undef SUM
#undef NOTHING
#undef MULTIPLIED
#undef FLOATS
