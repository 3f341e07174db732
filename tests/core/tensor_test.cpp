#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "adlib/core/tensor.h"
#include "support/catch.h"
#include "support/error_of.h"

using namespace adlib;
using adlib::test::error_of;

namespace {

// 0, 1, 2, … in row-major order.
Tensor counting(const Shape& shape) {
  Tensor out = Tensor::empty(shape);
  std::iota(out.data<float>().begin(), out.data<float>().end(), 0.0f);
  return out;
}

std::vector<float> values(const Tensor& tensor) {
  const Tensor packed = tensor.contiguous();
  const auto span = packed.data<float>();
  return {span.begin(), span.end()};
}

}  // namespace

TEST_CASE("copies of a tensor share its elements, clones do not", "[core][tensor]") {
  Tensor a = counting({2, 3});
  Tensor shared = a;
  Tensor deep = a.clone();
  a.data<float>()[0] = 42;
  CHECK(shared.data<float>()[0] == 42);
  CHECK(deep.data<float>()[0] == 0);
}

TEST_CASE("new tensors hold what they were asked for", "[core][tensor]") {
  CHECK(values(Tensor::zeros({2, 2})) == std::vector<float>(4, 0.0f));
  CHECK(Tensor::from({1.5f, 2.5f}, {2, 1}).shape() == Shape{2, 1});
  CHECK(Tensor::from({std::int8_t{-3}}, {}).item<std::int8_t>() == -3);
  CHECK(reinterpret_cast<std::uintptr_t>(Tensor::empty({3}).raw()) % 64 == 0);
  CHECK(Tensor::empty({0, 4}).numel() == 0);
  CHECK_FALSE(Tensor().defined());
  CHECK_THAT(error_of([] { Tensor::from({1.0f}, {2}); }), ContainsSubstring("1 values for shape [2]"));
  CHECK_THAT(error_of([] { counting({2}).item<float>(); }), ContainsSubstring("expected one element"));
}

TEST_CASE("a slice is a window on the same storage", "[core][tensor]") {
  Tensor a = counting({4, 5});
  const Tensor window = a.slice(0, 1, 3).slice(-1, 2, 4);
  CHECK(window.shape() == Shape{2, 2});
  CHECK_FALSE(window.is_contiguous());
  CHECK(values(window) == std::vector<float>{7, 8, 12, 13});
  a.data<float>()[7] = -1;
  CHECK(values(window)[0] == -1);
  CHECK(a.slice(0, 2, 2).numel() == 0);
  CHECK_THAT(error_of([&] { a.slice(1, 3, 6); }),
             ContainsSubstring("[3, 6) is outside dimension 1 of [4, 5]"));
  CHECK_THAT(error_of([&] { a.slice(1, 3, 2); }), ContainsSubstring("Tensor::slice"));
}

TEST_CASE("select drops its dimension", "[core][tensor]") {
  const Tensor a = counting({2, 3, 4});
  CHECK(a.select(1, 2).shape() == Shape{2, 4});
  CHECK(values(a.select(1, 2)) == std::vector<float>{8, 9, 10, 11, 20, 21, 22, 23});
  CHECK(a.select(0, 1).select(0, 0).select(0, 3).item<float>() == 15);
  CHECK_THAT(error_of([&] { a.select(0, 2); }), ContainsSubstring("index 2 is outside dimension 0"));
}

