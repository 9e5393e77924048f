// A network, its packed weights, and passes of a few rows through it.
#pragma once
#include "kernels.h"
#include "matmul.h"

typedef struct {
  const float* params;
  const int32_t* widths;
  size_t layers;   // L
  size_t outputs;  // units of the last layer; widths[L] is not read
  int32_t form;
} network;

static inline int32_t activation_of(const network* net) { return net->form & ~LAYER_NORM; }
static inline int has_norm(const network* net) { return (net->form & LAYER_NORM) != 0; }

// Units of layer l, 0 the input.
static inline size_t units(const network* net, size_t l) {
  return l == net->layers ? net->outputs : (size_t)net->widths[l];
}

// Weights and biases.
size_t parameter_count(const network* net);

// Units of the widest layer, the input included.
size_t widest(const network* net);

// Floats per row that the forward pass leaves for the backward pass.
size_t kept_floats(const network* net);

// Floats that pack_network writes.
size_t network_floats(const network* net);

// Floats of scratch for a pass of at most `rows` rows.
size_t pass_floats(const network* net, size_t rows);

// Pack the weights for the forward pass.
void pack_forward(float* packed, const network* net);

// Pack the transposed weights for the backward pass, beside those; the first layer's only where the gradient
// of the input is wanted.
void pack_backward(float* packed, const network* net, int input);

// Rows [first, first + rows) of a batch of B through the network; x and out point at the first of them,
// `hidden` (see mlp_forward; may be null) at the batch's beginning.
void forward_rows(float* out, float* hidden, const float* x, const network* net, const float* packed,
                  float* scratch, size_t B, size_t first, size_t rows);

// The way back; adds to d_params where `add`. d_params may be null, and so may d_x, the first of these rows'
// gradients by the input.
void backward_rows(float* d_params, float* d_x, const float* d_out, const float* hidden, const float* x,
                   const network* net, const float* packed, float* scratch, size_t B, size_t first,
                   size_t rows, int add);
