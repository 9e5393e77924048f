// The arithmetic of learning: networks, Gaussian policy, PPO, Adam, advantages. float32, no allocation, no
// library.
//
// Dimensions:
//   B  rows of a batch       S  samples of a rollout, S = T N
//   T  steps                 P  parameters of actor, log_std and critic together
//   N  environments          L  layers of weights
//   O  observation           A  action
//
// widths[0..L] are the units of each layer of the ACTOR, input first: widths[0] = O, widths[L] = A. The critic
// has the same widths except for its last, which is 1.
//
// Arguments: outputs first, then inputs, then the workspace, then sizes and settings. Arrays are dense, row
// by row. Pointers must not overlap unless said. The workspace is scratch of workspace_floats() floats;
// nothing is kept in it from one call to the next.
//
// A network's parameters: W[0] (widths[0], widths[1]), b[0] (widths[1]), W[1], b[1], and so on. params of an
// actor-critic (P): the actor, log_std (A), the critic. tabrl_py/nn has the same layouts and the same
// formulas, in NumPy.
//
// Sums have one fixed order, whatever the target, the vector width or the number of cores.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

// Rows that pass through a network at once: their activations stay in the second-level cache.
enum { CHUNK = 256 };

// A network's form: the activation of its hidden layers, + LAYER_NORM where their sums are normalised
// (norm.h) before the bias is added: h' = f(norm(h W) + b).
enum form { TANH = 0, RELU = 1, ELU = 2, NONE = 3, LAYER_NORM = 4 };

// Raised when a function takes other arguments than before: tabrl_py/nn/kernels.py asks for its own.
enum { INTERFACE = 2 };

// What elementary() computes, with TANH; EXPM1 is exp(x) - 1.
enum { EXP = 1, EXPM1 = 2 };

// What ppo_apply did. A negative answer of any function means that nothing was written: rows, counts and SAMPLES
// contradict each other or the samples.
enum outcome { STEPPED = 0, KL_STOP = 1, NOT_FINITE = 2, REFUSED = -1 };

// Positions in the float64 arrays of figures: sums over the rows of a shard (N_SUMS), or means over a
// minibatch and what its step adds (N_FIGURES).
enum figure { POLICY_LOSS, VALUE_LOSS, KL, CLIPPED, N_SUMS, GRAD_NORM = N_SUMS, ENTROPY, N_FIGURES };

// Positions in the float64 array of settings that PPO's functions read.
enum setting {
  CLIP_RANGE,
  VALUE_COEF,
  ADVANTAGE_MEAN,   // subtracted from the advantages,
  ADVANTAGE_SCALE,  // that they are then multiplied with
  SAMPLES,          // of the whole minibatch, here and elsewhere
  ENTROPY_COEF,
  LEARN_STD,  // 0: the log standard deviations stay
  KL_LIMIT,   // 0: no limit
  MAX_GRAD_NORM,
  BETA1,
  BETA2,
  EPSILON,
  STEP_SIZE,     // learning rate / (1 - beta1^t), t counting the step to be taken
  V_CORRECTION,  // 1 / (1 - beta2^t)
  N_SETTINGS
};

// INTERFACE.
EXPORT int32_t interface_number(void);

// Floats of workspace that suffice for every function below, for networks of these widths.
EXPORT size_t workspace_floats(const int32_t* widths, int32_t L, int32_t form);

// Floats per row of the `hidden` of mlp_forward.
EXPORT size_t hidden_floats(const int32_t* widths, int32_t L, int32_t form);

// c (m, n) = a (m, k) b (k, n); the workspace holds k (n + 7) floats.
EXPORT void matmul(float* c, const float* a, const float* b, float* workspace, int32_t m, int32_t k,
                   int32_t n);

// y[i] = function(x[i]); y may be x.
EXPORT void elementary(float* y, const float* x, int32_t count, int32_t function);

