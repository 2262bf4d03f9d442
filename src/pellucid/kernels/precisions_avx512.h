/* Products of three precisions, by AVX-512 and its extensions. What each does is told in precisions.h. */

enum { bfloat16_columns = 2, int8_columns = 4 };
enum { float32_line = 64, bfloat16_line = 64, int8_line = 64 };
enum { tile_lines = 16 };
enum { int8_together = 0 };

typedef vector float32_sums, bfloat16_sums;
typedef integers int8_sums;
typedef integers float32_weights, bfloat16_weights, int8_weights;

static inline integers float32_loaded(const char *line) { return _mm512_load_si512(line); }
static inline integers bfloat16_loaded(const char *line) { return _mm512_load_si512(line); }
static inline integers int8_loaded(const char *line) { return _mm512_load_si512(line); }

static inline vector float32_none(void) { return _mm512_setzero_ps(); }
static inline vector bfloat16_none(void) { return _mm512_setzero_ps(); }
static inline integers int8_none(void) { return _mm512_setzero_si512(); }

static inline vector float32_added(vector sums, integers weights, int32_t x) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(weights), _mm512_castsi512_ps(_mm512_set1_epi32(x)), sums);
}
static inline vector float32_floats(vector sums) { return sums; }
static inline vector bfloat16_floats(vector sums) { return sums; }
static inline vector int8_floats(integers sums) { return _mm512_cvtepi32_ps(sums); }

#ifndef IN_SOFTWARE /* where a test has its own of these */
/* In assembly, as the compiler copies the sums of these two about before it adds to them. */
static inline vector bfloat16_added(vector sums, integers weights, int32_t x) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sums) : "v"(_mm512_set1_epi32(x)), "v"(weights));
    return sums;
}
static inline integers int8_added(integers sums, integers weights, int32_t x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(_mm512_set1_epi32(x)), "v"(weights));
    return sums;
}
static inline __m256i halves_of(vector x) {
    __m256i halves;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(halves) : "v"(x));
    return halves;
}
#endif

static inline void float32_grouped(vector x, int32_t *groups) { _mm512_storeu_si512(groups, _mm512_castps_si512(x)); }
static inline void bfloat16_grouped(vector x, int32_t *groups) {
    _mm256_storeu_si256((__m256i *)groups, halves_of(x));
}
static inline void int8_grouped(vector steps, int32_t *groups) {
    _mm_storeu_si128((__m128i *)groups, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(steps)));
}

/* Two rows of values as one line of a panel of bfloat16. */
static inline void store_pairs(vector first, vector second, int32_t *line) {
    integers low = _mm512_cvtepu16_epi32(halves_of(first)), high = _mm512_cvtepu16_epi32(halves_of(second));
    _mm512_store_si512(line, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}
