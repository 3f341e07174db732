// tests/support/oracle.h: every operation as the naive loop of its formula, in double precision.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "adlib/ops.h"

namespace adlib::test::oracle {

using Values = std::vector<double>;

inline double activate(double x, ops::Activation activation) {
  switch (activation) {
    case ops::Activation::none:
      return x;
    case ops::Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ops::Activation::gelu_erf:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case ops::Activation::silu:
      return x / (1 + std::exp(-x));
    case ops::Activation::relu:
      return x > 0 ? x : 0;
  }
  return x;
}

/// a (m, k), b (k, n) -> (m, n)
inline Values matmul(const Values& a, const Values& b, std::size_t m, std::size_t n, std::size_t k) {
  Values out(m * n, 0.0);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t l = 0; l < k; ++l) {
      for (std::size_t j = 0; j < n; ++j) out[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
  return out;
}

/// x (rows, cols) -> (rows, cols)
inline Values softmax(const Values& x, std::size_t cols, bool logarithm = false) {
  Values out(x.size());
  for (std::size_t first = 0; first < x.size(); first += cols) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::size_t c = 0; c < cols; ++c) largest = std::max(largest, x[first + c]);
    for (std::size_t c = 0; c < cols; ++c) sum += std::exp(x[first + c] - largest);
    for (std::size_t c = 0; c < cols; ++c) {
      const double shifted = x[first + c] - largest;
      out[first + c] = logarithm ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  }
  return out;
}

inline Values layer_norm(const Values& x, const Values& gamma, const Values& beta, double eps) {
  const std::size_t cols = gamma.size();
  Values out(x.size());
  for (std::size_t first = 0; first < x.size(); first += cols) {
    double mean = 0, variance = 0;
    for (std::size_t c = 0; c < cols; ++c) mean += x[first + c] / static_cast<double>(cols);
    for (std::size_t c = 0; c < cols; ++c)
      variance += std::pow(x[first + c] - mean, 2) / static_cast<double>(cols);
    for (std::size_t c = 0; c < cols; ++c) {
      out[first + c] =
          (x[first + c] - mean) / std::sqrt(variance + eps) * gamma[c] + (beta.empty() ? 0 : beta[c]);
    }
  }
  return out;
}

inline Values rms_norm(const Values& x, const Values& gamma, double eps) {
  const std::size_t cols = gamma.size();
  Values out(x.size());
  for (std::size_t first = 0; first < x.size(); first += cols) {
    double square = 0;
    for (std::size_t c = 0; c < cols; ++c) square += x[first + c] * x[first + c] / static_cast<double>(cols);
    for (std::size_t c = 0; c < cols; ++c) out[first + c] = x[first + c] / std::sqrt(square + eps) * gamma[c];
  }
  return out;
}

/// What the gradient of a norm gives; beta's is left out by rms_norm.
struct NormGradient {
  Values x, gamma, beta;
};

/// By the formulas of Ba et al. 2016 (`centred`) and Zhang & Sennrich 2019, in closed form.
inline NormGradient norm_backward(const Values& dy, const Values& x, const Values& gamma, double eps,
                                  bool centred) {
  const std::size_t cols = gamma.size();
  const auto count = static_cast<double>(cols);
  NormGradient out{Values(x.size()), Values(cols), Values(centred ? cols : 0)};
  for (std::size_t first = 0; first < x.size(); first += cols) {
    double mean = 0, square = 0;
    for (std::size_t c = 0; c < cols; ++c) mean += centred ? x[first + c] / count : 0;
    for (std::size_t c = 0; c < cols; ++c) square += std::pow(x[first + c] - mean, 2) / count;
    const double r = 1 / std::sqrt(square + eps);
    double mean_g = 0, mean_gn = 0;
    for (std::size_t c = 0; c < cols; ++c) {
      const double g = dy[first + c] * gamma[c], n = (x[first + c] - mean) * r;
      mean_g += centred ? g / count : 0;
      mean_gn += g * n / count;
      out.gamma[c] += dy[first + c] * n;
      if (centred) out.beta[c] += dy[first + c];
    }
    for (std::size_t c = 0; c < cols; ++c) {
      const double g = dy[first + c] * gamma[c], n = (x[first + c] - mean) * r;
      out.x[first + c] = r * (g - mean_g - n * mean_gn);
    }
  }
  return out;
}
inline NormGradient layer_norm_backward(const Values& dy, const Values& x, const Values& gamma, double eps) {
  return norm_backward(dy, x, gamma, eps, /*centred=*/true);
}
inline NormGradient rms_norm_backward(const Values& dy, const Values& x, const Values& gamma, double eps) {
  return norm_backward(dy, x, gamma, eps, /*centred=*/false);
}

/// What attention needs to know; mask(b, h, i, j) is added to a score, -infinity hides the key.
struct Attention {
  std::size_t batch = 1, heads = 1, kv_heads = 1, rows = 1, keys = 1, head_dim = 1, value_dim = 1;
  double scale = 1, softcap = 0;
  bool causal = false;
  std::int64_t past = 0;
};

/// q (B, H, Tq, D), k (B, Hkv, Tk, D), v (B, Hkv, Tk, Dv) -> (B, H, Tq, Dv), by the full matrix of scores.
template <class Mask>
Values attention(const Values& q, const Values& k, const Values& v, const Attention& a, Mask&& mask) {
  Values out(a.batch * a.heads * a.rows * a.value_dim, 0.0);
  for (std::size_t b = 0; b < a.batch; ++b) {
    for (std::size_t h = 0; h < a.heads; ++h) {
      const std::size_t kv = b * a.kv_heads + h / (a.heads / a.kv_heads);
      for (std::size_t i = 0; i < a.rows; ++i) {
        const std::size_t row = (b * a.heads + h) * a.rows + i;
        std::vector<std::size_t> seen;
        Values scores;
        for (std::size_t j = 0; j < a.keys; ++j) {
          const double added = mask(b, h, i, j);
          const bool future =
              a.causal && static_cast<std::int64_t>(j) > a.past + static_cast<std::int64_t>(i);
          if (future || added == -std::numeric_limits<double>::infinity()) continue;
          double score = 0;
          for (std::size_t d = 0; d < a.head_dim; ++d) {
            score += q[row * a.head_dim + d] * k[(kv * a.keys + j) * a.head_dim + d];
          }
          score *= a.scale;
          if (a.softcap > 0) score = a.softcap * std::tanh(score / a.softcap);
          seen.push_back(j);
          scores.push_back(score + added);
        }
        if (seen.empty()) continue;
        const Values p = softmax(scores, scores.size());
        for (std::size_t s = 0; s < seen.size(); ++s) {
          for (std::size_t d = 0; d < a.value_dim; ++d) {
            out[row * a.value_dim + d] += p[s] * v[(kv * a.keys + seen[s]) * a.value_dim + d];
          }
        }
      }
    }
  }
  return out;
}

inline double no_mask(std::size_t, std::size_t, std::size_t, std::size_t) { return 0; }

/// What attention over documents end to end needs to know: document s is rows [offsets[s], offsets[s + 1]).
struct VarlenAttention {
  std::vector<std::int64_t> offsets;
  std::size_t heads = 1, kv_heads = 1, head_dim = 1, value_dim = 1;
  double scale = 1, softcap = 0;
};
struct VarlenGradients {
  Values dq, dk, dv;
};

/// Calls pair(row i, row j, head, key-value head, scale q·k) for every key j that query i sees, in order.
template <class Pair>
void for_each_pair(const Values& q, const Values& k, const VarlenAttention& a, Pair&& pair) {
  for (std::size_t s = 1; s < a.offsets.size(); ++s) {
    const auto begin = static_cast<std::size_t>(a.offsets[s - 1]),
               end = static_cast<std::size_t>(a.offsets[s]);
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t h = 0; h < a.heads; ++h) {
        const std::size_t kv = h / (a.heads / a.kv_heads);
        for (std::size_t j = begin; j <= i; ++j) {
          double score = 0;
          for (std::size_t d = 0; d < a.head_dim; ++d) {
            score += q[(i * a.heads + h) * a.head_dim + d] * k[(j * a.kv_heads + kv) * a.head_dim + d];
          }
          pair(i, j, h, kv, score * a.scale);
        }
      }
    }
  }
}

