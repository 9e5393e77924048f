// c = a b by tiles of 4 rows and 2 vectors of columns, held in registers over up to K_BLOCK products. Larger
// tiles need more than the 16 registers that processors have for WebAssembly's vectors, and were measured to
// be half as fast.
//
// b is packed into panels of 2 vectors of columns (the last panel is narrower), each panel row after row: one
// tile reads it from the first-level cache in order. Columns beyond n are zeros in the packing and are never
// stored. Each element of c is a sum over k in rising order within a block, and of the blocks in rising
// order: the same whatever the tile.
#include "matmul.h"

#include "kernels.h"

enum { ROWS = 4, VECTORS = 2, PANEL = VECTORS * LANES, K_BLOCK = 256 };

void pack(float* packed, const float* b, size_t k, size_t n, size_t row_stride, size_t column_stride) {
  for (size_t from = 0; from < n; from += PANEL) {
    size_t columns = n - from < PANEL ? n - from : PANEL;
    size_t width = padded(columns);
    for (size_t i = 0; i < k; i++) {
      const float* source = b + i * row_stride + from * column_stride;
      for (size_t j = 0; j < columns; j++) packed[j] = source[j * column_stride];
      for (size_t j = columns; j < width; j++) packed[j] = 0.0f;
      packed += width;
    }
  }
}

// One tile: `rows` rows and `vectors` vectors of c, both known to the compiler where this is inlined.
// `columns` of the tile are real.
static inline __attribute__((always_inline)) void tile(float* c, size_t c_row, const float* a, size_t a_row,
                                                       size_t a_step, const float* panel, size_t k,
                                                       size_t columns, int add, const int rows,
                                                       const int vectors) {
  vf sum[ROWS][VECTORS];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < vectors; j++) sum[i][j] = vf_all(0.0f);
  for (size_t at = 0; at < k; at++) {
    for (int i = 0; i < rows; i++) {
      vf left = vf_load_all(a + (size_t)i * a_row);
      for (int j = 0; j < vectors; j++)
        sum[i][j] = vf_add(sum[i][j], vf_mul(left, vf_load(panel + j * LANES)));
    }
    a += a_step;
    panel += vectors * LANES;
  }
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < vectors; j++) {
      float* target = c + (size_t)i * c_row + j * LANES;
      size_t count = columns - (size_t)j * LANES;
      if (count >= LANES) {
        vf_store(target, add ? vf_add(vf_load(target), sum[i][j]) : sum[i][j]);
      } else {
        vf_store_part(target, add ? vf_add(vf_load_part(target, count), sum[i][j]) : sum[i][j], count);
      }
    }
  }
}

// A panel of `vectors` vectors against all rows of a.
static inline __attribute__((always_inline)) void column(float* c, size_t c_row, const float* a, size_t a_row,
                                                         size_t a_step, const float* panel, size_t m,
                                                         size_t k, size_t columns, int add,
                                                         const int vectors) {
  size_t i = 0;
  for (; i + ROWS <= m; i += ROWS)
    tile(c + i * c_row, c_row, a + i * a_row, a_row, a_step, panel, k, columns, add, ROWS, vectors);
  for (; i < m; i++)
    tile(c + i * c_row, c_row, a + i * a_row, a_row, a_step, panel, k, columns, add, 1, vectors);
}

static inline __attribute__((always_inline)) void product(float* c, const float* a, size_t a_row,
                                                          size_t a_step, const float* packed, size_t m,
                                                          size_t k, size_t n, int add) {
  for (size_t from = 0; from < n; from += PANEL) {
    size_t columns = n - from < PANEL ? n - from : PANEL;
    size_t vectors = padded(columns) / LANES;
    for (size_t k0 = 0; k0 < k; k0 += K_BLOCK) {
      size_t steps = k - k0 < K_BLOCK ? k - k0 : K_BLOCK;
      const float* panel = packed + from * k + k0 * vectors * LANES;
      const float* left = a + k0 * a_step;
      int more = add || k0 > 0;
      if (vectors == VECTORS)
        column(c + from, n, left, a_row, a_step, panel, m, steps, columns, more, VECTORS);
      else
        column(c + from, n, left, a_row, a_step, panel, m, steps, columns, more, 1);
    }
  }
}

void multiply(float* c, const float* a, const float* packed, size_t m, size_t k, size_t n, int add) {
  product(c, a, k, 1, packed, m, k, n, add);
}

void multiply_transposed(float* c, const float* a, const float* packed, size_t m, size_t k, size_t n,
                         int add) {
  product(c, a, 1, m, packed, m, k, n, add);
}

void matmul(float* c, const float* a, const float* b, float* workspace, int32_t m, int32_t k, int32_t n) {
  pack(workspace, b, (size_t)k, (size_t)n, (size_t)n, 1);
  multiply(c, a, workspace, (size_t)m, (size_t)k, (size_t)n, 0);
}
