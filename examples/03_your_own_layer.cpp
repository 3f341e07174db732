// 03: a layer of your own, built as the library builds its layers: weights by name, shapes checked once, at
// load. LayerScale (Touvron et al. 2021) multiplies the output of a branch by one learned number per channel.
#include <cstdio>
#include <exception>

#include "adlib/adlib.h"
#include "adlib/nn/layer_norm.h"
#include "adlib/nn/linear.h"

using namespace adlib;

class LayerScale {
 public:
  LayerScale(const Weights& w, std::int64_t width) : gain_(w.take("gain", {width})) {}
  Tensor operator()(const Tensor& x) const { return ops::multiply(x, gain_); }  // (…, C) -> (…, C)

 private:
  Tensor gain_;  // (C)
};

// x + scale(mlp(norm(x))), from the library's layers and the new one.
class ScaledBranch {
 public:
  ScaledBranch(const Weights& w, std::int64_t width, std::int64_t inner)
      : norm_(w.scope("norm"), width, /*eps=*/1e-5f),
        up_(w.scope("up"), width, inner, nn::Linear::Layout::out_in, /*with_bias=*/false),
        down_(w.scope("down"), inner, width, nn::Linear::Layout::out_in, /*with_bias=*/false),
        scale_(w.scope("scale"), width) {}
  Tensor operator()(const Tensor& x) const {
    return ops::add(x, scale_(down_(up_(norm_(x), ops::Activation::gelu_tanh))));  // (N, C) -> (N, C)
  }

 private:
  nn::LayerNorm norm_;
  nn::Linear up_, down_;
  LayerScale scale_;
};

int main() {
  const Tensor ones = Tensor::from<float>({1, 1}, {2});
  std::map<std::string, Tensor> tensors = {
      {"branch.norm.weight", ones},
      {"branch.norm.bias", Tensor::zeros({2})},
      {"branch.up.weight", Tensor::from<float>({1, 0, 0, 1, 1, 1}, {3, 2})},
      {"branch.down.weight", Tensor::from<float>({1, 0, 1, 0, 1, 1}, {2, 3})},
      {"branch.scale.gain", Tensor::from<float>({0.1f, 0}, {2})},
  };
  const ScaledBranch branch(Weights::from(tensors).scope("branch"), 2, 3);
  const Tensor x = Tensor::from<float>({1, 2, 3, 5}, {2, 2});
  const Tensor y = branch(x);
  std::printf("in  %s  out %s\n", x.describe().c_str(), y.describe().c_str());
  for (std::size_t i = 0; i < 4; ++i) std::printf("%.4f -> %.4f\n", x.data<float>()[i], y.data<float>()[i]);
  if (y.data<float>()[1] != 2 || y.data<float>()[3] != 5)
    return 1;  // a gain of 0 lets the channel through unchanged

  try {  // a misshapen tensor is refused where it is taken, by its full name
    tensors["branch.scale.gain"] = Tensor::zeros({7});
    ScaledBranch(Weights::from(tensors).scope("branch"), 2, 3);
  } catch (const Error& error) {
    std::printf("refused: %s\n", error.what());
    return 0;
  }
  return 1;
}
