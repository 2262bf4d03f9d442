/* The instructions of AMX that the kernels use, in plain C. Each does what Intel's manual says of it, for tiles of 16 rows
 * and 64 bytes; the products fail if the tiles were not laid out so.
 */
#pragma once

#include <stdlib.h>

#include "avx512.h"

static __thread uint8_t software_tiles[8][16][64];
static __thread int software_rows; /* 0 where they are not laid out */

/* How many products of tiles there were, for tests to read. */
__attribute__((weak, visibility("default"))) int software_products;

SOFTWARE int may_use_tiles(void) { return 1; }

SOFTWARE void software_lay_out(const void *layout) {
    uint8_t bytes[64];
    memcpy(bytes, layout, 64);
    if (bytes[0] != 1 || bytes[1] != 0) abort();
    for (int i = 2; i < 16; i++)
        if (bytes[i]) abort();
    for (int tile = 0; tile < 16; tile++) {
        int width = bytes[16 + 2 * tile] | bytes[17 + 2 * tile] << 8, rows = bytes[48 + tile];
        if (width != (tile < 8 ? 64 : 0) || rows != (tile < 8 ? 16 : 0)) abort();
    }
    memset(software_tiles, 0, sizeof software_tiles);
    software_rows = 16;
}
SOFTWARE void software_load_tile(int tile, const void *place, int64_t stride) {
    if (!software_rows) abort();
    for (int row = 0; row < 16; row++) memcpy(software_tiles[tile][row], (const char *)place + row * stride, 64);
}
SOFTWARE void software_store_tile(int tile, void *place, int64_t stride) {
    if (!software_rows) abort();
    for (int row = 0; row < 16; row++) memcpy((char *)place + row * stride, software_tiles[tile][row], 64);
}
SOFTWARE void software_add_fours(int sums, int x, int weights) {
    if (!software_rows) abort();
    __atomic_fetch_add(&software_products, 1, __ATOMIC_RELAXED);
    for (int row = 0; row < 16; row++)
        for (int group = 0; group < 16; group++)
            for (int column = 0; column < 16; column++) {
                int32_t sum;
                memcpy(&sum, software_tiles[sums][row] + 4 * column, 4);
                for (int i = 0; i < 4; i++)
                    sum += software_tiles[x][row][4 * group + i] *
                           (int8_t)software_tiles[weights][group][4 * column + i];
                memcpy(software_tiles[sums][row] + 4 * column, &sum, 4);
            }
}
SOFTWARE void software_add_pairs(int sums, int x, int weights) {
    if (!software_rows) abort();
    __atomic_fetch_add(&software_products, 1, __ATOMIC_RELAXED);
    for (int row = 0; row < 16; row++)
        for (int column = 0; column < 16; column++) {
            float sum, found[2] = {0, 0};
            memcpy(&sum, software_tiles[sums][row] + 4 * column, 4);
            for (int group = 0; group < 16; group++)
                for (int i = 0; i < 2; i++) {
                    uint16_t left, right;
                    memcpy(&left, software_tiles[x][row] + 4 * group + 2 * i, 2);
                    memcpy(&right, software_tiles[weights][group] + 4 * column + 2 * i, 2);
                    found[i] = fmaf(software_float(left), software_float(right), found[i]);
                }
            sum += found[0] + found[1];
            memcpy(software_tiles[sums][row] + 4 * column, &sum, 4);
        }
}

#define LAY_OUT_TILES(layout) software_lay_out(&(layout))
#define GIVE_BACK_TILES() (software_rows = 0)
#define LOAD_TILE software_load_tile
#define STORE_TILE software_store_tile
#define ZERO_TILE(tile) memset(software_tiles[tile], 0, 1024)
#define ADD_FOURS software_add_fours
#define ADD_PAIRS software_add_pairs
