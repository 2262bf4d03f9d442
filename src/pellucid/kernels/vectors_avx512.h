/* Sixteen numbers at a time, by AVX-512. What each does is told in vectors.h. */

typedef __m512 vector;
typedef __m512i integers;
typedef __mmask16 lanes;

#define BLOCK_ROWS 28
#define EACH_NUMBER_OF_ROWS                                                                               \
    ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12)    \
    ROWS(13) ROWS(14) ROWS(15) ROWS(16) ROWS(17) ROWS(18) ROWS(19) ROWS(20) ROWS(21) ROWS(22) ROWS(23)    \
    ROWS(24) ROWS(25) ROWS(26) ROWS(27) ROWS(28)

static inline lanes first_lanes(int64_t count) {
    return count >= LANES ? 0xffff : count <= 0 ? 0 : (lanes)((1u << count) - 1);
}

#define ROWS_APART 0 /* there are not pointers for all of them */

static inline int64_t to_next_row(int64_t stride) {
    (void)stride;
    return 1;
}
static inline int64_t to_next_group(int64_t stride) { return stride; }

static inline vector all(float number) { return _mm512_set1_ps(number); }

static inline vector load(const float *place) { return _mm512_loadu_ps(place); }
static inline vector load_some(const float *place, int64_t count) {
    return _mm512_maskz_loadu_ps(first_lanes(count), place);
}
static inline vector load_halves(const uint16_t *place, int64_t count, int dtype) {
    __m256i halves = _mm256_maskz_loadu_epi16(first_lanes(count), place);
    if (dtype == FLOAT16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
static inline void store(float *place, vector x) { _mm512_storeu_ps(place, x); }
static inline void store_some(float *place, vector x, int64_t count) {
    _mm512_mask_storeu_ps(place, first_lanes(count), x);
}

static inline vector add(vector x, vector y) { return _mm512_add_ps(x, y); }
static inline vector subtract(vector x, vector y) { return _mm512_sub_ps(x, y); }
static inline vector multiply(vector x, vector y) { return _mm512_mul_ps(x, y); }
static inline vector divide(vector x, vector y) { return _mm512_div_ps(x, y); }
static inline vector multiply_add(vector x, vector y, vector z) { return _mm512_fmadd_ps(x, y, z); }
static inline vector multiply_subtract(vector x, vector y, vector z) { return _mm512_fmsub_ps(x, y, z); }
static inline vector subtract_product(vector x, vector y, vector z) { return _mm512_fnmadd_ps(y, z, x); }
static inline vector lower(vector x, vector y) { return _mm512_min_ps(x, y); }
static inline vector higher(vector x, vector y) { return _mm512_max_ps(x, y); }
static inline vector size_of(vector x) { return _mm512_abs_ps(x); }
static inline vector square_root(vector x) { return _mm512_sqrt_ps(x); }
static inline vector nearest_whole(vector x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT); }
static inline vector times_power_of_2(vector x, vector power) { return _mm512_scalef_ps(x, power); }

static inline lanes where_less(vector x, vector y) { return _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ); }
static inline vector choose(lanes chosen, vector x, vector other) { return _mm512_mask_blend_ps(chosen, other, x); }

static inline float sum_of(vector x) { return _mm512_reduce_add_ps(x); }
static inline float highest_of(vector x) { return _mm512_reduce_max_ps(x); }

/* Sixteen vectors as the columns of sixteen others. */
static inline void transpose(integers *v) {
    integers t[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i += 4) {
        v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* Now each quarter of a vector has one column of four rows. */
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0x88);
        t[i + 8] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0xdd);
        t[i + 12] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88);
        v[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xdd);
        v[i + 4] = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88);
        v[i + 12] = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xdd);
    }
}

static inline integers no_integers(void) { return _mm512_setzero_si512(); }
static inline integers load_integers(const int32_t *place) { return _mm512_load_si512(place); }

static inline void store_integers(int32_t *place, integers x) { _mm512_storeu_si512(place, x); }

static inline void store_columns(integers *rows, int count, int32_t *place, int64_t stride, int columns) {
#pragma GCC unroll 16
    for (int row = 0; row < LANES; row++)
        if (row >= count) rows[row] = _mm512_setzero_si512();
    transpose(rows);
    for (int column = 0; column < columns; column++)
        _mm512_mask_storeu_epi32(place + column * stride, first_lanes(count), rows[column]);
}
