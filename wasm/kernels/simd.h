// A vector of LANES floats, three ways: WebAssembly's 128-bit SIMD; the compiler's own vectors, which become
// SSE, AVX or NEON natively; and the same vectors on a WebAssembly target without SIMD, where the compiler
// turns them into scalars.
//
// Every function below works lane by lane with one IEEE operation per line of C, and the build forbids fusing
// a product with a sum, so all three give the same bits.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#define LANES 4
typedef v128_t vf;
static inline vf vf_load(const float* p) { return wasm_v128_load(p); }
static inline void vf_store(float* p, vf x) { wasm_v128_store(p, x); }
static inline vf vf_all(float x) { return wasm_f32x4_splat(x); }
static inline vf vf_load_all(const float* p) { return wasm_v128_load32_splat(p); }
static inline vf vf_add(vf a, vf b) { return wasm_f32x4_add(a, b); }
static inline vf vf_sub(vf a, vf b) { return wasm_f32x4_sub(a, b); }
static inline vf vf_mul(vf a, vf b) { return wasm_f32x4_mul(a, b); }
static inline vf vf_div(vf a, vf b) { return wasm_f32x4_div(a, b); }
static inline vf vf_sqrt(vf a) { return wasm_f32x4_sqrt(a); }
static inline vf vf_less(vf a, vf b) { return wasm_f32x4_lt(a, b); }
static inline vf vf_choose(vf mask, vf yes, vf no) { return wasm_v128_bitselect(yes, no, mask); }
static inline vf vf_and(vf a, vf b) { return wasm_v128_and(a, b); }
static inline vf vf_or(vf a, vf b) { return wasm_v128_or(a, b); }
static inline vf vf_bits(int32_t x) { return wasm_i32x4_splat(x); }
static inline vf vf_add_bits(vf a, vf b) { return wasm_i32x4_add(a, b); }
static inline vf vf_shift_bits(vf a, int by) { return wasm_i32x4_shl(a, by); }

#else
#if defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
typedef float vf __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t vi __attribute__((vector_size(4 * LANES), aligned(4)));
static inline vf vf_load(const float* p) { return *(const vf*)p; }
static inline void vf_store(float* p, vf x) { *(vf*)p = x; }
static inline vf vf_all(float x) { return x - (vf){0}; }
static inline vf vf_load_all(const float* p) { return vf_all(*p); }
static inline vf vf_add(vf a, vf b) { return a + b; }
static inline vf vf_sub(vf a, vf b) { return a - b; }
static inline vf vf_mul(vf a, vf b) { return a * b; }
static inline vf vf_div(vf a, vf b) { return a / b; }
static inline vf vf_sqrt(vf a) {
  for (int i = 0; i < LANES; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
static inline vf vf_less(vf a, vf b) { return (vf)(a < b); }
static inline vf vf_choose(vf mask, vf yes, vf no) {
  return (vf)(((vi)mask & (vi)yes) | (~(vi)mask & (vi)no));
}
static inline vf vf_and(vf a, vf b) { return (vf)((vi)a & (vi)b); }
static inline vf vf_or(vf a, vf b) { return (vf)((vi)a | (vi)b); }
static inline vf vf_bits(int32_t x) { return (vf)(x - (vi){0}); }
static inline vf vf_add_bits(vf a, vf b) { return (vf)((vi)a + (vi)b); }
static inline vf vf_shift_bits(vf a, int by) { return (vf)((vi)a << by); }
#endif

// The lesser and the greater; where x is not a number, x.
static inline vf vf_min(vf x, vf limit) { return vf_choose(vf_less(limit, x), limit, x); }
static inline vf vf_max(vf x, vf limit) { return vf_choose(vf_less(x, limit), limit, x); }

// The last, incomplete vector of an array: the missing lanes read as zero and are not written.
static inline vf vf_load_part(const float* p, size_t count) {
  float lanes[LANES] = {0};
  for (size_t i = 0; i < count; i++) lanes[i] = p[i];
  return vf_load(lanes);
}
static inline void vf_store_part(float* p, vf x, size_t count) {
  float lanes[LANES];
  vf_store(lanes, x);
  for (size_t i = 0; i < count; i++) p[i] = lanes[i];
}
