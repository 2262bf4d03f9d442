/* What is done to each row, or to each number, by itself. */

#include <stddef.h>

#include "activations.h"

static inline float *row_of(float *workspace, int64_t place, int64_t row, int64_t columns) {
    return workspace + place + row * columns;
}

static inline __m512 sixteen(const void *table, int dtype, int64_t at, __mmask16 lanes) {
    if (dtype == FLOAT32) return _mm512_maskz_loadu_ps(lanes, (const float *)table + at);
    __m256i halves = _mm256_maskz_loadu_epi16(lanes, (const uint16_t *)table + at);
    if (dtype == FLOAT16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

void embed(const struct operation *op, const struct batch *batch, float *workspace, int from, int to) {
    const int32_t *ids = batch->indices[op->function];
    for (int row = from; row < to; row++) {
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 found = sixteen(op->weight, op->dtype, (int64_t)ids[row] * op->columns + column, lanes);
            _mm512_mask_storeu_ps(y + column, lanes, found);
        }
    }
}

void choose_rows(const struct operation *op, const struct batch *batch, float *workspace, int from, int to) {
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, batch->indices[op->function][row], op->columns);
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column++) y[column] = x[column];
    }
}

/* The second operand is of all rows, or one row that serves all. */
void elementwise(const struct operation *op, float *workspace, int from, int to) {
    __m512 factor = _mm512_set1_ps(op->number);
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, row, op->columns);
        const float *other =
            op->weight ? (const float *)op->weight : row_of(workspace, op->second, row, op->columns);
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 value = _mm512_maskz_loadu_ps(lanes, x + column);
            if (op->kind == SCALE)
                value = _mm512_mul_ps(value, factor);
            else if (op->kind == ADD)
                value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(lanes, other + column));
            else
                value = _mm512_mul_ps(value, _mm512_maskz_loadu_ps(lanes, other + column));
            _mm512_mask_storeu_ps(y + column, lanes, value);
        }
    }
}

/* Of one operand, or of the sum of two. */
void layer_norm(const struct operation *op, float *workspace, int from, int to) {
    const float *weight = op->weight, *bias = op->shift;
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, row, op->columns), *other = NULL;
        float *y = row_of(workspace, op->output, row, op->columns);
        __m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
        if (op->second >= 0) other = row_of(workspace, op->second, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 value = _mm512_maskz_loadu_ps(lanes, x + column);
            if (other) {
                value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(lanes, other + column));
                _mm512_mask_storeu_ps(y + column, lanes, value);
            }
            sum = _mm512_add_ps(sum, value);
        }
        if (other) x = y;
        __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / (float)op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 centred = _mm512_maskz_sub_ps(lanes, _mm512_maskz_loadu_ps(lanes, x + column), mean);
            squares = _mm512_fmadd_ps(centred, centred, squares);
        }
        __m512 variance = _mm512_set1_ps(_mm512_reduce_add_ps(squares) / (float)op->columns + op->number);
        __m512 scale = _mm512_div_ps(_mm512_set1_ps(1), _mm512_sqrt_ps(variance));
        for (int64_t column = 0; column < op->columns; column += LANES) {
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 centred = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + column), mean);
            __m512 normal = _mm512_mul_ps(_mm512_mul_ps(centred, scale), _mm512_maskz_loadu_ps(lanes, weight + column));
            if (bias) normal = _mm512_add_ps(normal, _mm512_maskz_loadu_ps(lanes, bias + column));
            _mm512_mask_storeu_ps(y + column, lanes, normal);
        }
    }
}

void activate(const struct operation *op, float *workspace, int from, int to) {
    for (int row = from; row < to; row++) {
        const float *x = row_of(workspace, op->first, row, op->columns);
        float *y = row_of(workspace, op->output, row, op->columns);
        for (int64_t column = 0; column < op->columns; column += LANES) {
            __mmask16 lanes = lanes_at(column, op->columns);
            __m512 value = _mm512_maskz_loadu_ps(lanes, x + column);
            _mm512_mask_storeu_ps(y + column, lanes, activated(op->function, value));
        }
    }
}
