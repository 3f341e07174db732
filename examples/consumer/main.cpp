// One query looks at three keys and mixes their values: softmax(q·kᵀ / √d)·v.
#include <adlib/adlib.h>

#include <iostream>

int main() {
  using adlib::Tensor;
  const Tensor q = Tensor::from<float>({2, 0}, {1, 1, 1, 2});               // (B, H, Tq, D)
  const Tensor k = Tensor::from<float>({1, 0, 0, 1, -1, 0}, {1, 1, 3, 2});  // (B, H, Tk, D)
  const Tensor v = Tensor::from<float>({1, 10, 100}, {1, 1, 3, 1});         // (B, H, Tk, Dv)
  try {
    std::cout << adlib::ops::attention(q, k, v).item<float>() << '\n';  // 7.17369
  } catch (const adlib::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
