// A minibatch of PPO (arXiv:1707.06347, eq. 7) with a Gaussian policy and a value function of its own network:
//
//   log p(a) = -1/2 sum z^2 - sum log_std - A/2 log(2 pi),   z = (a - mean) / exp(log_std)
//   loss = -mean(min(r adv, clip(r) adv)) - entropy_coef entropy + value_coef mean((V - R)^2),
//   r = exp(log p - old log p)
//
// Its samples are spread over shards, whose gradients are summed before the step. Losses are summed in float64,
// row by row.
#include "elementary.h"
#include "mlp.h"

static const double HALF_LOG_2PI = 0.91893853320467274178;

typedef struct {
  network actor, critic;
  float *packed_actor, *packed_critic;  // weights
  float *x, *hidden, *out, *d_out;      // (CHUNK, O), hidden activations, (CHUNK, A), (CHUNK, A)
  float *inverse_std, *scratch;         // (A) exp(-log_std), a pass's
} plan;

typedef struct {
  double policy_loss, value_loss, kl, clipped;
} sums;

static size_t lay_out(plan* p, float* workspace, const float* params, const int32_t* widths, int32_t L,
                      int32_t form) {
  size_t A = (size_t)widths[L];
  p->actor = (network){params, widths, (size_t)L, A, form};
  p->critic = (network){params ? params + parameter_count(&p->actor) + A : 0, widths, (size_t)L, 1, form};
  size_t at = 0;
  size_t sizes[] = {network_floats(&p->actor),
                    network_floats(&p->critic),
                    CHUNK * (size_t)widths[0],
                    CHUNK * kept_floats(&p->actor),
                    CHUNK * A,
                    CHUNK * A,
                    A,
                    pass_floats(&p->actor, CHUNK)};
  float** places[] = {&p->packed_actor, &p->packed_critic, &p->x,           &p->hidden,
                      &p->out,          &p->d_out,         &p->inverse_std, &p->scratch};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    *places[i] = workspace ? workspace + at : 0;
    at += sizes[i];
  }
  return at;
}

size_t workspace_floats(const int32_t* widths, int32_t L, int32_t form) {
  plan p;
  return lay_out(&p, 0, 0, widths, L, form);
}

static void gather(float* x, const float* obs, const int32_t* rows, size_t count, size_t O) {
  for (size_t i = 0; i < count; i++) {
    const float* from = obs + (size_t)rows[i] * O;
    size_t j = 0;
    for (; j + LANES <= O; j += LANES) vf_store(x + i * O + j, vf_load(from + j));
    for (; j < O; j++) x[i * O + j] = from[j];
  }
}

// Of one sample: its part of the sums, and the gradient of the loss by its log-probability.
static double surrogate(sums* total, double log_ratio, double advantage, double clip_range, double samples) {
  float excess[LANES];
  vf_store(excess, vf_expm1(vf_all((float)log_ratio)));
  double ratio = 1.0 + (double)excess[0];
  double least = 1.0 - clip_range, most = 1.0 + clip_range;
  double plain = ratio * advantage;
  double clipped = (ratio < least ? least : ratio > most ? most : ratio) * advantage;
  // Where the ratio or the advantage is not a number, no comparison holds and NaN is handed on, to be found
  // in the norm.
  total->policy_loss -= plain <= clipped ? plain : clipped;
  total->kl += (double)excess[0] - log_ratio;
  if (excess[0] > (float)clip_range || excess[0] < -(float)clip_range) total->clipped += 1.0;
  return plain <= clipped ? -plain / samples : plain > clipped ? 0.0 : plain;
}

// d_mean (count, A) and, added up, d_log_std (A), for some rows of a shard.
static void policy_gradient(sums* total, plan* p, float* d_log_std, const float* log_std,
                            const float* actions, const float* old_log_prob, const float* advantages,
                            const int32_t* rows, size_t count, const double* settings) {
  size_t A = p->actor.outputs;
  double constant = HALF_LOG_2PI * (double)A;
  for (size_t j = 0; j < A; j++) constant += (double)log_std[j];
  for (size_t i = 0; i < count; i++) {
    size_t row = (size_t)rows[i];
    const float *action = actions + row * A, *out = p->out + i * A;
    float* d_mean = p->d_out + i * A;
    double squares = 0.0;
    for (size_t j = 0; j < A; j++) {
      float z = (action[j] - out[j]) * p->inverse_std[j];
      d_mean[j] = z;
      squares += (double)z * (double)z;
    }
    double log_ratio = -0.5 * squares - constant - (double)old_log_prob[row];
    double advantage = ((double)advantages[row] - settings[ADVANTAGE_MEAN]) * settings[ADVANTAGE_SCALE];
    float d = (float)surrogate(total, log_ratio, advantage, settings[CLIP_RANGE], settings[SAMPLES]);
    for (size_t j = 0; j < A; j++) {
      float z = d_mean[j];
      d_log_std[j] += d * (z * z - 1.0f);
      d_mean[j] = d * z * p->inverse_std[j];
    }
  }
}

