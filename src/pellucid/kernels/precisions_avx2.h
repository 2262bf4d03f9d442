/* Products of three precisions by AVX2, which has units for float32 alone. What each does is told in precisions.h.
 *
 * Weights of bfloat16 are widened when they are read, so that half of the bytes are, and multiplied as float32. Those of
 * int8 have a panel of their own, panel_avx2_int8.h.
 */

enum { bfloat16_columns = 1, int8_columns = 4 };
enum { float32_line = 64, bfloat16_line = 32, int8_line = 64 };
enum { tile_lines = 1 };
enum { int8_together = 2 };

typedef vector float32_sums, bfloat16_sums;
typedef vector float32_weights, bfloat16_weights;

static inline __m128i half_line(const char *line, int number) {
    return _mm_load_si128((const __m128i *)line + number);
}

static inline vector float32_loaded(const char *line) { return load((const float *)line); }
static inline vector bfloat16_loaded(const char *line) {
    __m256i low = _mm256_cvtepu16_epi32(half_line(line, 0)), high = _mm256_cvtepu16_epi32(half_line(line, 1));
    return (vector){_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
}

static inline vector float32_none(void) { return all(0); }
static inline vector bfloat16_none(void) { return all(0); }

static inline vector float32_added(vector sums, vector weights, int32_t x) {
    __m256 every = _mm256_castsi256_ps(_mm256_set1_epi32(x));
    return (vector){_mm256_fmadd_ps(weights.low, every, sums.low), _mm256_fmadd_ps(weights.high, every, sums.high)};
}
static inline vector bfloat16_added(vector sums, vector weights, int32_t x) { return float32_added(sums, weights, x); }

static inline vector float32_floats(vector sums) { return sums; }
static inline vector bfloat16_floats(vector sums) { return sums; }
static inline vector int8_floats(integers sums) {
    return (vector){_mm256_cvtepi32_ps(sums.low), _mm256_cvtepi32_ps(sums.high)};
}

static inline void float32_grouped(vector x, int32_t *groups) { store((float *)groups, x); }

/* The nearest number that bfloat16 has, the even one of two, as float32; what is no number stays none. */
static inline __m256 rounded(__m256 x) {
    __m256i bits = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i nearest = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    nearest = _mm256_and_si256(nearest, _mm256_set1_epi32(-0x10000));
    return _mm256_blendv_ps(_mm256_castsi256_ps(nearest), x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
static inline void bfloat16_grouped(vector x, int32_t *groups) { store((float *)groups, OF_ONE(rounded, x)); }
static inline void int8_grouped(vector steps, int32_t *groups) {
    __m256i shorts = _mm256_packs_epi32(_mm256_cvtps_epi32(steps.low), _mm256_cvtps_epi32(steps.high));
    shorts = _mm256_permute4x64_epi64(shorts, 0xd8);
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(shorts), _mm256_extracti128_si256(shorts, 1));
    _mm_storeu_si128((__m128i *)groups, bytes);
}