/// q (N, H, D), k (N, Hkv, D), v (N, Hkv, Dv) -> (N, H, Dv); `lse`, if given, becomes log Σ exp(score), (N,
/// H).
inline Values varlen_attention(const Values& q, const Values& k, const Values& v, const VarlenAttention& a,
                               Values* lse = nullptr) {
  const auto rows = static_cast<std::size_t>(a.offsets.back());
  Values out(rows * a.heads * a.value_dim, 0.0), sums(rows * a.heads, 0.0);
  for_each_pair(q, k, a, [&](std::size_t i, std::size_t j, std::size_t h, std::size_t kv, double score) {
    const double weight = std::exp(a.softcap > 0 ? a.softcap * std::tanh(score / a.softcap) : score);
    sums[i * a.heads + h] += weight;
    for (std::size_t d = 0; d < a.value_dim; ++d) {
      out[(i * a.heads + h) * a.value_dim + d] += weight * v[(j * a.kv_heads + kv) * a.value_dim + d];
    }
  });
  for (std::size_t i = 0; i < out.size(); ++i) out[i] /= sums[i / a.value_dim];
  for (double& sum : sums) sum = std::log(sum);
  if (lse != nullptr) *lse = sums;
  return out;
}

/// The gradients of Σ dout · out, by the formulas with the whole matrix of weights. `out` as the forward pass
/// stored it, possibly rounded.
inline VarlenGradients varlen_attention_backward(const Values& dout, const Values& q, const Values& k,
                                                 const Values& v, const Values& out,
                                                 const VarlenAttention& a) {
  Values lse;
  varlen_attention(q, k, v, a, &lse);
  VarlenGradients g{Values(q.size(), 0.0), Values(k.size(), 0.0), Values(v.size(), 0.0)};
  for_each_pair(q, k, a, [&](std::size_t i, std::size_t j, std::size_t h, std::size_t kv, double score) {
    const double tanh = a.softcap > 0 ? std::tanh(score / a.softcap) : 0;
    const double weight = std::exp((a.softcap > 0 ? a.softcap * tanh : score) - lse[i * a.heads + h]);
    double gradient = 0;
    for (std::size_t d = 0; d < a.value_dim; ++d) {
      const std::size_t at = (i * a.heads + h) * a.value_dim + d,
                        key = (j * a.kv_heads + kv) * a.value_dim + d;
      gradient += dout[at] * (v[key] - out[at]);
      g.dv[key] += weight * dout[at];
    }
    gradient *= weight * (1 - tanh * tanh) * a.scale;
    for (std::size_t d = 0; d < a.head_dim; ++d) {
      const std::size_t at = (i * a.heads + h) * a.head_dim + d, key = (j * a.kv_heads + kv) * a.head_dim + d;
      g.dq[at] += gradient * k[key];
      g.dk[key] += gradient * q[at];
    }
  });
  return g;
}

}  // namespace adlib::test::oracle
