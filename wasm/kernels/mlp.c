// Forward and backward passes of a multi-layer perceptron, in chunks of rows that stay in the cache.
#include "mlp.h"

#include "elementary.h"
#include "norm.h"

size_t parameter_count(const network* net) {
  size_t count = 0;
  for (size_t l = 0; l < net->layers; l++) count += (units(net, l) + 1) * units(net, l + 1);
  return count;
}

size_t widest(const network* net) {
  size_t most = 1;
  for (size_t l = 0; l <= net->layers; l++)
    if (units(net, l) > most) most = units(net, l);
  return most;
}

// Of a hidden layer of n units: its output and, with a norm, also the normalised sums and their scale.
static size_t layer_kept(const network* net, size_t n) { return has_norm(net) ? 2 * n + 1 : n; }

size_t kept_floats(const network* net) {
  size_t count = 0;
  for (size_t l = 1; l < net->layers; l++) count += layer_kept(net, units(net, l));
  return count;
}

static size_t layer_floats(size_t n_in, size_t n_out) {
  return packed_floats(n_in, n_out) + packed_floats(n_out, n_in);
}

size_t network_floats(const network* net) {
  size_t count = 0;
  for (size_t l = 0; l < net->layers; l++) count += layer_floats(units(net, l), units(net, l + 1));
  return count;
}

size_t pass_floats(const network* net, size_t rows) { return rows * (2 * widest(net) + padded(widest(net))); }

void pack_forward(float* packed, const network* net) {
  const float* w = net->params;
  for (size_t l = 0; l < net->layers; l++) {
    size_t n_in = units(net, l), n_out = units(net, l + 1);
    pack(packed, w, n_in, n_out, n_out, 1);
    packed += layer_floats(n_in, n_out);
    w += (n_in + 1) * n_out;
  }
}

void pack_backward(float* packed, const network* net, int input) {
  const float* w = net->params;
  for (size_t l = 0; l < net->layers; l++) {
    size_t n_in = units(net, l), n_out = units(net, l + 1);
    if (l || input) pack(packed + packed_floats(n_in, n_out), w, n_out, n_in, 1, n_out);
    packed += layer_floats(n_in, n_out);
    w += (n_in + 1) * n_out;
  }
}

static inline __attribute__((always_inline)) vf activated(vf h, const int32_t activation) {
  const vf zero = vf_all(0.0f);
  if (activation == TANH) return vf_tanh(h);
  if (activation == RELU) return vf_max(h, zero);
  if (activation == ELU) return vf_add(vf_max(h, zero), vf_expm1(vf_min(h, zero)));
  return h;
}

// The activation's derivative, from its own output h.
static inline __attribute__((always_inline)) vf derivative(vf h, const int32_t activation) {
  const vf zero = vf_all(0.0f), one = vf_all(1.0f);
  if (activation == TANH) return vf_sub(one, vf_mul(h, h));
  if (activation == RELU) return vf_and(vf_less(zero, h), one);
  return vf_add(vf_min(h, zero), one);
}

// h (rows, n) = f(a + b), b (n); h may be a.
static inline __attribute__((always_inline)) void bias_as(float* h, const float* a, const float* b,
                                                          size_t rows, size_t n, const int32_t activation) {
  for (size_t i = 0; i < rows; i++, h += n, a += n) {
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
      vf_store(h + j, activated(vf_add(vf_load(a + j), vf_load(b + j)), activation));
    if (j < n) {
      vf sum = vf_add(vf_load_part(a + j, n - j), vf_load_part(b + j, n - j));
      vf_store_part(h + j, activated(sum, activation), n - j);
    }
  }
}

static void bias(float* h, const float* a, const float* b, size_t rows, size_t n, int32_t activation) {
  switch (activation) {
    case TANH: bias_as(h, a, b, rows, n, TANH); break;
    case RELU: bias_as(h, a, b, rows, n, RELU); break;
    case ELU: bias_as(h, a, b, rows, n, ELU); break;
    default: bias_as(h, a, b, rows, n, NONE); break;
  }
}

// d (count) *= f'(h).
static inline __attribute__((always_inline)) void unactivate_as(float* d, const float* h, size_t count,
                                                                const int32_t activation) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    vf_store(d + i, vf_mul(vf_load(d + i), derivative(vf_load(h + i), activation)));
  if (i < count) {
    vf slope = derivative(vf_load_part(h + i, count - i), activation);
    vf_store_part(d + i, vf_mul(vf_load_part(d + i, count - i), slope), count - i);
  }
}

static void unactivate(float* d, const float* h, size_t count, int32_t activation) {
  switch (activation) {
    case TANH: unactivate_as(d, h, count, TANH); break;
    case RELU: unactivate_as(d, h, count, RELU); break;
    default: unactivate_as(d, h, count, ELU); break;
  }
}

// sums (n) = the sums of the columns of d (rows, n), added to what is there where `add`.
static void sum_rows(float* sums, const float* d, size_t rows, size_t n, int add) {
  for (size_t j = 0; j < n; j += LANES) {
    size_t count = n - j < LANES ? n - j : LANES;
    vf sum = vf_all(0.0f);
    const float* at = d + j;
    if (count == LANES)
      for (size_t i = 0; i < rows; i++, at += n) sum = vf_add(sum, vf_load(at));
    else
      for (size_t i = 0; i < rows; i++, at += n) sum = vf_add(sum, vf_load_part(at, count));
    vf_store_part(sums + j, add ? vf_add(vf_load_part(sums + j, count), sum) : sum, count);
  }
}

