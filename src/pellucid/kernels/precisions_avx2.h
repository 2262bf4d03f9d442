/* Products of three precisions by AVX2, which has units for float32 alone. What each does is told in precisions.h.
 *
 * Weights of bfloat16 and int8 are widened when they are read, so that half or a quarter of the bytes are: bfloat16 is
 * multiplied as float32, int8 in pairs of 16 bits, whose products and sums are exact. The instruction for 8 bits is not,
 * where two products are more than 16 bits hold.
 */

enum { bfloat16_columns = 1, int8_columns = 2 };
enum { float32_line = 64, bfloat16_line = 32, int8_line = 32 };
enum { tile_lines = 1 };

typedef vector float32_sums, bfloat16_sums;
typedef integers int8_sums;
typedef vector float32_weights, bfloat16_weights;
typedef integers int8_weights;

static inline __m128i half_line(const char *line, int number) {
    return _mm_load_si128((const __m128i *)line + number);
}

static inline vector float32_loaded(const char *line) { return load((const float *)line); }
static inline vector bfloat16_loaded(const char *line) {
    __m256i low = _mm256_cvtepu16_epi32(half_line(line, 0)), high = _mm256_cvtepu16_epi32(half_line(line, 1));
    return (vector){_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
}
static inline integers int8_loaded(const char *line) {
    return (integers){_mm256_cvtepi8_epi16(half_line(line, 0)), _mm256_cvtepi8_epi16(half_line(line, 1))};
}

static inline vector float32_none(void) { return all(0); }
static inline vector bfloat16_none(void) { return all(0); }
static inline integers int8_none(void) { return (integers){_mm256_setzero_si256(), _mm256_setzero_si256()}; }

static inline vector float32_added(vector sums, vector weights, int32_t x) {
    __m256 every = _mm256_castsi256_ps(_mm256_set1_epi32(x));
    return (vector){_mm256_fmadd_ps(weights.low, every, sums.low), _mm256_fmadd_ps(weights.high, every, sums.high)};
}
static inline vector bfloat16_added(vector sums, vector weights, int32_t x) { return float32_added(sums, weights, x); }
/* In assembly, as the compiler would compute all products first, for which there are no registers. */
static inline __m256i pairs_added(__m256i sums, __m256i weights, __m256i every) {
    __m256i products;
    __asm__("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0" : "+x"(sums), "=&x"(products) : "x"(weights), "x"(every));
    return sums;
}
static inline integers int8_added(integers sums, integers weights, int32_t x) {
    __m256i every = _mm256_set1_epi32(x);
    return (integers){pairs_added(sums.low, weights.low, every), pairs_added(sums.high, weights.high, every)};
}

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
    _mm256_storeu_si256((__m256i *)groups, _mm256_permute4x64_epi64(shorts, 0xd8));
}