static void value_gradient(sums* total, plan* p, const float* returns, const int32_t* rows, size_t count,
                           const double* settings) {
  double weight = settings[VALUE_COEF] * 2.0 / settings[SAMPLES];
  for (size_t i = 0; i < count; i++) {
    double error = (double)p->out[i] - (double)returns[rows[i]];
    total->value_loss += error * error;
    p->d_out[i] = (float)(weight * error);
  }
}

// The sums (4) and gradients (P) of one shard, whose `count` rows are named.
static void shard_gradient(double* figures, float* grads, plan* p, const float* log_std, const float* obs,
                           const float* actions, const float* old_log_prob, const float* advantages,
                           const float* returns, const int32_t* rows, size_t count, const double* settings) {
  size_t A = p->actor.outputs, mean_size = parameter_count(&p->actor), O = units(&p->actor, 0);
  float *d_log_std = grads + mean_size, *d_critic = d_log_std + A;
  sums total = {0.0, 0.0, 0.0, 0.0};
  size_t cleared = count ? A : mean_size + A + parameter_count(&p->critic);
  float* first = count ? d_log_std : grads;
  for (size_t i = 0; i < cleared; i++) first[i] = 0.0f;
  for (size_t at = 0; at < count; at += CHUNK) {
    size_t some = count - at < CHUNK ? count - at : CHUNK;
    const int32_t* which = rows + at;
    gather(p->x, obs, which, some, O);
    forward_rows(p->out, p->hidden, p->x, &p->actor, p->packed_actor, p->scratch, some, 0, some);
    policy_gradient(&total, p, d_log_std, log_std, actions, old_log_prob, advantages, which, some, settings);
    backward_rows(grads, 0, p->d_out, p->hidden, p->x, &p->actor, p->packed_actor, p->scratch, some, 0, some,
                  at > 0);
    forward_rows(p->out, p->hidden, p->x, &p->critic, p->packed_critic, p->scratch, some, 0, some);
    value_gradient(&total, p, returns, which, some, settings);
    backward_rows(d_critic, 0, p->d_out, p->hidden, p->x, &p->critic, p->packed_critic, p->scratch, some, 0,
                  some, at > 0);
  }
  figures[POLICY_LOSS] = total.policy_loss;
  figures[VALUE_LOSS] = total.value_loss;
  figures[KL] = total.kl;
  figures[CLIPPED] = total.clipped;
}

// Whether the shards have B rows together, no more than the minibatch, each of them one of the S samples.
static int fits(const int32_t* rows, const int32_t* counts, int32_t n, int32_t B, int32_t S, double samples) {
  int64_t total = 0;
  for (int32_t s = 0; s < n; s++) {
    if (counts[s] < 0) return 0;
    total += counts[s];
  }
  if (total != B || samples < 1.0 || samples < (double)B) return 0;
  for (int32_t i = 0; i < B; i++)
    if (rows[i] < 0 || rows[i] >= S) return 0;
  return 1;
}

int32_t ppo_shards(double* figures, float* grads, const float* params, const float* obs, const float* actions,
                   const float* old_log_prob, const float* advantages, const float* returns,
                   const int32_t* rows, const int32_t* counts, float* workspace, const double* settings,
                   const int32_t* widths, int32_t L, int32_t form, int32_t n, int32_t B, int32_t S) {
  if (!fits(rows, counts, n, B, S, settings[SAMPLES])) return REFUSED;
  plan p;
  lay_out(&p, workspace, params, widths, L, form);
  size_t A = p.actor.outputs, mean_size = parameter_count(&p.actor);
  size_t P = mean_size + A + parameter_count(&p.critic);
  const float* log_std = params + mean_size;
  for (size_t j = 0; j < A; j++) p.inverse_std[j] = -log_std[j];
  elementary(p.inverse_std, p.inverse_std, (int32_t)A, EXP);
  pack_forward(p.packed_actor, &p.actor);
  pack_backward(p.packed_actor, &p.actor, 0);
  pack_forward(p.packed_critic, &p.critic);
  pack_backward(p.packed_critic, &p.critic, 0);
  for (int32_t s = 0; s < n; s++) {
    shard_gradient(figures, grads, &p, log_std, obs, actions, old_log_prob, advantages, returns, rows,
                   (size_t)counts[s], settings);
    figures += N_SUMS;
    grads += P;
    rows += counts[s];
  }
  return STEPPED;
}

