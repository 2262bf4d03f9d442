/* Rows as the groups that panels are multiplied with. */

#pragma once

#include "kernels.h"

/* Sixteen numbers as groups. Of int8 each times its factor, in steps from the lowest value: 0 to 255; what is no number
 * becomes 0.
 */
static inline void group(int dtype, vector numbers, vector factors, float lowest, int32_t *groups) {
    if (dtype == INT8) {
        vector steps = multiply_subtract(numbers, factors, all(lowest));
        int8_grouped(lower(higher(steps, all(0)), all(255)), groups);
    } else if (dtype == BFLOAT16) {
        bfloat16_grouped(numbers, groups);
    } else {
        float32_grouped(numbers, groups);
    }
}
