/* Runs the steps one after the other, each in chunks. */

#include <sched.h>

#include "packing.h"

#define CHUNKS_OF_A_THREAD 8
#define CHUNK_GROUPS 64
#define CHUNK_BYTES (128 * 1024) /* of weights, which stay in a core's cache with a block of rows */
#define MOST_PANELS 8
#define PATIENCE 10000 /* looks at another thread's chunk before the core is left to others */

struct run {
    const struct operation *operations;
    int count;
    const struct batch *batch;
    float *workspace;
    struct progress *progress;
    atomic_int threads; /* that have taken part */
};

static int divided(int64_t whole, int64_t part) { return (int)((whole + part - 1) / part); }

/* Of a step that is done to each row; what is packed side by side in a block is one thread's. */
static int rows_of_chunk(const struct operation *op, const struct batch *batch) {
    int rows = batch->counts[op->rows], fair = divided(rows, CHUNKS_OF_A_THREAD * batch->threads);
    return op->packs < 0 || lie_apart(op->packs, rows) ? fair : (int)rounded_up(fair, rows_of_block(rows));
}

static int panels_of(const struct operation *op) { return divided(op->columns, LANES); }

/* Of rows that meet a panel together. */
static int blocks_of_product(const struct operation *op, const struct batch *batch) {
    int rows = batch->counts[op->rows];
    return in_tiles(op->dtype, rows) ? tiled_blocks(rows) : blocks_of(rows);
}

/* As many chunks as keep all threads at work; panels of one chunk stay in a core's cache. */
static int panels_of_chunk(const struct operation *op, const struct batch *batch) {
    int64_t fitting = CHUNK_BYTES / (lines_of(op->inner, op->dtype) * bytes_of_line(op->dtype));
    int64_t whole = (int64_t)panels_of(op) * blocks_of_product(op, batch);
    int64_t fair = divided(whole, CHUNKS_OF_A_THREAD * batch->threads);
    int panels = (int)smaller(smaller(fair, MOST_PANELS), fitting < 1 ? 1 : fitting);
    return in_tiles(op->dtype, batch->counts[op->rows]) ? panels + panels % 2 : panels;
}

/* In how many parts blocks of rows are where panels alone would leave threads without work. */
static int parts_of_blocks(const struct operation *op, const struct batch *batch) {
    int chunks = divided(panels_of(op), panels_of_chunk(op, batch));
    return (int)smaller(blocks_of_product(op, batch), divided(CHUNKS_OF_A_THREAD * batch->threads, chunks));
}

static int chunks_of(const struct operation *op, const struct batch *batch) {
    int rows = batch->counts[op->rows];
    if (!rows) return 0;
    if (op->kind == PACK) return divided(groups_of(op->columns, op->packs), CHUNK_GROUPS);
    if (op->kind == PRODUCT) return divided(panels_of(op), panels_of_chunk(op, batch)) * parts_of_blocks(op, batch);
    if (op->kind == ATTENTION) return batch->counts[SEQUENCES] * op->inner;
    return divided(rows, rows_of_chunk(op, batch));
}

static void multiply_chunk(const struct operation *op, const struct batch *batch, float *workspace, int chunk) {
    int rows = batch->counts[op->rows], blocks_whole = blocks_of_product(op, batch);
    int parts = parts_of_blocks(op, batch), part = chunk % parts, of_chunk = panels_of_chunk(op, batch);
    int64_t first = (int64_t)(chunk / parts) * of_chunk;
    int64_t panels[2] = {first, smaller(first + of_chunk, panels_of(op))};
    int blocks[2] = {blocks_whole * part / parts, blocks_whole * (part + 1) / parts};
#ifdef __AVX512F__
    if (in_tiles(op->dtype, rows)) {
        multiply_in_tiles(op, rows, workspace, panels, blocks);
        return;
    }
#endif
    multiply_panels(op, rows, workspace, panels, blocks);
}

static void compute(const struct operation *op, const struct batch *batch, float *workspace, float *scratch, int chunk) {
    int rows = batch->counts[op->rows], of_chunk = rows_of_chunk(op, batch);
    int from = chunk * of_chunk, to = (int)smaller(from + of_chunk, rows);
    switch (op->kind) {
    case EMBEDDING: embed(op, batch, workspace, from, to); break;
    case LAYER_NORM: layer_norm(op, rows, workspace, from, to); break;
    case ACTIVATION: activate(op, workspace, from, to); break;
    case ROWS: choose_rows(op, batch, workspace, from, to); break;
    case PACK: {
        int64_t first = (int64_t)chunk * CHUNK_GROUPS, last = first + CHUNK_GROUPS;
        int64_t groups[2] = {first, smaller(last, groups_of(op->columns, op->packs))};
        pack_rows(op, workspace + op->first, rows, workspace, (int[2]){0, rows}, groups);
        break;
    }
    case PRODUCT: multiply_chunk(op, batch, workspace, chunk); break;
    case ATTENTION: attend(op, batch, workspace, scratch, chunk / op->inner, chunk % op->inner); break;
    default: elementwise(op, workspace, from, to);
    }
}

static void wait_for(const struct progress *step, int chunks) {
    for (int looks = 0; atomic_load_explicit(&step->done, memory_order_acquire) < chunks; looks++) {
        if (looks < PATIENCE)
            _mm_pause();
        else
            sched_yield();
    }
}

static void take_part(void *job) {
    struct run *run = job;
    begin_tiles();
    int waited = 0, thread = atomic_fetch_add(&run->threads, 1);
    float *scratch = run->workspace + run->batch->scratch + thread * run->batch->scratch_size;
    for (int number = 0; number < run->count; number++) {
        const struct operation *op = run->operations + number;
        for (; op->waits && waited < number; waited++)
            wait_for(run->progress + waited, chunks_of(run->operations + waited, run->batch));
        int chunks = chunks_of(op, run->batch), chunk;
        struct progress *step = run->progress + number;
        while ((chunk = atomic_fetch_add_explicit(&step->next, 1, memory_order_relaxed)) < chunks) {
            compute(op, run->batch, run->workspace, scratch, chunk);
            atomic_fetch_add_explicit(&step->done, 1, memory_order_release);
        }
    }
    end_tiles();
    for (; waited < run->count; waited++)
        wait_for(run->progress + waited, chunks_of(run->operations + waited, run->batch));
}

EXPORTED void pellucid_run(const struct operation *operations, int count, const struct batch *batch,
                           float *workspace) {
    struct progress progress[count];
    for (int number = 0; number < count; number++) {
        atomic_init(&progress[number].next, 0);
        atomic_init(&progress[number].done, 0);
    }
    struct run run = {operations, count, batch, workspace, progress, 0};
    with_helpers(take_part, &run, batch->threads);
}
