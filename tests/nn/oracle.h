// tests/nn/oracle.h: naive layers in double, written from the formulas and sharing nothing with the library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/core/tensor.h"
#include "adlib/io/weights.h"

namespace adlib::test {

/// Row-major (rows, cols).
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values;

  Matrix(std::int64_t r, std::int64_t c) : rows(r), cols(c), values(static_cast<std::size_t>(r * c)) {}
  double& at(std::int64_t r, std::int64_t c) { return values[static_cast<std::size_t>(r * cols + c)]; }
  double at(std::int64_t r, std::int64_t c) const { return values[static_cast<std::size_t>(r * cols + c)]; }
};

inline Tensor random_tensor(const Shape& shape, std::uint64_t stream, double deviation = 1.0,
                            double mean = 0.0) {
  const Philox random(2024, stream);
  Tensor out = Tensor::empty(shape);
  std::uint64_t index = 0;
  for (float& value : out.data<float>())
    value = static_cast<float>(mean + deviation * random.normal(index++));
  return out;
}

/// A tensor of rank 1 becomes one row.
inline Matrix to_matrix(const Tensor& tensor) {
  const Tensor packed = tensor.to(Device::cpu).to(DType::f32).contiguous();
  const std::int64_t cols = packed.size(-1);
  Matrix out(packed.numel() / cols, cols);
  const auto values = packed.data<float>();
  std::copy(values.begin(), values.end(), out.values.begin());
  return out;
}

/// x·W + b; W is (in, out), or (out, in) when `transposed`; an undefined bias adds nothing.
inline Matrix linear(const Matrix& x, const Tensor& weight, const Tensor& bias, bool transposed) {
  const Matrix w = to_matrix(weight);
  const std::int64_t out_features = transposed ? w.rows : w.cols;
  Matrix y(x.rows, out_features);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t o = 0; o < out_features; ++o) {
      double sum = bias ? to_matrix(bias).at(0, o) : 0.0;
      for (std::int64_t i = 0; i < x.cols; ++i) sum += x.at(r, i) * (transposed ? w.at(o, i) : w.at(i, o));
      y.at(r, o) = sum;
    }
  }
  return y;
}

inline Matrix layer_norm(const Matrix& x, const Tensor& gain, const Tensor& offset, double eps) {
  const Matrix g = to_matrix(gain);
  const Matrix b = to_matrix(offset);
  Matrix y(x.rows, x.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    double mean = 0, variance = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) mean += x.at(r, c);
    mean /= static_cast<double>(x.cols);
    for (std::int64_t c = 0; c < x.cols; ++c) variance += (x.at(r, c) - mean) * (x.at(r, c) - mean);
    variance /= static_cast<double>(x.cols);
    for (std::int64_t c = 0; c < x.cols; ++c)
      y.at(r, c) = (x.at(r, c) - mean) / std::sqrt(variance + eps) * g.at(0, c) + b.at(0, c);
  }
  return y;
}

inline Matrix rms_norm(const Matrix& x, const Tensor& gain, double eps) {
  const Matrix g = to_matrix(gain);
  Matrix y(x.rows, x.cols);
  for (std::int64_t r = 0; r < x.rows; ++r) {
    double squares = 0;
    for (std::int64_t c = 0; c < x.cols; ++c) squares += x.at(r, c) * x.at(r, c);
    for (std::int64_t c = 0; c < x.cols; ++c)
      y.at(r, c) = x.at(r, c) / std::sqrt(squares / static_cast<double>(x.cols) + eps) * g.at(0, c);
  }
  return y;
}

inline double silu(double x) { return x / (1.0 + std::exp(-x)); }
inline double gelu_tanh(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}

/// Rotates pairs (i, i + R/2) of each head of x (T, heads · head_dim); row r stands at position first + r.
inline void rotate(Matrix& x, std::int64_t head_dim, std::int64_t first, double theta) {
  const std::int64_t half = head_dim / 2;
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t head = 0; head < x.cols / head_dim; ++head) {
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle = static_cast<double>(first + r) *
                             std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
        double& a = x.at(r, head * head_dim + i);
        double& b = x.at(r, head * head_dim + i + half);
        const double rotated = a * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + a * std::sin(angle);
        a = rotated;
      }
    }
  }
}

/// Causal softmax(QKᵀ·scale)·V; head h reads key head h / (H / Hkv). q (T, H·D), k and v (T, Hkv·D)
inline Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, std::int64_t head_dim,
                        double scale) {
  const std::int64_t heads = q.cols / head_dim;
  const std::int64_t group = heads / (k.cols / head_dim);
  Matrix y(q.rows, q.cols);
  for (std::int64_t h = 0; h < heads; ++h) {
    const std::int64_t kv = h / group * head_dim;
    for (std::int64_t i = 0; i < q.rows; ++i) {
      std::vector<double> weights;
      double total = 0;
      for (std::int64_t j = 0; j <= i; ++j) {
        double score = 0;
        for (std::int64_t d = 0; d < head_dim; ++d) score += q.at(i, h * head_dim + d) * k.at(j, kv + d);
        weights.push_back(std::exp(score * scale));
        total += weights.back();
      }
      for (std::int64_t d = 0; d < head_dim; ++d) {
        double sum = 0;
        for (std::int64_t j = 0; j <= i; ++j) sum += weights[static_cast<std::size_t>(j)] * v.at(j, kv + d);
        y.at(i, h * head_dim + d) = sum / total;
      }
    }
  }
  return y;
}

inline Matrix add(Matrix a, const Matrix& b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
  return a;
}
template <class F>
Matrix map(Matrix a, F&& f) {
  for (double& value : a.values) value = f(value);
  return a;
}

/// max |out - reference| / max |reference|
inline double relative_error(const Tensor& out, const Matrix& reference) {
  const Matrix got = to_matrix(out);
  if (got.values.size() != reference.values.size()) return INFINITY;
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double difference = std::abs(got.values[i] - reference.values[i]);
    if (!(difference <= worst)) worst = difference;
    largest = std::max(largest, std::abs(reference.values[i]));
  }
  return worst / largest;
}

}  // namespace adlib::test
