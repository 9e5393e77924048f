// Products of small matrices, whose right side is packed first.
#pragma once
#include "simd.h"

// n rounded up to whole vectors.
static inline size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES; }

// Floats of a packed (k, n) matrix.
static inline size_t packed_floats(size_t k, size_t n) { return k * padded(n); }

// Pack b (k, n), whose element (i, j) lies at b[i * row_stride + j * column_stride], for multiply().
void pack(float* packed, const float* b, size_t k, size_t n, size_t row_stride, size_t column_stride);

// c (m, n) = a (m, k) b, or c += a b where `add`.
void multiply(float* c, const float* a, const float* packed, size_t m, size_t k, size_t n, int add);

// c (m, n) = a^T b, or c += a^T b where `add`, of a (k, m).
void multiply_transposed(float* c, const float* a, const float* packed, size_t m, size_t k, size_t n,
                         int add);
