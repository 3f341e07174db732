// 01: attention alone. softmax(QKᵀ/√d)·V, once by the library and once by the definition, for one head.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "adlib/adlib.h"

int main() {
  using namespace adlib;
  constexpr int T = 5, D = 8;  // tokens, width of the head
  const Philox random(/*seed=*/1);
  std::vector<float> numbers(3 * T * D);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(random.normal(i));
  const Tensor qkv =
      Tensor::from<float>(numbers, {3, 1, 1, T, D});  // three tensors (batch, heads, tokens, width)
  const Tensor q = qkv.select(0, 0), k = qkv.select(0, 1), v = qkv.select(0, 2);  // views: nothing is copied

  // Causal: token i looks at tokens 0 … i, so that the text can be continued from the left to the right.
  const Tensor mixed = ops::attention(q, k, v, {.causal = true});

  // The same by the definition, with every weight on paper.
  float largest_difference = 0;
  const float* values = v.data<float>().data();
  const Tensor scores = ops::matmul(q, k.transpose(-2, -1).contiguous());  // (1, 1, T, T)
  for (int i = 0; i < T; ++i) {
    std::vector<float> seen(scores.data<float>().data() + i * T, scores.data<float>().data() + i * T + i + 1);
    for (float& score : seen) score /= std::sqrt(static_cast<float>(D));
    const Tensor weights = ops::softmax(Tensor::from<float>(seen, {i + 1}));
    std::printf("token %d looks at:", i);
    for (const float weight : weights.data<float>()) std::printf(" %.3f", weight);
    std::printf("\n");
    for (int d = 0; d < D; ++d) {
      float sum = 0;
      for (int j = 0; j <= i; ++j) sum += weights.data<float>()[j] * values[j * D + d];
      largest_difference = std::max(largest_difference, std::abs(sum - mixed.data<float>()[i * D + d]));
    }
  }
  std::printf("largest difference from the definition: %.1e\n", largest_difference);
  return largest_difference < 1e-5f ? 0 : 1;
}
