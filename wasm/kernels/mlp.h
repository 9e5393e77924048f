// A network, its packed weights, and passes of a few rows through it.
#pragma once
#include "kernels.h"
#include "matmul.h"

typedef struct {
  const float* params;
  const int32_t* widths;
  size_t layers;   // L
  size_t outputs;  // units of the last layer; widths[L] is not read
  int32_t activation;
} network;

// Units of layer l, 0 the input.
static inline size_t units(const network* net, size_t l) {
  return l == net->layers ? net->outputs : (size_t)net->widths[l];
}

// Weights and biases.
size_t parameter_count(const network* net);

// Units of the widest layer, the input included.
size_t widest(const network* net);

// Floats of hidden activations per row.
size_t hidden_units(const network* net);

// Floats that pack_network writes.
size_t network_floats(const network* net);

// Floats of scratch for a pass of at most `rows` rows.
size_t pass_floats(const network* net, size_t rows);

// Pack the weights for the forward pass, and transposed where `backward`.
void pack_network(float* packed, const network* net, int backward);

// Rows [first, first + rows) of a batch of B through the network; x and out point at the first of them,
// `hidden` (see mlp_forward; may be null) at the batch's beginning.
void forward_rows(float* out, float* hidden, const float* x, const network* net, const float* packed,
                  float* scratch, size_t B, size_t first, size_t rows);

// The way back; adds to d_params where `add`.
void backward_rows(float* d_params, const float* d_out, const float* hidden, const float* x,
                   const network* net, const float* packed, float* scratch, size_t B, size_t first,
                   size_t rows, int add);