void forward_rows(float* out, float* hidden, const float* x, const network* net, const float* packed,
                  float* scratch, size_t B, size_t first, size_t rows) {
  const float* w = net->params;
  size_t half = rows * widest(net);
  for (size_t l = 0; l < net->layers; l++) {
    size_t n_in = units(net, l), n_out = units(net, l + 1);
    int last = l + 1 == net->layers, keep = hidden && !last;
    float* h = last ? out : keep ? hidden + first * n_out : scratch + (l % 2) * half;
    float* sums = keep && has_norm(net) ? hidden + (B + first) * n_out : h;
    multiply(sums, x, packed, rows, n_in, n_out, 0);
    if (has_norm(net) && !last) norm_rows(sums, keep ? hidden + 2 * B * n_out + first : 0, rows, n_out);
    bias(h, sums, w + n_in * n_out, rows, n_out, last ? NONE : activation_of(net));
    if (keep) hidden += B * layer_kept(net, n_out);
    x = h;
    packed += layer_floats(n_in, n_out);
    w += (n_in + 1) * n_out;
  }
}

void backward_rows(float* d_params, float* d_x, const float* d_out, const float* hidden, const float* x,
                   const network* net, const float* packed, float* scratch, size_t B, size_t first,
                   size_t rows, int add) {
  size_t half = rows * widest(net);
  float* packed_delta = scratch + 2 * half;
  const float* delta = d_out;
  hidden += B * kept_floats(net);
  packed += network_floats(net);
  if (d_params) d_params += parameter_count(net);
  for (size_t l = net->layers; l-- > 0;) {
    size_t n_in = units(net, l), n_out = units(net, l + 1);
    packed -= layer_floats(n_in, n_out);
    if (d_params) {
      d_params -= (n_in + 1) * n_out;
      sum_rows(d_params + n_in * n_out, delta, rows, n_out, add);
    }
    if (has_norm(net) && l + 1 < net->layers) {
      float* d_sums = scratch + ((l + 1) % 2) * half;  // where delta lies
      unnorm_rows(d_sums, hidden + (B + first) * n_out, hidden + 2 * B * n_out + first, rows, n_out);
    }
    if (l) hidden -= B * layer_kept(net, n_in);
    const float* h_in = l ? hidden + first * n_in : x;
    if (d_params) {
      pack(packed_delta, delta, rows, n_out, n_out, 1);
      multiply_transposed(d_params, h_in, packed_delta, n_in, rows, n_out, add);
    }
    float* d_in = l ? scratch + (l % 2) * half : d_x;
    if (d_in) multiply(d_in, delta, packed + packed_floats(n_in, n_out), rows, n_out, n_in, 0);
    if (l) unactivate(d_in, h_in, rows * n_in, activation_of(net));
    delta = d_in;
  }
}

static network network_of(const float* params, const int32_t* widths, int32_t L, int32_t form) {
  return (network){params, widths, (size_t)L, (size_t)widths[L], form};
}

size_t hidden_floats(const int32_t* widths, int32_t L, int32_t form) {
  network net = network_of(0, widths, L, form);
  return kept_floats(&net);
}

void mlp_forward(float* out, float* hidden, const float* x, const float* params, float* workspace,
                 const int32_t* widths, int32_t L, int32_t form, int32_t B) {
  network net = network_of(params, widths, L, form);
  float* scratch = workspace + network_floats(&net);
  pack_forward(workspace, &net);
  for (size_t at = 0; at < (size_t)B; at += CHUNK) {
    size_t rows = (size_t)B - at < CHUNK ? (size_t)B - at : CHUNK;
    forward_rows(out + at * net.outputs, hidden, x + at * units(&net, 0), &net, workspace, scratch, (size_t)B,
                 at, rows);
  }
}

void mlp_backward(float* d_params, float* d_x, const float* d_out, const float* hidden, const float* x,
                  const float* params, float* workspace, const int32_t* widths, int32_t L, int32_t form,
                  int32_t B) {
  network net = network_of(params, widths, L, form);
  float* scratch = workspace + network_floats(&net);
  size_t O = units(&net, 0);
  pack_backward(workspace, &net, d_x != 0);
  for (size_t at = 0; at < (size_t)B; at += CHUNK) {
    size_t rows = (size_t)B - at < CHUNK ? (size_t)B - at : CHUNK;
    backward_rows(d_params, d_x ? d_x + at * O : 0, d_out + at * net.outputs, hidden, x + at * O, &net,
                  workspace, scratch, (size_t)B, at, rows, at > 0);
  }
}

int32_t interface_number(void) { return INTERFACE; }

void elementary(float* y, const float* x, int32_t count, int32_t function) {
  for (size_t i = 0; i < (size_t)count; i += LANES) {
    size_t some = (size_t)count - i < LANES ? (size_t)count - i : LANES;
    vf in = vf_load_part(x + i, some);
    vf_store_part(y + i, function == TANH ? vf_tanh(in) : function == EXP ? vf_exp(in) : vf_expm1(in), some);
  }
}
