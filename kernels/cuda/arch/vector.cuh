// kernels/cuda/arch/vector.cuh: several elements in one access of up to 16 bytes.
#pragma once

#include "kernels/cuda/arch/device.cuh"

namespace adlib::kernels::cuda {

/// N elements that are read and written at once; sizeof(T) N is 1, 2, 4, 8 or 16.
template <class T, int N>
struct alignas(sizeof(T) * N) Vec {
  static_assert(sizeof(T) * N <= 16 && (sizeof(T) * N & (sizeof(T) * N - 1)) == 0);
  T data[N];

  __device__ __forceinline__ T& operator[](int i) { return data[i]; }
  __device__ __forceinline__ const T& operator[](int i) const { return data[i]; }
};

/// Elements of T in 16 bytes.
template <class T>
inline constexpr int vec_size = 16 / static_cast<int>(sizeof(T));

namespace detail {
#ifdef __CUDACC__
template <int Bytes>
struct Word;
template <>
struct Word<16> {
  using type = uint4;
};
template <>
struct Word<8> {
  using type = uint2;
};
template <>
struct Word<4> {
  using type = unsigned;
};
template <>
struct Word<2> {
  using type = unsigned short;
};
template <>
struct Word<1> {
  using type = unsigned char;
};
template <class V>
using WordOf = typename Word<sizeof(V)>::type;
#else
inline void check_aligned(const void* p, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(p) % bytes != 0)
    host::defect(concat("an access of ", bytes, " bytes at an address that is not a multiple of them"));
}
#endif
}  // namespace detail

/// p[0 … N - 1] of global memory, through the read-only path: nobody writes them during the kernel.
template <int N, class T>
__device__ __forceinline__ Vec<T, N> load(const T* p) {
  Vec<T, N> out;
#ifdef __CUDACC__
  using W = detail::WordOf<Vec<T, N>>;
  *reinterpret_cast<W*>(&out) = __ldg(reinterpret_cast<const W*>(p));
#else
  detail::check_aligned(p, sizeof out);
  std::memcpy(static_cast<void*>(&out), p, sizeof out);
#endif
  return out;
}
/// As load, of what this kernel may have written.
template <int N, class T>
__device__ __forceinline__ Vec<T, N> load_coherent(const T* p) {
  Vec<T, N> out;
#ifdef __CUDACC__
  using W = detail::WordOf<Vec<T, N>>;
  *reinterpret_cast<W*>(&out) = *reinterpret_cast<const W*>(p);
#else
  detail::check_aligned(p, sizeof out);
  std::memcpy(static_cast<void*>(&out), p, sizeof out);
#endif
  return out;
}
/// As load, of what is read once: it leaves the cache first.
template <int N, class T>
__device__ __forceinline__ Vec<T, N> load_once(const T* p) {
#ifdef __CUDACC__
  using W = detail::WordOf<Vec<T, N>>;
  Vec<T, N> out;
  *reinterpret_cast<W*>(&out) = __ldcs(reinterpret_cast<const W*>(p));
  return out;
#else
  return load<N>(p);
#endif
}
/// p[0 … N - 1] = values, in global memory.
template <class T, int N>
__device__ __forceinline__ void store(T* p, const Vec<T, N>& values) {
#ifdef __CUDACC__
  using W = detail::WordOf<Vec<T, N>>;
  *reinterpret_cast<W*>(p) = *reinterpret_cast<const W*>(&values);
#else
  detail::check_aligned(p, sizeof values);
  std::memcpy(static_cast<void*>(p), &values, sizeof values);
#endif
}

/// True when rows of `cols` elements that begin at p and stand `stride` elements apart can be read N at once.
template <int N, class T>
bool is_vectorizable(const T* p, std::int64_t cols, std::int64_t stride) {
  return reinterpret_cast<std::uintptr_t>(p) % (N * sizeof(T)) == 0 && cols % N == 0 && stride % N == 0;
}

}  // namespace adlib::kernels::cuda
