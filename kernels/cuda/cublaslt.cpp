// Row-major products by a column-major library: a row-major (m, n) matrix is the column-major (n, m) matrix
// of the same bytes, its transpose. So out = a b is computed as out^T = b^T a^T: b is the library's left
// operand, a its right one, m and n change places, and the two flags stay what they are: b stored (k, n) is
// b^T to the library, as it wants it, and b stored (n, k) is b, to be transposed.
//
// What the library chooses for a shape is asked once and kept, for each device. Handles and workspaces live
// as long as the process: at its end the driver may be gone before they could be given back.
#include "kernels/cuda/cublaslt.h"

#include <cublasLt.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "adlib/core/error.h"
#include "kernels/cuda/runtime.h"

namespace adlib::kernels::cuda {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what the library wants on Hopper
constexpr std::size_t most_choices = 4096;                      // kept; shapes of prompts are many

[[noreturn]] void refuse(const LibraryProduct& product, const char* what, cublasStatus_t status) {
  const MatmulShape& shape = product.shape;
  fail(ErrorCode::unsupported, "matmul: ", what, " failed for (", shape.m, ", ", shape.k, ")", " x (",
       shape.k, ", ", shape.n, ") of ", product.type, " into ", product.out_type, ": ",
       cublasLtGetStatusString(status));
}
void check(const LibraryProduct& product, const char* what, cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) refuse(product, what, status);
}

cudaDataType_t library_type(DType type) {
  return type == DType::f16 ? CUDA_R_16F : type == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

// The library's descriptors, destroyed with their scope.
template <class Descriptor, cublasStatus_t (*destroy)(Descriptor)>
struct Destroy {
  using pointer = Descriptor;
  void operator()(Descriptor descriptor) const { destroy(descriptor); }
};
using Operation = std::unique_ptr<void, Destroy<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>>;
using Layout = std::unique_ptr<void, Destroy<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>>;
using Preference =
    std::unique_ptr<void, Destroy<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>>;

// The library wants columns that do not overlap, even if there is one only.
bool has_layout(std::int64_t rows, std::int64_t cols, std::int64_t stride) {
  return cols <= 1 || stride >= rows;
}
Layout layout(const LibraryProduct& product, DType type, std::int64_t rows, std::int64_t cols,
              std::int64_t stride) {
  cublasLtMatrixLayout_t made = nullptr;
  check(product, "cublasLtMatrixLayoutCreate",
        cublasLtMatrixLayoutCreate(&made, library_type(type), static_cast<std::uint64_t>(rows),
                                   static_cast<std::uint64_t>(cols), stride < rows ? rows : stride));
  return Layout(made);
}

Operation operation(const LibraryProduct& product) {
  cublasLtMatmulDesc_t made = nullptr;
  // CUBLAS_COMPUTE_32F: of floats, without tf32.
  check(product, "cublasLtMatmulDescCreate", cublasLtMatmulDescCreate(&made, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  Operation out(made);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    check(product, "cublasLtMatmulDescSetAttribute",
          cublasLtMatmulDescSetAttribute(made, attribute, &value, sizeof value));
  };
  const cublasOperation_t left = product.shape.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t right = product.shape.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  set(CUBLASLT_MATMUL_DESC_TRANSA, left);
  set(CUBLASLT_MATMUL_DESC_TRANSB, right);
  const bool bias = product.bias != nullptr;
  const cublasLtEpilogue_t epilogue = product.gelu_tanh
                                          ? bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU
                                      : bias ? CUBLASLT_EPILOGUE_BIAS
                                             : CUBLASLT_EPILOGUE_DEFAULT;
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  if (bias) {
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
    set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, library_type(product.out_type));
  }
  return out;
}

// The largest power of two, up to 16, of which an address is a multiple.
std::uint32_t alignment(const void* p) {
  std::uint32_t bytes = 16;
  while (reinterpret_cast<std::uintptr_t>(p) % bytes != 0) bytes /= 2;
  return bytes;
}

// What decides the library's choice.
using Key = std::array<std::int64_t, 16>;
Key key_of(const CudaContext& context, const LibraryProduct& product) {
  const MatmulShape& shape = product.shape;
  return {context.device,
          shape.m,
          shape.n,
          shape.k,
          shape.a_stride,
          shape.b_stride,
          shape.transpose_a,
          shape.transpose_b,
          static_cast<std::int64_t>(product.type),
          static_cast<std::int64_t>(product.out_type),
          product.gelu_tanh,
          product.bias == nullptr ? 0 : alignment(product.bias),
          product.residual == nullptr ? 0 : alignment(product.residual),
          alignment(product.out),
          alignment(product.a),
          alignment(product.b)};
}

struct Choice {
  cublasLtMatmulAlgo_t algorithm;
  std::size_t workspace;
};

class Library {
 public:
  // Of the context's device.
  cublasLtHandle_t handle(const CudaContext& context, const LibraryProduct& product) {
    const std::lock_guard lock(mutex_);
    cublasLtHandle_t& handle = handles_[context.device];
    if (handle == nullptr) check(product, "cublasLtCreate", cublasLtCreate(&handle));
    return handle;
  }
  // Products of one stream follow one another: they share a workspace. Null when there is no memory.
  void* workspace(const CudaContext& context) {
    const std::lock_guard lock(mutex_);
    void*& memory = workspaces_[{context.device, context.stream}];
    if (memory == nullptr) memory = allocate(workspace_bytes, context.stream);
    return memory;
  }
  // None: the library has no way.
  template <class Ask>
  std::optional<Choice> choice(const Key& key, const Ask& ask) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = choices_.find(key);
      if (found != choices_.end()) return found->second;
    }
    const std::optional<Choice> answer = ask();
    const std::lock_guard lock(mutex_);
    if (choices_.size() >= most_choices) choices_.clear();
    choices_.emplace(key, answer);
    return answer;
  }

 private:
  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;
  std::map<std::pair<int, void*>, void*> workspaces_;
  std::map<Key, std::optional<Choice>> choices_;
};