// out (B, O) = clip((obs - mean) * scale, -10, 10); out may be obs.
EXPORT void normalize(float* out, const float* obs, const float* mean, const float* scale, int32_t B,
                      int32_t O);

// The network's output (B, widths[L]) for x (B, widths[0]). `hidden` (B hidden_floats()) takes what the
// backward pass needs; null where there will be none. For each layer but the last: its output (B, widths[l]), and with
// a norm the normalised sums, of the same shape, and what they were scaled with (B).
EXPORT void mlp_forward(float* out, float* hidden, const float* x, const float* params, float* workspace,
                        const int32_t* widths, int32_t L, int32_t form, int32_t B);

// Gradients by the parameters and by the input (B, widths[0]), from d_out (B, widths[L]) and what the forward
// pass left in `hidden`. Either may be null: it is not wanted.
EXPORT void mlp_backward(float* d_params, float* d_x, const float* d_out, const float* hidden, const float* x,
                         const float* params, float* workspace, const int32_t* widths, int32_t L,
                         int32_t form, int32_t B);

// One vector step of acting: action (B, A) = mean(obs) + exp(log_std) noise, from raw observations (B, O).
// `noise` may be null: the mean. obs_mean and obs_scale (O) may both be null: observations are taken as they
// are.
EXPORT void act(float* action, const float* obs, const float* noise, const float* obs_mean,
                const float* obs_scale, const float* params, float* workspace, const int32_t* widths,
                int32_t L, int32_t form, int32_t B);

// What a task is given for actions (B, A), of the same shape: brought to [-1, 1], by tanh where `squash` and
// else by clipping, then mapped affinely to the bounds low and high (A). Without `squash` the bits are those of
// tabrl_py/policy/file.py: ActionBounds. out may be action.
EXPORT void to_bounds(float* out, const float* action, const float* low, const float* high, int32_t B,
                      int32_t A, int32_t squash);

// Advantages (T, N) by generalised advantage estimation; see tabrl_py/nn/advantages.py, whose bits these are.
EXPORT void gae(float* advantages, const float* rewards, const float* values, const float* next_values,
                const uint8_t* terminated, const uint8_t* truncated, int32_t T, int32_t N, double gamma,
                double lambda);

// Of n shards of a minibatch: the sums of the figures over their rows (n, N_SUMS), and their shares (n, P) in
// the gradient of policy loss + value_coef value loss, means over all SAMPLES. counts (n) says how many of
// `rows` (B) belong to each; rows name some of the S samples: obs (S, O) normalised, actions (S, A),
// old_log_prob, advantages, returns (S).
EXPORT int32_t ppo_shards(double* figures, float* grads, const float* params, const float* obs,
                          const float* actions, const float* old_log_prob, const float* advantages,
                          const float* returns, const int32_t* rows, const int32_t* counts, float* workspace,
                          const double* settings, const int32_t* widths, int32_t L, int32_t form, int32_t n,
                          int32_t B, int32_t S);

// The sum of the rows of block (n, P), n a power of two, into its first row, by the binary tree
// ((0 + 1) + (2 + 3)) + ...; the other rows are overwritten.
EXPORT void tree_sum(float* block, int32_t n, int32_t P);

// Scale grads (P) in place to at most max_norm; returns their length before, from squares summed in float64.
EXPORT double clip_norm(float* grads, int32_t P, double max_norm);

// One step of Adam on params, m and v (P).
EXPORT void adam_step(float* params, float* m, float* v, const float* grads, const double* settings,
                      int32_t P);

// The step of a minibatch, from the sums of its figures (N_SUMS) and its gradient (P), which is overwritten:
// entropy term, clip_norm, checks, adam_step. Figures are means (N_FIGURES). Where the outcome is not STEPPED,
// params, m and v are unchanged: NOT_FINITE where a figure or the gradient is not finite, else KL_STOP beyond
// KL_LIMIT.
EXPORT int32_t ppo_apply(double* figures, float* params, float* m, float* v, float* grads, const double* sums,
                         const double* settings, const int32_t* widths, int32_t L);
