/* Runs the steps one after the other, each in chunks. */

#include <sched.h>

#include "kernels.h"

#define CHUNK_ROWS 2
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
};

static int divided(int64_t whole, int64_t part) { return (int)((whole + part - 1) / part); }

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t panels_of_chunk(const struct operation *op) {
    int64_t panels = CHUNK_BYTES / (groups_of(op->inner, op->dtype) * LINE);
    return panels < 1 ? 1 : smaller(panels, MOST_PANELS);
}

static int chunks_of(const struct operation *op, const struct batch *batch) {
    if (op->kind == PACK) return divided(groups_of(op->columns, op->dtype), CHUNK_GROUPS);
    if (op->kind == PRODUCT) return divided(divided(op->columns, LANES), panels_of_chunk(op));
    if (op->kind == ATTENTION) return batch->counts[SEQUENCES] * op->inner;
    return divided(batch->counts[op->rows], CHUNK_ROWS);
}

static void compute(const struct operation *op, const struct batch *batch, float *workspace, int chunk) {
    int rows = batch->counts[op->rows];
    int from = chunk * CHUNK_ROWS, to = (int)smaller(from + CHUNK_ROWS, rows);
    switch (op->kind) {
    case EMBEDDING: embed(op, batch, workspace, from, to); break;
    case LAYER_NORM: layer_norm(op, workspace, from, to); break;
    case ACTIVATION: activate(op, workspace, from, to); break;
    case ROWS: choose_rows(op, batch, workspace, from, to); break;
    case PACK: {
        int64_t groups = groups_of(op->columns, op->dtype), first = (int64_t)chunk * CHUNK_GROUPS;
        pack_rows(op, rows, workspace, first, smaller(first + CHUNK_GROUPS, groups));
        break;
    }
    case PRODUCT: {
        int64_t panels = divided(op->columns, LANES), part = panels_of_chunk(op);
        multiply_panels(op, rows, workspace, chunk * part, smaller((chunk + 1) * part, panels));
        break;
    }
    case ATTENTION: attend(op, batch, workspace, chunk / op->inner, chunk % op->inner); break;
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
    const struct run *run = job;
    int waited = 0;
    for (int number = 0; number < run->count; number++) {
        const struct operation *op = run->operations + number;
        for (; op->waits && waited < number; waited++)
            wait_for(run->progress + waited, chunks_of(run->operations + waited, run->batch));
        int chunks = chunks_of(op, run->batch), chunk;
        struct progress *step = run->progress + number;
        while ((chunk = atomic_fetch_add_explicit(&step->next, 1, memory_order_relaxed)) < chunks) {
            compute(op, run->batch, run->workspace, chunk);
            atomic_fetch_add_explicit(&step->done, 1, memory_order_release);
        }
    }
    for (; waited < run->count; waited++)
        wait_for(run->progress + waited, chunks_of(run->operations + waited, run->batch));
}

EXPORTED void pellucid_run(const struct operation *operations, int count, const struct batch *batch, float *workspace,
                  int threads) {
    struct progress progress[count];
    for (int number = 0; number < count; number++) {
        atomic_init(&progress[number].next, 0);
        atomic_init(&progress[number].done, 0);
    }
    struct run run = {operations, count, batch, workspace, progress};
    with_helpers(take_part, &run, threads);
}