TEST_CASE("transpose swaps strides and copies nothing", "[core][tensor]") {
  const Tensor a = counting({2, 3});
  const Tensor t = a.transpose(0, -1);
  CHECK(t.raw() == a.raw());
  CHECK(values(t) == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(values(t.transpose(0, 1)) == values(a));
  CHECK(t.transpose(0, 1).is_contiguous());
}

TEST_CASE("view reshapes, fills one open extent, and refuses gaps", "[core][tensor]") {
  const Tensor a = counting({2, 6});
  CHECK(a.view({3, -1}).shape() == Shape{3, 4});
  CHECK(a.view({-1}).raw() == a.raw());
  CHECK(a.slice(0, 1, 2).view({2, 3}).shape() == Shape{2, 3});
  CHECK_THAT(error_of([&] { a.view({5, -1}); }), ContainsSubstring("12 elements do not divide by 5"));
  CHECK_THAT(error_of([&] { a.view({3, 3}); }), ContainsSubstring("shape [2, 6] cannot become [3, 3]"));
  CHECK_THAT(error_of([&] { a.transpose(0, 1).view({12}); }), ContainsSubstring("call .contiguous() first"));
}

TEST_CASE("expand repeats extents of one with stride zero", "[core][tensor]") {
  const Tensor row = counting({1, 3});
  const Tensor grid = row.expand({2, 2, 3});
  CHECK(grid.stride(0) == 0);
  CHECK(grid.stride(1) == 0);
  CHECK(grid.stride(2) == 1);
  CHECK(values(grid) == std::vector<float>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
  CHECK_FALSE(grid.is_contiguous());
  CHECK_THAT(error_of([&] { row.expand({2, 4}); }), ContainsSubstring("[1, 3] does not broadcast to [2, 4]"));
  CHECK_THAT(error_of([&] { row.expand({3}); }), ContainsSubstring("has more dimensions than"));
}

TEST_CASE("contiguity looks past extents of one and zero", "[core][tensor]") {
  const Tensor a = counting({4, 5});
  CHECK(a.slice(0, 1, 3).is_contiguous());
  CHECK_FALSE(a.slice(1, 0, 4).is_contiguous());
  CHECK(a.slice(0, 1, 2).slice(1, 1, 3).is_contiguous());
  CHECK(a.slice(1, 2, 2).is_contiguous());
  CHECK(counting({3, 1}).transpose(0, 1).is_contiguous());
}

TEST_CASE("elements are reached only by their own type, on the CPU, without gaps", "[core][tensor]") {
  Tensor a = counting({2, 3});
  CHECK_THAT(
      error_of([&] { a.data<std::int32_t>(); }),
      ContainsSubstring("dtype_mismatch: Tensor::data: the tensor is (2, 3) f32 on cpu, asked for i32"));
  const Tensor t = a.transpose(0, 1);
  CHECK_THAT(error_of([&] { t.data<float>(); }), ContainsSubstring("is a view with gaps"));
  const Tensor undefined;
  CHECK_THAT(error_of([&] { undefined.data<float>(); }), ContainsSubstring("the tensor is undefined"));
}

TEST_CASE("wrap views bytes that exist and refuses what would not fit", "[core][tensor]") {
  auto bytes = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
  const auto storage = std::make_shared<Storage>(bytes, bytes->data(), 16, Device::cpu);
  CHECK(values(Tensor::wrap(storage, 4, {3}, DType::f32)) == std::vector<float>{2, 3, 4});
  CHECK(Tensor::wrap(storage, 16, {0}, DType::f32).numel() == 0);
  CHECK_THAT(error_of([&] { Tensor::wrap(storage, 4, {4}, DType::f32); }),
             ContainsSubstring("of a storage of 16"));
  CHECK_THAT(error_of([&] { Tensor::wrap(storage, 17, {0}, DType::u8); }),
             ContainsSubstring("of a storage of 16"));
  CHECK_THAT(error_of([&] { Tensor::wrap(storage, 2, {1}, DType::f32); }),
             ContainsSubstring("is not aligned for f32"));
  CHECK_THAT(error_of([&] { Tensor::wrap(nullptr, 0, {1}, DType::f32); }), ContainsSubstring("no storage"));
}

TEST_CASE("a wrapped storage keeps its owner alive", "[core][tensor]") {
  auto bytes = std::make_shared<std::vector<float>>(std::vector<float>{7, 8});
  const std::weak_ptr<std::vector<float>> watch = bytes;
  Tensor tensor =
      Tensor::wrap(std::make_shared<Storage>(bytes, bytes->data(), 8, Device::cpu), 4, {1}, DType::f32)
          .slice(0, 0, 1);
  bytes.reset();
  CHECK_FALSE(watch.expired());
  CHECK(tensor.item<float>() == 8);
  tensor = Tensor();
  CHECK(watch.expired());
}

TEST_CASE("a tensor describes itself for messages", "[core][tensor]") {
  CHECK(counting({4, 768}).describe() == "(4, 768) f32 on cpu");
  CHECK(Tensor().describe() == "undefined");
  CHECK(error_of([] { check_shape("layer_norm", "gamma", counting({7}), {8}); }) ==
        "invalid_argument: layer_norm: gamma has shape [7], expected [8]");
}
