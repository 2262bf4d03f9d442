/* What texts are computed with: a list of operations over rows of float32, run by a few threads.
 *
 * Weights lie in the order in which they are multiplied, so that the next ones are on their way meanwhile, and what is
 * done between two products is done where the numbers are at hand. See docs/decisions/0036-kernels.md.
 *
 * Everything is compiled twice: for AVX-512, whose products of bfloat16 and int8 need its extensions of these names as
 * well, and for AVX2 with FMA. Whoever loads a library looks first.
 */
#pragma once

#include <stdatomic.h>

#include "precisions.h"

#define EXPORTED __attribute__((visibility("default")))

enum kind { EMBEDDING, ADD, MULTIPLY, SCALE, LAYER_NORM, ACTIVATION, ROWS, PACK, PRODUCT, ATTENTION };

enum function { LINEAR, GELU_ERF, GELU_TANH, GELU_SIGMOID, RELU, SILU, SIGMOID, TANH, GELU_ROUGHLY };

/* Which of the batch's numbers of rows an operation has, and which of its arrays of indices it reads. */
enum rows { TOKENS, CHOSEN, SEQUENCES };
enum index { IDS, POSITIONS, TYPES, CHOSEN_ROWS, FIRST_ROWS };

/* One step; its fields are those of `Operation` in engines/kernels_library.py. */
struct operation {
    int32_t kind;
    int32_t waits;    /* whether all steps before must be done */
    int32_t rows;     /* enum rows, of the output */
    int32_t columns;  /* of the output */
    int32_t inner;    /* columns of a product's input; heads of attention */
    int32_t dtype;    /* enum dtype: of packed inputs, or of an embedding's table */
    int32_t packs;    /* enum dtype of what is written packed, for products; -1 where nothing is */
    int32_t function; /* enum function, or enum index */
    float number;     /* epsilon, or factor */
    float lowest;     /* of what is packed in int8, in steps */
    /* Places in the workspace, in numbers of float32; -1 for none. The output is rows of float32, packed, or both. */
    int64_t output, packed, first, second, third;
    const void *weight, *scale, *shift;
    const void *factors; /* of what is packed in int8, for each column */
};

struct batch {
    int32_t counts[3];         /* by enum rows */
    const int32_t *indices[5]; /* by enum index */
    const int32_t *lengths;    /* of each sequence, in tokens */
    int32_t threads;
    int64_t scratch, scratch_size; /* behind the workspace, and of each thread, in numbers of float32 */
};

/* How a run's steps are divided: whoever is free takes the next chunk of the step that is under way. */
struct progress {
    atomic_int next, done;
};

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int blocks_of(int rows) { return (rows + BLOCK_ROWS - 1) / BLOCK_ROWS; }

static inline int rows_of_block(int rows) { return (rows + blocks_of(rows) - 1) / blocks_of(rows); }

void embed(const struct operation *op, const struct batch *batch, float *workspace, int from, int to);
void elementwise(const struct operation *op, float *workspace, int from, int to);
void layer_norm(const struct operation *op, int rows, float *workspace, int from, int to);
void activate(const struct operation *op, float *workspace, int from, int to);
void choose_rows(const struct operation *op, const struct batch *batch, float *workspace, int from, int to);

/* Some of the rows, whole blocks of them where they lie side by side, and some of their groups. */
void pack_rows(const struct operation *op, const float *x, int rows, float *workspace, const int some[2],
               const int64_t groups[2]);

/* Panels from one on to another, for blocks of rows from one on to another. */
void multiply_panels(const struct operation *op, int rows, float *workspace, const int64_t panels[2],
                     const int blocks[2]);

/* The same in parts, for matrices that are no weights: a block of rows, and panels whose outputs or inputs are rows. */
void pack_block(int dtype, const float *x, int64_t stride, int rows, int64_t columns, int32_t *packed);
void pack_tiled_block(int dtype, const float *x, int64_t x_stride, int rows, int64_t columns, int32_t *packed,
                      int64_t stride);
void pack_outputs(int dtype, const float *x, int64_t stride, int64_t outputs, int64_t columns, int32_t *panels,
                  int64_t lines);
void pack_inputs(int dtype, const float *x, int64_t stride, int64_t inputs, int64_t columns, int32_t *panels,
                 int64_t lines);
void multiply_block(int dtype, int rows, const int32_t *x, int64_t stride, const char *weight, int64_t groups,
                    vector *sums);

void attend(const struct operation *op, const struct batch *batch, float *workspace, float *scratch, int sequence,
            int head);

/* Has up to so many threads, the caller's among them, call `work(job)`, and returns when all that began are done. */
void with_helpers(void (*work)(void *), void *job, int threads);
