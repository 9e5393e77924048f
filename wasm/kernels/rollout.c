// What happens while a rollout is made and before it is learned from: normalising, acting, advantages.
#include "elementary.h"
#include "mlp.h"

static const float OBS_LIMIT = 10.0f;  // tabrl_py/nn/normalize.py: CLIP

static inline vf normalized(vf obs, vf mean, vf scale) {
  vf y = vf_mul(vf_sub(obs, mean), scale);
  return vf_min(vf_max(y, vf_all(-OBS_LIMIT)), vf_all(OBS_LIMIT));
}

void normalize(float* out, const float* obs, const float* mean, const float* scale, int32_t B, int32_t O) {
  size_t n = (size_t)O;
  for (size_t i = 0; i < (size_t)B; i++, out += n, obs += n) {
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
      vf_store(out + j, normalized(vf_load(obs + j), vf_load(mean + j), vf_load(scale + j)));
    if (j < n) {
      vf part = normalized(vf_load_part(obs + j, n - j), vf_load_part(mean + j, n - j),
                           vf_load_part(scale + j, n - j));
      vf_store_part(out + j, part, n - j);
    }
  }
}

// action (rows, A) += exp(log_std) noise; std (A) is scratch.
static void explore(float* action, const float* noise, const float* log_std, float* std, size_t rows,
                    size_t A) {
  elementary(std, log_std, (int32_t)A, EXP);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < A; j++) action[i * A + j] = noise[i * A + j] * std[j] + action[i * A + j];
}

void act(float* action, const float* obs, const float* noise, const float* obs_mean, const float* obs_scale,
         const float* params, float* workspace, const int32_t* widths, int32_t L, int32_t form, int32_t B) {
  size_t O = (size_t)widths[0], A = (size_t)widths[L];
  network actor = {params, widths, (size_t)L, A, form};
  float* x = workspace + network_floats(&actor);
  float* scratch = x + CHUNK * O;
  pack_forward(workspace, &actor);
  for (size_t at = 0; at < (size_t)B; at += CHUNK) {
    size_t rows = (size_t)B - at < CHUNK ? (size_t)B - at : CHUNK;
    const float* input = obs + at * O;
    if (obs_mean) {
      normalize(x, input, obs_mean, obs_scale, (int32_t)rows, widths[0]);
      input = x;
    }
    float* out = action + at * A;
    forward_rows(out, 0, input, &actor, workspace, scratch, rows, 0, rows);
    if (noise) explore(out, noise + at * A, params + parameter_count(&actor), scratch, rows, A);
  }
}

void to_bounds(float* out, const float* action, const float* low, const float* high, int32_t B, int32_t A,
               int32_t squash) {
  if (squash) {
    elementary(out, action, B * A, TANH);
    action = out;
  }
  for (size_t i = 0; i < (size_t)B; i++, out += A, action += A) {
    for (size_t j = 0; j < (size_t)A; j++) {
      float half = 0.5f * (high[j] - low[j]), middle = 0.5f * (low[j] + high[j]), at = action[j];
      at = at < -1.0f ? -1.0f : at > 1.0f ? 1.0f : at;
      at = at * half + middle;
      // Rounding may pass a bound by one unit in the last place.
      out[j] = at < low[j] ? low[j] : at > high[j] ? high[j] : at;
    }
  }
}

void gae(float* advantages, const float* rewards, const float* values, const float* next_values,
         const uint8_t* terminated, const uint8_t* truncated, int32_t T, int32_t N, double gamma,
         double lambda) {
  // The NumPy reference computes delta in float32 and carries the sum in float64; so does this, for the same
  // bits.
  const float discount = (float)gamma;
  const double decay = gamma * lambda;
  for (size_t n = 0; n < (size_t)N; n++) {
    double following = 0.0;
    for (size_t t = (size_t)T; t-- > 0;) {
      size_t i = t * (size_t)N + n;
      float bootstrap = discount * next_values[i] * (terminated[i] ? 0.0f : 1.0f);
      float delta = rewards[i] + bootstrap - values[i];
      double keep = terminated[i] || truncated[i] ? 0.0 : decay;
      following = (double)delta + keep * following;
      advantages[i] = (float)following;
    }
  }
}
