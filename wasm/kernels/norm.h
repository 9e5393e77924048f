// Layer normalisation (arXiv:1607.06450) of rows of n sums: y = (a - mean(a)) / sqrt(var(a) + NORM_EPSILON).
#pragma once
#include "simd.h"

static const float NORM_EPSILON = 1e-5f;  // tabrl_py/nn/mlp.py: NORM_EPSILON

// A row is added up in PARTS partial sums, whatever the width of the vectors, and those by a binary tree: the
// same bits everywhere.
enum { PARTS = 8, PART_VECTORS = PARTS / LANES };

static inline float sum_parts(const vf* parts) {
  float lanes[PARTS];
  for (int q = 0; q < PART_VECTORS; q++) vf_store(lanes + q * LANES, parts[q]);
  for (int step = 1; step < PARTS; step *= 2)
    for (int i = 0; i < PARTS; i += 2 * step) lanes[i] += lanes[i + step];
  return lanes[0];
}

// x[j], x[j + 1] and so on; zeros from x[n] on.
static inline vf load_below(const float* x, size_t j, size_t n) {
  return j + LANES <= n ? vf_load(x + j) : vf_load_part(x + j, j < n ? n - j : 0);
}

// The sum of x (n).
static inline float row_sum(const float* x, size_t n) {
  vf parts[PART_VECTORS];
  for (int q = 0; q < PART_VECTORS; q++) parts[q] = vf_all(0.0f);
  for (size_t j = 0; j < n; j += PARTS)
    for (int q = 0; q < PART_VECTORS; q++)
      parts[q] = vf_add(parts[q], load_below(x, j + (size_t)q * LANES, n));
  return sum_parts(parts);
}

// The sum of x y, both (n).
static inline float row_product(const float* x, const float* y, size_t n) {
  vf parts[PART_VECTORS];
  for (int q = 0; q < PART_VECTORS; q++) parts[q] = vf_all(0.0f);
  for (size_t j = 0; j < n; j += PARTS)
    for (int q = 0; q < PART_VECTORS; q++) {
      size_t at = j + (size_t)q * LANES;
      parts[q] = vf_add(parts[q], vf_mul(load_below(x, at, n), load_below(y, at, n)));
    }
  return sum_parts(parts);
}

// a (rows, n) becomes y; `inverse` (rows) takes 1 / sqrt(var + NORM_EPSILON), where it is not null.
static inline void norm_rows(float* a, float* inverse, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++, a += n) {
    float mean = row_sum(a, n) / (float)n;
    for (size_t j = 0; j < n; j++) a[j] -= mean;
    float scale = 1.0f / __builtin_sqrtf(row_product(a, a, n) / (float)n + NORM_EPSILON);
    for (size_t j = 0; j < n; j++) a[j] *= scale;
    if (inverse) inverse[i] = scale;
  }
}

// d (rows, n), the gradient by y, becomes that by a: (d - mean(d) - y mean(d y)) / sqrt(var + NORM_EPSILON).
static inline void unnorm_rows(float* d, const float* y, const float* inverse, size_t rows, size_t n) {
  for (size_t i = 0; i < rows; i++, d += n, y += n) {
    float mean = row_sum(d, n) / (float)n, along = row_product(d, y, n) / (float)n;
    for (size_t j = 0; j < n; j++) d[j] = (d[j] - mean - y[j] * along) * inverse[i];
  }
}
