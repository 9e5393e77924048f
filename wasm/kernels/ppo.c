// One minibatch of PPO (arXiv:1707.06347, eq. 7) with a Gaussian policy and a value function of its own network:
//
//   log p(a) = -1/2 sum z^2 - sum log_std - A/2 log(2 pi),   z = (a - mean) / exp(log_std)
//   loss = -mean(min(r adv, clip(r) adv)) - entropy_coef entropy + value_coef mean((V - R)^2),
//   r = exp(log p - old log p)
//
// Means and losses are summed in float64, row by row.
#include "elementary.h"
#include "mlp.h"

static const double HALF_LOG_2PI = 0.91893853320467274178;
static const double LEAST_DEVIATION = 1e-8;  // added to the advantages' standard deviation

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
                      int32_t activation) {
  size_t A = (size_t)widths[L];
  p->actor = (network){params, widths, (size_t)L, A, activation};
  p->critic =
      (network){params ? params + parameter_count(&p->actor) + A : 0, widths, (size_t)L, 1, activation};
  size_t at = 0;
  size_t sizes[] = {network_floats(&p->actor),
                    network_floats(&p->critic),
                    CHUNK * (size_t)widths[0],
                    CHUNK * hidden_units(&p->actor),
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

size_t workspace_floats(const int32_t* widths, int32_t L) {
  plan p;
  return lay_out(&p, 0, 0, widths, L, TANH);
}

// Mean and 1 / (standard deviation + LEAST_DEVIATION) of the named advantages; 0 and 1 where they are not to
// be normalised.
static void advantage_moments(double* mean, double* scale, const float* advantages, const int32_t* rows,
                              size_t B, int normalize) {
  *mean = 0.0;
  *scale = 1.0;
  if (!normalize || B < 2) return;
  double sum = 0.0, squares = 0.0;
  for (size_t i = 0; i < B; i++) sum += (double)advantages[rows[i]];
  *mean = sum / (double)B;
  for (size_t i = 0; i < B; i++) {
    double off = (double)advantages[rows[i]] - *mean;
    squares += off * off;
  }
  *scale = 1.0 / (__builtin_sqrt(squares / (double)(B - 1)) + LEAST_DEVIATION);
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
static double surrogate(sums* total, double log_ratio, double advantage, double clip_range, double B) {
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
  return plain <= clipped ? -plain / B : plain > clipped ? 0.0 : plain;
}

// d_mean (count, A) and, added up, d_log_std (A), for one chunk of the minibatch.
static void policy_gradient(sums* total, plan* p, float* d_log_std, const float* log_std,
                            const float* actions, const float* old_log_prob, const float* advantages,
                            const int32_t* rows, size_t count, const double* settings, double mean,
                            double scale, double B) {
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
    double advantage = ((double)advantages[row] - mean) * scale;
    float d = (float)surrogate(total, log_ratio, advantage, settings[CLIP_RANGE], B);
    for (size_t j = 0; j < A; j++) {
      float z = d_mean[j];
      d_log_std[j] += d * (z * z - 1.0f);
      d_mean[j] = d * z * p->inverse_std[j];
    }
  }
}

static void value_gradient(sums* total, plan* p, const float* returns, const int32_t* rows, size_t count,
                           double coef, double B) {
  for (size_t i = 0; i < count; i++) {
    double error = (double)p->out[i] - (double)returns[rows[i]];
    total->value_loss += error * error;
    p->d_out[i] = (float)(coef * 2.0 / B * error);
  }
}

static int rows_in_range(const int32_t* rows, int32_t B, int32_t S) {
  for (int32_t i = 0; i < B; i++)
    if (rows[i] < 0 || rows[i] >= S) return 0;
  return 1;
}

int32_t ppo_gradient(double* figures, float* grads, const float* params, const float* obs,
                     const float* actions, const float* old_log_prob, const float* advantages,
                     const float* returns, const int32_t* rows, float* workspace, const double* settings,
                     const int32_t* widths, int32_t L, int32_t activation, int32_t B, int32_t S) {
  if (B < 1 || !rows_in_range(rows, B, S)) return ROW_OUT_OF_RANGE;
  plan p;
  lay_out(&p, workspace, params, widths, L, activation);
  size_t O = (size_t)widths[0], A = (size_t)widths[L], mean_size = parameter_count(&p.actor);
  const float* log_std = params + mean_size;
  float *d_log_std = grads + mean_size, *d_critic = d_log_std + A;
  double mean, scale;
  sums total = {0.0, 0.0, 0.0, 0.0};
  advantage_moments(&mean, &scale, advantages, rows, (size_t)B, settings[NORMALIZE_ADVANTAGE] != 0.0);
  for (size_t j = 0; j < A; j++) {
    p.inverse_std[j] = -log_std[j];
    d_log_std[j] = (float)-settings[ENTROPY_COEF];
  }
  elementary(p.inverse_std, p.inverse_std, (int32_t)A, EXP);
  pack_network(p.packed_actor, &p.actor, 1);
  pack_network(p.packed_critic, &p.critic, 1);
  for (size_t at = 0; at < (size_t)B; at += CHUNK) {
    size_t count = (size_t)B - at < CHUNK ? (size_t)B - at : CHUNK;
    const int32_t* some = rows + at;
    gather(p.x, obs, some, count, O);
    forward_rows(p.out, p.hidden, p.x, &p.actor, p.packed_actor, p.scratch, count, 0, count);
    policy_gradient(&total, &p, d_log_std, log_std, actions, old_log_prob, advantages, some, count, settings,
                    mean, scale, (double)B);
    backward_rows(grads, p.d_out, p.hidden, p.x, &p.actor, p.packed_actor, p.scratch, count, 0, count,
                  at > 0);
    forward_rows(p.out, p.hidden, p.x, &p.critic, p.packed_critic, p.scratch, count, 0, count);
    value_gradient(&total, &p, returns, some, count, settings[VALUE_COEF], (double)B);
    backward_rows(d_critic, p.d_out, p.hidden, p.x, &p.critic, p.packed_critic, p.scratch, count, 0, count,
                  at > 0);
  }
  figures[POLICY_LOSS] = total.policy_loss / (double)B;
  figures[VALUE_LOSS] = total.value_loss / (double)B;
  figures[KL] = total.kl / (double)B;
  figures[CLIP_FRACTION] = total.clipped / (double)B;
  return STEPPED;
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

int32_t ppo_minibatch(double* figures, float* params, float* m, float* v, float* grads, const float* obs,
                      const float* actions, const float* old_log_prob, const float* advantages,
                      const float* returns, const int32_t* rows, float* workspace, const double* settings,
                      const int32_t* widths, int32_t L, int32_t activation, int32_t B, int32_t S) {
  int32_t answer = ppo_gradient(figures, grads, params, obs, actions, old_log_prob, advantages, returns, rows,
                                workspace, settings, widths, L, activation, B, S);
  if (answer != STEPPED) return answer;
  if (settings[KL_LIMIT] != 0.0 && figures[KL] > settings[KL_LIMIT]) return KL_STOP;
  plan p;
  lay_out(&p, workspace, params, widths, L, activation);
  size_t A = p.actor.outputs, mean_size = parameter_count(&p.actor);
  int32_t P = (int32_t)(mean_size + A + parameter_count(&p.critic));
  figures[GRAD_NORM] = clip_norm(grads, P, settings[MAX_GRAD_NORM]);
  double finite = figures[GRAD_NORM] + figures[POLICY_LOSS] + figures[VALUE_LOSS] + figures[KL];
  if (!(finite - finite == 0.0)) return NOT_FINITE;
  adam_step(params, m, v, grads, settings, P);
  double entropy = (double)A * (0.5 + HALF_LOG_2PI);
  for (size_t j = 0; j < A; j++) entropy += (double)params[mean_size + j];
  figures[ENTROPY] = entropy;
  return STEPPED;
}
