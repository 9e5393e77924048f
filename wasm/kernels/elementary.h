// exp(x) - 1, exp(x) and tanh(x) in float32, lane by lane.
//
// exp(x) = 2^n exp(r) with n the whole number nearest to x / log 2 and |r| <= log(2) / 2 (W. J. Cody, W.
// Waite, "Software Manual for the Elementary Functions", 1980, chapter 6), and exp(r) - 1 = r + r^2 Q(r). Q
// has degree 4; its coefficients minimise the largest relative error of exp(r) - 1, which they keep
// below 1.4e-8. Errors against float64, measured over their whole range by tests/kernels: exp 2 units in the
// last place, exp(x) - 1 and tanh 4.
#pragma once
#include "simd.h"

// 2^n and exp(r) - 1 of an x within [-87, 88.3]; a NaN stays a NaN in the second.
static inline vf vf_exp_parts(vf x, vf* power) {
  const vf shift =
      vf_all(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number, kept in the low bits
  vf shifted = vf_add(vf_mul(x, vf_all(1.44269504f)), shift);
  vf n = vf_sub(shifted, shift);
  // log 2 in two parts, the first with few enough bits that n times it is exact.
  vf r = vf_sub(x, vf_mul(n, vf_all(0.693359375f)));
  r = vf_sub(r, vf_mul(n, vf_all(-2.12194440e-4f)));
  vf q = vf_all(0.0013882516650483012f);
  q = vf_add(vf_mul(q, r), vf_all(0.008366547524929047f));
  q = vf_add(vf_mul(q, r), vf_all(0.04166720062494278f));
  q = vf_add(vf_mul(q, r), vf_all(0.1666654348373413f));
  q = vf_add(vf_mul(q, r), vf_all(0.4999999701976776f));
  // The bits of 1.5 * 2^23 end in zeros, so shifting them out leaves n in the exponent.
  *power = vf_add_bits(vf_shift_bits(shifted, 23), vf_bits(127 << 23));
  return vf_add(r, vf_mul(vf_mul(r, r), q));
}

// exp(x); 0 below -87, infinity above 88.3.
static inline vf vf_exp(vf x) {
  vf power;
  vf p = vf_exp_parts(vf_max(vf_min(x, vf_all(88.3f)), vf_all(-87.0f)), &power);
  vf y = vf_add(power, vf_mul(power, p));
  y = vf_choose(vf_less(x, vf_all(-87.0f)), vf_all(0.0f), y);
  return vf_choose(vf_less(vf_all(88.3f), x), vf_all(__builtin_inff()), y);
}

// exp(x) - 1, precise near 0; infinity above 88.3.
static inline vf vf_expm1(vf x) {
  vf power;
  vf p = vf_exp_parts(vf_max(vf_min(x, vf_all(88.3f)), vf_all(-30.0f)), &power);
  vf y = vf_add(vf_mul(power, p), vf_sub(power, vf_all(1.0f)));
  return vf_choose(vf_less(vf_all(88.3f), x), vf_all(__builtin_inff()), y);
}

// tanh(x) = e / (e + 2) with e = exp(2 |x|) - 1, and the sign of x.
static inline vf vf_tanh(vf x) {
  const vf sign = vf_bits(INT32_MIN);
  vf size = vf_and(x, vf_bits(INT32_MAX));
  vf power;
  vf p = vf_exp_parts(vf_min(vf_add(size, size), vf_all(20.0f)), &power);
  vf e = vf_add(vf_mul(power, p), vf_sub(power, vf_all(1.0f)));
  return vf_or(vf_div(e, vf_add(e, vf_all(2.0f))), vf_and(x, sign));
}
