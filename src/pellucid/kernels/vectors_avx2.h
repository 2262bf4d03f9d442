/* Sixteen numbers at a time, as two halves, by AVX2. What each does is told in vectors.h. */

typedef struct {
    __m256 low, high;
} vector;
typedef struct {
    __m256i low, high;
} integers;
typedef vector lanes;

#define BLOCK_ROWS 6
#define EACH_NUMBER_OF_ROWS ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6)

#define ROWS_APART 1 /* so few that each has a pointer of its own */

static inline int64_t to_next_row(int64_t stride) { return stride; }
static inline int64_t to_next_group(int64_t stride) {
    (void)stride;
    return 1;
}

#define OF_ONE(function, x) ((vector){function((x).low), function((x).high)})
#define OF_TWO(function, x, y) ((vector){function((x).low, (y).low), function((x).high, (y).high)})
#define OF_THREE(function, x, y, z) \
    ((vector){function((x).low, (y).low, (z).low), function((x).high, (y).high, (z).high)})

static inline vector all(float number) { return (vector){_mm256_set1_ps(number), _mm256_set1_ps(number)}; }

static inline lanes first_lanes(int64_t count) {
    __m256 low = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7), high = _mm256_setr_ps(8, 9, 10, 11, 12, 13, 14, 15);
    __m256 end = _mm256_set1_ps((float)(count < LANES ? count : LANES));
    return (lanes){_mm256_cmp_ps(low, end, _CMP_LT_OQ), _mm256_cmp_ps(high, end, _CMP_LT_OQ)};
}

static inline vector load(const float *place) { return (vector){_mm256_loadu_ps(place), _mm256_loadu_ps(place + 8)}; }
static inline vector load_some(const float *place, int64_t count) {
    if (count >= LANES) return load(place);
    float some[LANES] = {0};
    for (int64_t lane = 0; lane < count; lane++) some[lane] = place[lane];
    return load(some);
}
static inline vector load_halves(const uint16_t *place, int64_t count, int dtype) {
    uint16_t some[LANES] = {0};
    for (int64_t lane = 0; lane < count && lane < LANES; lane++) some[lane] = place[lane];
    __m128i low = _mm_loadu_si128((const __m128i *)some), high = _mm_loadu_si128((const __m128i *)(some + 8));
    if (dtype == FLOAT16) return (vector){_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)};
    return (vector){_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(low), 16)),
                    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(high), 16))};
}
static inline void store(float *place, vector x) {
    _mm256_storeu_ps(place, x.low);
    _mm256_storeu_ps(place + 8, x.high);
}
static inline void store_some(float *place, vector x, int64_t count) {
    if (count >= LANES) {
        store(place, x);
        return;
    }
    float some[LANES];
    store(some, x);
    for (int64_t lane = 0; lane < count; lane++) place[lane] = some[lane];
}

static inline vector add(vector x, vector y) { return OF_TWO(_mm256_add_ps, x, y); }
static inline vector subtract(vector x, vector y) { return OF_TWO(_mm256_sub_ps, x, y); }
static inline vector multiply(vector x, vector y) { return OF_TWO(_mm256_mul_ps, x, y); }
static inline vector divide(vector x, vector y) { return OF_TWO(_mm256_div_ps, x, y); }
static inline vector multiply_add(vector x, vector y, vector z) { return OF_THREE(_mm256_fmadd_ps, x, y, z); }
static inline vector multiply_subtract(vector x, vector y, vector z) { return OF_THREE(_mm256_fmsub_ps, x, y, z); }
static inline vector subtract_product(vector x, vector y, vector z) { return OF_THREE(_mm256_fnmadd_ps, y, z, x); }
static inline vector lower(vector x, vector y) { return OF_TWO(_mm256_min_ps, x, y); }
static inline vector higher(vector x, vector y) { return OF_TWO(_mm256_max_ps, x, y); }
static inline vector size_of(vector x) {
    vector sign = all(-0.0f);
    return OF_TWO(_mm256_andnot_ps, sign, x);
}
static inline vector square_root(vector x) { return OF_ONE(_mm256_sqrt_ps, x); }
static inline __m256 nearest_of_eight(__m256 x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vector nearest_whole(vector x) { return OF_ONE(nearest_of_eight, x); }
/* The power becomes the exponent's bits. */
static inline __m256 power_of_2(__m256 power) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127)), 23));
}
static inline vector times_power_of_2(vector x, vector power) {
    vector factor = OF_ONE(power_of_2, power);
    return multiply(x, factor);
}

static inline lanes where_less(vector x, vector y) {
    return (lanes){_mm256_cmp_ps(x.low, y.low, _CMP_LT_OQ), _mm256_cmp_ps(x.high, y.high, _CMP_LT_OQ)};
}
static inline vector choose(lanes chosen, vector x, vector other) {
    return OF_THREE(_mm256_blendv_ps, other, x, chosen);
}

static inline float sum_of(vector x) {
    __m256 eight = _mm256_add_ps(x.low, x.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}
static inline float highest_of(vector x) {
    __m256 eight = _mm256_max_ps(x.low, x.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

static inline integers no_integers(void) { return (integers){_mm256_setzero_si256(), _mm256_setzero_si256()}; }
static inline integers load_integers(const int32_t *place) {
    return (integers){_mm256_load_si256((const __m256i *)place), _mm256_load_si256((const __m256i *)(place + 8))};
}

static inline void store_integers(int32_t *place, integers x) {
    _mm256_storeu_si256((__m256i *)place, x.low);
    _mm256_storeu_si256((__m256i *)(place + 8), x.high);
}

/* Eight halves of vectors as the columns of eight others. */
static inline void transpose(__m256 *v) {
    __m256 t[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        v[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        v[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        v[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        v[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    /* Now each half of these has one column of four rows. */
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(v[i], v[i + 4], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) v[i] = t[i];
}

/* All sixteen are there: only the outputs of a panel lie side by side. */
static inline void store_columns(const integers *rows, int count, int32_t *place, int64_t stride, int columns) {
    for (int first = 0; first < columns; first += 8) {
        for (int row = 0; row < count; row += 8) {
            __m256 of_eight[8];
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++)
                of_eight[i] = _mm256_castsi256_ps(first ? rows[row + i].high : rows[row + i].low);
            transpose(of_eight);
            for (int column = first; column < columns && column < first + 8; column++)
                _mm256_storeu_ps((float *)place + column * stride + row, of_eight[column - first]);
        }
    }
}
