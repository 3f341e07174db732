// Gradients against PyTorch's autograd in float64, and AdamW against torch.optim.AdamW.
// tests/data/ops/make_backward_goldens.py wrote the goldens.
#include <string>

#include "adlib/io/safetensors.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/files.h"
#include "support/gradient.h"

using namespace adlib;
using namespace adlib::test;

namespace {

const std::filesystem::path path = data_dir() / "ops" / "backward.safetensors";

// Of two tensors, as norms.
double error(const Tensor& got, const Tensor& want) { return relative_error(doubles(got), doubles(want)); }

}  // namespace

TEST_CASE("gradients agree with PyTorch's autograd", "[ops][backward][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  if (!have(path)) return;
  const auto file = io::SafetensorsFile::open(path);
  const auto golden = [&](const std::string& name) { return file.tensor(name).to(device); };
  constexpr double bound = 1e-6;

  for (const auto& [name, activation] :
       {std::pair<std::string, ops::Activation>{"gelu_tanh", ops::Activation::gelu_tanh},
        {"gelu_erf", ops::Activation::gelu_erf},
        {"silu", ops::Activation::silu},
        {"relu", ops::Activation::relu}}) {
    CAPTURE(name);
    const Tensor dx = ops::activate_backward(golden(name + ".dy"), golden(name + ".x"), activation);
    CHECK(error(dx, golden(name + ".dx")) < bound);
  }
  {
    const Tensor gate = golden("swiglu.gate");
    Tensor dgate = Tensor::empty(gate.shape()).to(device), dup = Tensor::empty(gate.shape()).to(device);
    ops::swiglu_backward(dgate, dup, golden("swiglu.dy"), gate, golden("swiglu.up"));
    CHECK(error(dgate, golden("swiglu.dgate")) < bound);
    CHECK(error(dup, golden("swiglu.dup")) < bound);
  }
  {
    Tensor sums = Tensor::zeros({19}).to(device);
    ops::sum_rows_into(sums, golden("bias.dy"));
    CHECK(error(sums, golden("bias.dbias")) < bound);
  }
  {
    const Tensor x = golden("layer_norm.x");
    Tensor dx = Tensor::zeros(x.shape()).to(device), dgamma = Tensor::zeros({45}).to(device),
           dbeta = Tensor::zeros({45}).to(device);
    ops::layer_norm_backward(dx, dgamma, dbeta, golden("layer_norm.dy"), x, golden("layer_norm.gamma"),
                             1e-5f);
    CHECK(error(dx, golden("layer_norm.dx")) < bound);
    CHECK(error(dgamma, golden("layer_norm.dgamma")) < bound);
    CHECK(error(dbeta, golden("layer_norm.dbeta")) < bound);
  }
  {
    const Tensor x = golden("rms_norm.x");
    Tensor dx = Tensor::zeros(x.shape()).to(device), dgamma = Tensor::zeros({45}).to(device);
    ops::rms_norm_backward(dx, dgamma, golden("rms_norm.dy"), x, golden("rms_norm.gamma"), 1e-6f);
    CHECK(error(dx, golden("rms_norm.dx")) < bound);
    CHECK(error(dgamma, golden("rms_norm.dgamma")) < bound);
  }
  {
    Tensor dtable = Tensor::zeros({11, 21}).to(device);
    ops::embedding_backward(dtable, golden("embedding.dy"), golden("embedding.ids"));
    CHECK(error(dtable, golden("embedding.dtable")) < bound);
  }
  for (const auto& [name, layout] :
       {std::pair<std::string, ops::RopeLayout>{"rope_halves", ops::RopeLayout::halves},
        {"rope_interleaved", ops::RopeLayout::interleaved}}) {
    CAPTURE(name);
    const Tensor dx = ops::rope_backward(golden(name + ".dy"), golden(name + ".positions"),
                                         golden(name + ".cos"), golden(name + ".sin"), layout);
    CHECK(error(dx, golden(name + ".dx")) < bound);
  }
  {
    const Tensor logits = golden("cross_entropy.logits");
    Tensor dlogits = Tensor::empty(logits.shape()).to(device);
    const Tensor losses = ops::cross_entropy_backward(dlogits, logits, golden("cross_entropy.targets"),
                                                      golden("cross_entropy.dy"));
    CHECK(error(dlogits, golden("cross_entropy.dlogits")) < bound);
    CHECK(error(losses, golden("cross_entropy.losses")) < bound);
  }
}

TEST_CASE("ten steps of adamw_step end where torch.optim.AdamW ends", "[ops][adamw_step][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  if (!have(path)) return;
  const auto file = io::SafetensorsFile::open(path);
  Tensor w = file.tensor("adamw.w0").clone().to(device), m = Tensor::zeros({67}).to(device),
         v = Tensor::zeros({67}).to(device), none;
  for (int step = 1; step <= 10; ++step) {
    ops::adamw_step(w, m, v, none, file.tensor(concat("adamw.gradient", step)).to(device),
                    {.learning_rate = 3e-3,
                     .beta1 = 0.9,
                     .beta2 = 0.95,
                     .epsilon = 1e-6,
                     .weight_decay = 0.1,
                     .step = step});
    CAPTURE(step);
    CHECK(error(w, file.tensor(concat("adamw.w", step))) < 2e-7);
  }
  CHECK(error(m, file.tensor("adamw.m")) < 2e-7);
  CHECK(error(v, file.tensor("adamw.v")) < 2e-7);
}