void tree_sum(float* block, int32_t n, int32_t P) {
  size_t width = (size_t)P;
  for (size_t step = 1; step < (size_t)n; step *= 2) {
    for (size_t s = 0; s < (size_t)n; s += 2 * step) {
      float* left = block + s * width;
      const float* right = left + step * width;
      for (size_t i = 0; i < width; i++) left[i] += right[i];
    }
  }
}

double clip_norm(float* grads, int32_t P, double max_norm) {
  double squares = 0.0;
  for (int32_t i = 0; i < P; i++) squares += (double)grads[i] * (double)grads[i];
  double norm = __builtin_sqrt(squares);
  if (norm > max_norm && norm < __builtin_inf()) {
    float factor = (float)(max_norm / norm);
    for (int32_t i = 0; i < P; i++) grads[i] *= factor;
  }
  return norm;
}

static inline vf adam(vf param, vf m, vf v, vf epsilon, vf step, vf correction) {
  vf spread = vf_add(vf_sqrt(vf_mul(v, correction)), epsilon);
  return vf_sub(param, vf_mul(vf_div(m, spread), step));
}

void adam_step(float* params, float* m, float* v, const float* grads, const double* settings, int32_t P) {
  const vf beta1 = vf_all((float)settings[BETA1]), rest1 = vf_all((float)(1.0 - settings[BETA1]));
  const vf beta2 = vf_all((float)settings[BETA2]), rest2 = vf_all((float)(1.0 - settings[BETA2]));
  const vf epsilon = vf_all((float)settings[EPSILON]), step = vf_all((float)settings[STEP_SIZE]);
  const vf correction = vf_all((float)settings[V_CORRECTION]);
  for (size_t i = 0; i < (size_t)P; i += LANES) {
    size_t count = (size_t)P - i < LANES ? (size_t)P - i : LANES;
    int whole = count == LANES;
    vf g = whole ? vf_load(grads + i) : vf_load_part(grads + i, count);
    vf first = whole ? vf_load(m + i) : vf_load_part(m + i, count);
    vf second = whole ? vf_load(v + i) : vf_load_part(v + i, count);
    vf param = whole ? vf_load(params + i) : vf_load_part(params + i, count);
    first = vf_add(vf_mul(first, beta1), vf_mul(g, rest1));
    second = vf_add(vf_mul(second, beta2), vf_mul(vf_mul(g, g), rest2));
    param = adam(param, first, second, epsilon, step, correction);
    if (whole) {
      vf_store(m + i, first);
      vf_store(v + i, second);
      vf_store(params + i, param);
    } else {
      vf_store_part(m + i, first, count);
      vf_store_part(v + i, second, count);
      vf_store_part(params + i, param, count);
    }
  }
}

int32_t ppo_apply(double* figures, float* params, float* m, float* v, float* grads, const double* sums,
                  const double* settings, const int32_t* widths, int32_t L) {
  network actor = {params, widths, (size_t)L, (size_t)widths[L], TANH}, critic = actor;
  critic.outputs = 1;
  size_t A = actor.outputs, mean_size = parameter_count(&actor);
  int32_t P = (int32_t)(mean_size + A + parameter_count(&critic));
  double finite = 0.0, entropy = (double)A * (0.5 + HALF_LOG_2PI);
  for (int i = 0; i < N_SUMS; i++) {
    figures[i] = sums[i] / settings[SAMPLES];
    finite += figures[i];
  }
  for (size_t j = 0; j < A; j++)
    grads[mean_size + j] =
        settings[LEARN_STD] != 0.0 ? grads[mean_size + j] - (float)settings[ENTROPY_COEF] : 0.0f;
  figures[GRAD_NORM] = clip_norm(grads, P, settings[MAX_GRAD_NORM]);
  finite += figures[GRAD_NORM];
  int32_t answer = STEPPED;
  if (!(finite - finite == 0.0))
    answer = NOT_FINITE;
  else if (settings[KL_LIMIT] != 0.0 && figures[KL] > settings[KL_LIMIT])
    answer = KL_STOP;
  else
    adam_step(params, m, v, grads, settings, P);
  for (size_t j = 0; j < A; j++) entropy += (double)params[mean_size + j];
  figures[ENTROPY] = entropy;
  return answer;
}
