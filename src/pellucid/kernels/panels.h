/* A precision's panel for each number of rows: included after the panel, with the same PRECISION(name). */

#define ROWS(count)                                                                                       \
    static void PRECISION(panel_##count)(const int32_t *x, int64_t stride, const char *weight, int64_t groups, \
                                         vector *sums) {                                                  \
        PRECISION(panel)(count, x, stride, weight, groups, sums);                                         \
    }
EACH_NUMBER_OF_ROWS
#undef ROWS

#define ROWS(count) PRECISION(panel_##count),
static const panel_function PRECISION(panels)[BLOCK_ROWS] = {EACH_NUMBER_OF_ROWS};
#undef ROWS
#undef PRECISION
