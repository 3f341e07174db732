#include "kernels/cuda/store_pages.cuh"

#include <vector>

#include "kernels/cuda/attention_segments.cuh"

namespace adlib::kernels {
namespace {

using namespace cuda;

constexpr const char* operation = "store_pages";

template <class T>
bool in_vectors(const void* pages, const T* rows, std::int64_t dim, std::int64_t row, std::int64_t head) {
  return reinterpret_cast<std::uintptr_t>(pages) % 16 == 0 &&
         reinterpret_cast<std::uintptr_t>(rows) % 16 == 0 && dim % 8 == 0 && row % 8 == 0 && head % 8 == 0;
}

}  // namespace

template <class T>
void store_pages(CudaContext& context, const KeyValuePages& pages, const DeviceSegments& segments,
                 const NewKeyValues<T>& rows) {
  if (segments.count == 0 || segments.most_rows == 0 || pages.kv_heads == 0) return;
  require(pages.head_dim <= most_stored_dim && pages.value_dim <= most_stored_dim, operation, ": heads of ",
          pages.head_dim, " and ", pages.value_dim, " elements, CUDA has kernels for up to ",
          most_stored_dim);
  const std::int64_t turns = (segments.most_rows + 3) / 4;
  require(turns <= 65535 && pages.kv_heads <= 65535, operation, ": ", segments.most_rows, " rows of ",
          pages.kv_heads, " heads in one segment are too many for one call");
  const Launch how{operation,
                   {static_cast<unsigned>(segments.count), static_cast<unsigned>(turns),
                    static_cast<unsigned>(pages.kv_heads)},
                   {128}};
  const StoreVectors vectors{in_vectors(pages.keys, rows.keys, pages.head_dim, rows.k_row, rows.k_head),
                             in_vectors(pages.values, rows.values, pages.value_dim, rows.v_row, rows.v_head)};
  const auto store_as = [&]<class Page>(Page) {
    launch(context, how, store_pages_kernel<Page, T>, pages, segments.segments, rows, vectors);
  };
  switch (pages.dtype) {
    case DType::f16:
      return store_as(float16{});
    case DType::bf16:
      return store_as(bfloat16{});
    case DType::i8:
      return store_as(std::int8_t{});
    default:
      return store_as(float{});
  }
}

template <class T>
void store_pages(CudaContext& context, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
                 const NewKeyValues<T>& rows) {
  if (segments.empty()) return;
  const Temporary<AttentionSegment> there(context, operation, std::ssize(segments));
  upload(context, operation, there.data(), segments);
  store_pages(context, pages, bounds(there.data(), segments), rows);
}

#define ADLIB_STORE_PAGES(T)                                                                       \
  template void store_pages(CudaContext&, const KeyValuePages&, std::span<const AttentionSegment>, \
                            const NewKeyValues<T>&);                                               \
  template void store_pages(CudaContext&, const KeyValuePages&, const DeviceSegments&, const NewKeyValues<T>&)
ADLIB_STORE_PAGES(float);
ADLIB_STORE_PAGES(float16);
ADLIB_STORE_PAGES(bfloat16);
#undef ADLIB_STORE_PAGES

}  // namespace adlib::kernels
