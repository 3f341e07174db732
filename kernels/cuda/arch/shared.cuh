// kernels/cuda/arch/shared.cuh: views of a block's dynamic shared memory.
#pragma once

#include "kernels/cuda/arch/vector.cuh"

namespace adlib::kernels::cuda {

#ifdef __CUDACC__
extern __shared__ __align__(1024) unsigned char adlib_shared_memory[];
#endif

/// `count` elements from an offset of the block's shared memory. On the device a pointer; the emulator checks
/// every access for its bounds, its alignment, whether somebody wrote there, and whether a barrier orders it
/// with the accesses of other warps.
template <class T>
class Shared {
 public:
  Shared() = default;

#ifdef __CUDACC__
  __device__ __forceinline__ Shared(int byte_offset, int)
      : data_(reinterpret_cast<T*>(adlib_shared_memory + byte_offset)) {}

  __device__ __forceinline__ T& operator[](int i) const { return data_[i]; }
  /// The view that begins at element i.
  __device__ __forceinline__ Shared from(int i) const {
    Shared out;
    out.data_ = data_ + i;
    return out;
  }
  template <int N>
  __device__ __forceinline__ Vec<T, N> load(int i) const {
    return load_coherent<N>(data_ + i);
  }
  template <int N>
  __device__ __forceinline__ void store(int i, const Vec<T, N>& values) const {
    cuda::store(data_ + i, values);
  }
  /// Where element i is in the window of shared memory, for PTX.
  __device__ __forceinline__ std::uint32_t address(int i) const {
    return static_cast<std::uint32_t>(__cvta_generic_to_shared(data_ + i));
  }

 private:
  T* data_;
#else
  class Element {
   public:
    explicit Element(std::size_t offset) : offset_(offset) {}
    operator T() const {
      host::SharedBytes::note_read(offset_, sizeof(T));
      T out;
      std::memcpy(static_cast<void*>(&out), host::SharedBytes::data() + offset_, sizeof out);
      return out;
    }
    const Element& operator=(const T& value) const {
      host::SharedBytes::note_write(offset_, sizeof(T));
      std::memcpy(host::SharedBytes::data() + offset_, &value, sizeof value);
      return *this;
    }
    const Element& operator=(const Element& other) const { return *this = static_cast<T>(other); }
    const Element& operator+=(const T& value) const { return *this = static_cast<T>(*this) + value; }
    const Element& operator*=(const T& value) const { return *this = static_cast<T>(*this) * value; }

   private:
    std::size_t offset_;
  };

  Shared(int byte_offset, int count) : begin_(static_cast<std::size_t>(byte_offset)), count_(count) {
    const std::size_t end = begin_ + static_cast<std::size_t>(count) * sizeof(T);
    if (byte_offset < 0 || count < 0 || end > host::SharedBytes::size())
      host::defect(concat("a view of bytes [", byte_offset, ", ", end, ") of shared memory, the block has ",
                          host::SharedBytes::size()));
  }

  Element operator[](int i) const { return Element(offset(i, 1)); }
  Shared from(int i) const {
    if (i < 0 || i > count_) out_of_bounds(i, 0);
    Shared out;
    out.begin_ = begin_ + static_cast<std::size_t>(i) * sizeof(T);
    out.count_ = count_ - i;
    return out;
  }
  template <int N>
  Vec<T, N> load(int i) const {
    Vec<T, N> out;
    host::SharedBytes::note_read(offset(i, N), sizeof out);
    std::memcpy(static_cast<void*>(&out), host::SharedBytes::data() + offset(i, N), sizeof out);
    return out;
  }
  template <int N>
  void store(int i, const Vec<T, N>& values) const {
    host::SharedBytes::note_write(offset(i, N), sizeof values);
    std::memcpy(host::SharedBytes::data() + offset(i, N), &values, sizeof values);
  }
  /// Byte offset of element i, of which `n` are accessed at once.
  std::size_t offset(int i, int n) const {
    if (i < 0 || i + n > count_) out_of_bounds(i, n);
    const std::size_t at = begin_ + static_cast<std::size_t>(i) * sizeof(T);
    if (at % (sizeof(T) * static_cast<std::size_t>(n)) != 0)
      host::defect(concat("an access of ", sizeof(T) * static_cast<std::size_t>(n), " bytes at byte ", at,
                          " of shared memory, which is not a multiple of them"));
    return at;
  }

 private:
  [[noreturn]] void out_of_bounds(int i, int n) const {
    host::defect(
        concat("elements [", i, ", ", i + n, ") of a view of ", count_, " elements of shared memory"));
  }

  std::size_t begin_ = 0;
  int count_ = 0;
#endif
};

}  // namespace adlib::kernels::cuda
