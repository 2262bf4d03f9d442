#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* for syscall */
#endif

#include "tiles.h"

#ifdef __AVX512F__

#include <sys/syscall.h>
#include <unistd.h>

#include "activations.h"
#include "packing.h"

/* Up to so many rows the weights take longer to read than to multiply, and more of a tile would be empty than full.
 * Reckoned, not measured.
 */
#define FEW_BFLOAT16_ROWS 16
#define FEW_INT8_ROWS 32

static int are_used;

#ifndef IN_SOFTWARE /* where a test has its own of these */

/* The system gives memory for tiles to processes that ask. */
static int may_use_tiles(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}

#define LOAD_TILE(tile, place, stride) \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : : "r"(place), "r"((int64_t)(stride)) : "memory")
#define STORE_TILE(tile, place, stride) \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : : "r"(place), "r"((int64_t)(stride)) : "memory")
#define ZERO_TILE(tile) __asm__ volatile("tilezero %%tmm" #tile ::)
#define ADD_PAIRS(sums, x, weights) __asm__ volatile("tdpbf16ps %%tmm" #weights ", %%tmm" #x ", %%tmm" #sums ::)
#define ADD_FOURS(sums, x, weights) __asm__ volatile("tdpbusd %%tmm" #weights ", %%tmm" #x ", %%tmm" #sums ::)

#define LAY_OUT_TILES(layout) __asm__ volatile("ldtilecfg %0" : : "m"(layout))
#define GIVE_BACK_TILES() __asm__ volatile("tilerelease" ::)

#endif

/* All eight are of 16 rows and 64 bytes. */
void begin_tiles(void) {
    static const struct {
        uint8_t palette, start, unused[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } layout __attribute__((aligned(LINE))) = {
        .palette = 1,
        .bytes = {LINE, LINE, LINE, LINE, LINE, LINE, LINE, LINE},
        .rows = {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS},
    };
    if (!are_used) return;
    LAY_OUT_TILES(layout);
    /* The system makes room for a thread's tiles when one is first used: now, and not after this thread has waited. */
    ZERO_TILE(0);
}

void end_tiles(void) {
    if (are_used) GIVE_BACK_TILES();
}

EXPORTED int pellucid_use_tiles(void) { return are_used = may_use_tiles(); }

int in_tiles(int dtype, int rows) {
    return are_used && ((dtype == INT8 && rows > FEW_INT8_ROWS) || (dtype == BFLOAT16 && rows > FEW_BFLOAT16_ROWS));
}

/* One tile of inputs deep: tiles 0 to 3 are the sums, of which the first two are the first panel's. */
static inline __attribute__((always_inline)) void add_step(int dtype, const char *x, int64_t stride, int is_tall,
                                                           const char *first, const char *second) {
    LOAD_TILE(6, first, LINE);
    LOAD_TILE(4, x, stride);
    if (is_tall) LOAD_TILE(5, x + TILE_ROWS * stride, stride);
    if (second) LOAD_TILE(7, second, LINE);
    if (dtype == INT8) {
        ADD_FOURS(0, 4, 6);
        if (is_tall) ADD_FOURS(1, 5, 6);
        if (second) ADD_FOURS(2, 4, 7);
        if (is_tall && second) ADD_FOURS(3, 5, 7);
    } else {
        ADD_PAIRS(0, 4, 6);
        if (is_tall) ADD_PAIRS(1, 5, 6);
        if (second) ADD_PAIRS(2, 4, 7);
        if (is_tall && second) ADD_PAIRS(3, 5, 7);
    }
}

static inline void clear_sums(void) {
    ZERO_TILE(0);
    ZERO_TILE(1);
    ZERO_TILE(2);
    ZERO_TILE(3);
}

static inline void store_sums(char *sums, int64_t stride) {
    STORE_TILE(0, sums, stride);
    STORE_TILE(1, sums + TILE_ROWS * stride, stride);
    STORE_TILE(2, sums + LINE, stride);
    STORE_TILE(3, sums + TILE_ROWS * stride + LINE, stride);
}

void multiply_tiles(int dtype, const char *x, int64_t stride, int rows, const char *first, const char *second,
                    int64_t lines, float *sums, int64_t sums_stride) {
    clear_sums();
    for (int64_t line = 0; line < lines; line += TILE_ROWS)
        add_step(dtype, x + line * 4, stride, rows > TILE_ROWS, first + line * LINE,
                 second ? second + line * LINE : NULL);
    store_sums((char *)sums, sums_stride * sizeof *sums);
}

/* Sums of up to 32 rows and 32 outputs, which become outputs while the next ones are added up. */
struct unit {
    int row, rows, panels; /* of these one or two */
    int64_t column;
    int32_t sums[TILED_ROWS * 2 * LANES] __attribute__((aligned(LINE)));
};

static inline void finish(const struct operation *op, int rows, float *workspace, const struct unit *unit,
                          int vector_number) {
    int row = vector_number >> (unit->panels - 1), panel = vector_number & (unit->panels - 1);
    int64_t column = unit->column + panel * LANES, count = op->columns - column;
    const int32_t *sums = unit->sums + (row * 2 + panel) * LANES;
    vector found = op->dtype == INT8 ? int8_floats(load_integers(sums)) : load((const float *)sums);
    vector scale = op->scale ? load_some((const float *)op->scale + column, count) : all(1);
    vector shift = op->shift ? load_some((const float *)op->shift + column, count) : all(0);
    found = activated(op->function, multiply_add(found, scale, shift));
    store_results(op, found, rows, workspace, unit->row + row, column, count);
}

void multiply_in_tiles(const struct operation *op, int rows, float *workspace, const int64_t panels[2],
                       const int blocks[2]) {
    int64_t lines = lines_of(op->inner, op->dtype), stride = row_bytes(op->inner, op->dtype);
    struct unit units[2], *unit = units, *last = units + 1;
    int left = 0, done = 0; /* of the last unit's vectors */
    for (int block = blocks[0]; block < blocks[1]; block++) {
        int row = block * TILED_ROWS, present = (int)smaller(TILED_ROWS, rows - row);
        const char *x = (const char *)(workspace + op->first) + row * stride;
        for (int64_t panel = panels[0]; panel < panels[1]; panel += 2) {
            const char *first = (const char *)op->weight + panel * lines * LINE;
            const char *second = panel + 1 < panels[1] ? first + lines * LINE : NULL;
            clear_sums();
            for (int64_t line = 0; line < lines; line += TILE_ROWS) {
                add_step(op->dtype, x + line * 4, stride, present > TILE_ROWS, first + line * LINE,
                         second ? second + line * LINE : NULL);
                for (int until = (int)(left * (line + TILE_ROWS) / lines); done < until; done++)
                    finish(op, rows, workspace, last, done);
            }
            store_sums((char *)unit->sums, 2 * LINE);
            unit->row = row;
            unit->rows = present;
            unit->panels = second ? 2 : 1;
            unit->column = panel * LANES;
            left = unit->rows * unit->panels;
            done = 0;
            struct unit *next = last;
            last = unit;
            unit = next;
        }
    }
    for (; done < left; done++) finish(op, rows, workspace, last, done);
}

#endif
