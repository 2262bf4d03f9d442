/* One panel of int8 for one block of rows by AVX2, whose instruction for bytes adds two products up in 16 bits.
 *
 * Sums of 16 bits are made 32 bits wide once for all products that they hold for certain: weights are told in steps so
 * wide that those of one sum and one sign add up to at most 128, which times 255 is less than 2¹⁵. The two halves of the
 * panel are multiplied one after the other, as there are registers for the weights of one.
 */

static inline __m256i bytes_multiplied(const int32_t *x, __m256i weights) {
    return _mm256_maddubs_epi16(_mm256_set1_epi32(*x), weights);
}

static inline __m256i widened(__m256i sums) { return _mm256_madd_epi16(sums, _mm256_set1_epi16(1)); }

static inline __m256i half_of_line(const char *line) { return _mm256_load_si256((const __m256i *)line); }

static inline __attribute__((always_inline)) void int8_half(const int rows, const int32_t *x, int64_t stride,
                                                            const char *weight, int64_t groups, __m256i *sums) {
    __m256i sum[BLOCK_ROWS];
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sum[row] = _mm256_setzero_si256();
    for (; groups >= int8_together; groups -= int8_together) {
        __m256i weights[int8_together];
#pragma GCC unroll 28
        for (int group = 0; group < int8_together; group++) {
            weights[group] = half_of_line(weight + group * int8_line);
            _mm_prefetch(weight + group * int8_line + AHEAD, _MM_HINT_T0);
        }
#pragma GCC unroll 28
        for (int row = 0; row < rows; row++) {
            __m256i products = bytes_multiplied(x + row * stride, weights[0]);
#pragma GCC unroll 28
            for (int group = 1; group < int8_together; group++)
                products = _mm256_add_epi16(products, bytes_multiplied(x + row * stride + group, weights[group]));
            sum[row] = _mm256_add_epi32(sum[row], widened(products));
        }
        weight += int8_together * int8_line;
        x += int8_together;
    }
    for (; groups > 0; groups--, weight += int8_line, x++) {
        __m256i weights = half_of_line(weight);
#pragma GCC unroll 28
        for (int row = 0; row < rows; row++)
            sum[row] = _mm256_add_epi32(sum[row], widened(bytes_multiplied(x + row * stride, weights)));
    }
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sums[row] = sum[row];
}

static inline __attribute__((always_inline)) void int8_panel(const int rows, const int32_t *x, int64_t stride,
                                                             const char *weight, int64_t groups, vector *sums) {
    __m256i low[BLOCK_ROWS], high[BLOCK_ROWS];
    int8_half(rows, x, stride, weight, groups, low);
    int8_half(rows, x, stride, weight + int8_line / 2, groups, high);
#pragma GCC unroll 28
    for (int row = 0; row < rows; row++) sums[row] = int8_floats((integers){low[row], high[row]});
}