Library& library() {
  static Library& kept = *new Library;
  return kept;
}

}  // namespace

bool multiply_by_library(const CudaContext& context, const LibraryProduct& product) {
  const MatmulShape& shape = product.shape;
  const std::int64_t left_rows = shape.transpose_b ? shape.k : shape.n,
                     left_cols = shape.n + shape.k - left_rows;
  const std::int64_t right_rows = shape.transpose_a ? shape.m : shape.k,
                     right_cols = shape.m + shape.k - right_rows;
  if (!has_layout(left_rows, left_cols, shape.b_stride) ||
      !has_layout(right_rows, right_cols, shape.a_stride))
    return false;
  const cublasLtHandle_t handle = library().handle(context, product);
  const Operation compute = operation(product);
  const Layout left = layout(product, product.type, left_rows, left_cols, shape.b_stride);
  const Layout right = layout(product, product.type, right_rows, right_cols, shape.a_stride);
  const Layout result = layout(product, product.out_type, shape.n, shape.m, shape.n);
  const void* residual = product.residual != nullptr ? product.residual : product.out;

  const auto ask = [&]() -> std::optional<Choice> {
    cublasLtMatmulPreference_t made = nullptr;
    check(product, "cublasLtMatmulPreferenceCreate", cublasLtMatmulPreferenceCreate(&made));
    const Preference preference(made);
    const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(product, "cublasLtMatmulPreferenceSetAttribute",
            cublasLtMatmulPreferenceSetAttribute(made, attribute, &value, sizeof value));
    };
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
    // Parts of a sum are added in float, never in the type of the result.
    set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(product.b));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(product.a));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(residual));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(product.out));
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        handle, compute.get(), left.get(), right.get(), result.get(), result.get(), made, 1, &found, &count);
    if (status != CUBLAS_STATUS_SUCCESS || count == 0 || found.state != CUBLAS_STATUS_SUCCESS)
      return std::nullopt;
    return Choice{found.algo, found.workspaceSize};
  };
  const std::optional<Choice> choice = library().choice(key_of(context, product), ask);
  if (!choice) return false;
  void* workspace = choice->workspace > 0 ? library().workspace(context) : nullptr;
  if (choice->workspace > 0 && workspace == nullptr) return false;
  const float one = 1, beta = product.residual != nullptr ? 1.0f : 0.0f;
  check(product, "cublasLtMatmul",
        cublasLtMatmul(handle, compute.get(), &one, product.b, left.get(), product.a, right.get(), &beta,
                       residual, result.get(), product.out, result.get(), &choice->algorithm, workspace,
                       choice->workspace, static_cast<cudaStream_t>(context.stream)));
  return true;
}

}  // namespace adlib::kernels::cuda
