/* Products of many rows by AMX, whose tiles are 16 rows of 64 bytes.
 *
 * A tile of weights is 16 lines of a panel as it lies. A tile of inputs is 16 rows' groups, each row's one behind the
 * other.
 */

#pragma once

#include "kernels.h"

#define TILE_ROWS 16
#define TILED_ROWS 32 /* two tiles of rows meet two of weights, so that each is read for two products */

static inline int tiled_blocks(int rows) { return (rows + TILED_ROWS - 1) / TILED_ROWS; }

#ifdef __AVX512F__

/* Whether so many rows of a precision are multiplied by tiles, for which they are packed otherwise. */
int in_tiles(int dtype, int rows);

/* A thread's tiles must be laid out before it multiplies, and given back after. */
void begin_tiles(void);
void end_tiles(void);

void multiply_in_tiles(const struct operation *op, int rows, float *workspace, const int64_t panels[2],
                       const int blocks[2]);

/* Of up to 32 packed rows and two panels, or one where there is no second, sums in float32: 16 or 32 rows of 32. */
void multiply_tiles(int dtype, const char *x, int64_t stride, int rows, const char *first, const char *second,
                    int64_t lines, float *sums, int64_t sums_stride);

#else

static inline int in_tiles(int dtype, int rows) {
    (void)dtype, (void)rows;
    return 0;
}
static inline void begin_tiles(void) {}
static inline void end_tiles(void) {}

#endif
