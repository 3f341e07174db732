// kernels/sample.h: the next token of each sequence of a batch, from its scores.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"
#include "adlib/core/sample_row.h"

namespace adlib::kernels {

/// tokens[r] = the token that sampling::choose (adlib/core/sampling.h) takes from scores[r,:] by rows[r], or
/// sampling::none or sampling::not_finite. scores: (n, vocabulary) row-major, not changed; rows: (n) and
/// history, of which row r reads ids [rows[r].history, rows[r].history + rows[r].history_length), each in
/// [0, vocabulary), are memory of the context's device: a captured launch reads again what stands there.
/// vocabulary is in [1, 2^30].
///
/// A row's token depends on nothing but the row. Between devices it may differ by rounding: on CUDA exp is
/// within 2 ulp, and sums in double have another fixed order. So a draw that falls on the edge between two
/// tokens, about one in 10^6, may take the other one, and a set that top_p alone cuts may end a token earlier
/// or later.
///
/// On CUDA a row whose scores do not fit in shared memory (as floats beside 17 KiB: more than 53,000 on
/// sm_90) takes temporary memory for them: n rows of floats.
template <class T>
void sample(CpuContext&, std::int32_t* tokens, const T* scores, const SampleRow* rows,
            const std::int32_t* history, std::int64_t n, std::int64_t vocabulary);
template <class T>
void sample(CudaContext&, std::int32_t* tokens, const T* scores, const SampleRow* rows,
            const std::int32_t* history, std::int64_t n, std::int64_t vocabulary);

}  // namespace adlib::kernels
