#!/usr/bin/env bash
# Checks and measures the CUDA backend on a machine with a GPU, in little time: the most telling things first.
#
#   tests/gpu.sh [STAGE…] [--out DIR] [--deps DIR] [--limit SECONDS]
#       build      configures and builds build/gpu (skipped where the programs were carried: see --pack)
#       smoke      30 s: one case of every kernel
#       bench      every kernel and its peers, percent of the limits measured in the same run
#       test       the tests that run on every device
#       sanitize   compute-sanitizer: memcheck and racecheck on the smallest shapes
#       soak       1,000 repeats of each kernel, bit for bit
#       train      50 steps of training on the device beside the same on the CPU
#     All of them in this order without a STAGE. Every result is a line of DIR/results.jsonl (default: build/gpu/out) as
#     soon as it is there; what a program prints is in DIR/STAGE.NAME.log. --limit is for all stages together (default
#     1500); --deps names a folder with usr/include and usr/lib of the libraries that adlib is built with.
#   tests/gpu.sh --pack DIR
#     On a machine without a GPU: builds, and puts stripped programs and the test data that they read into DIR. There,
#     DIR/gpu.sh takes the same stages.
# Exit status: 0 when every stage passed or was unavailable by name, 1 otherwise, 2 for wrong use.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
stages=() out="" deps="" limit=1500 pack=""
usage() { sed -n '2,/^# Exit/s/^# \{0,1\}//p' "$0"; }
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=${2:?} && shift ;;
    --deps) deps=${2:?} && shift ;;
    --limit) limit=${2:?} && shift ;;
    --pack) pack=${2:?} && shift ;;
    -h | --help) usage && exit 0 ;;
    build | smoke | bench | test | sanitize | soak | train) stages+=("$1") ;;
    *) echo "gpu.sh: '$1' is neither a stage nor an option" >&2 && usage >&2 && exit 2 ;;
  esac
  shift
done
[[ $limit =~ ^[0-9]+$ ]] || { echo "gpu.sh: --limit is '$limit', expected seconds" >&2; exit 2; }
[ ${#stages[@]} -gt 0 ] || stages=(build smoke bench test sanitize soak train)
SECONDS=0
failed=0

if [ -d "$here/bin" ]; then  # carried
  root=$here bin=$here/bin carried=1
  export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ADLIB_SOURCE_DIR="$here"
else
  root=$(cd "$here/.." && pwd) bin=$root/build/gpu/bin carried=
fi
out=${out:-$([ -n "$carried" ] && echo "$root/out" || echo "$root/build/gpu/out")}
mkdir -p "$out"

left() { echo $((limit - SECONDS > 0 ? limit - SECONDS : 0)); }

# row STAGE NAME RESULT SECONDS [DETAIL]
row() {
  printf '{"stage": "%s", "name": "%s", "result": "%s", "seconds": %s, "detail": "%s"}\n' "$1" "$2" "$3" "$4" \
    "$(printf '%s' "${5:-}" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g' | cut -c1-300)" >>"$out/results.jsonl"
  printf '%-9s %-28s %-12s %5s s  %s\n' "$1" "$2" "$3" "$4" "${5:-}"
  case $3 in pass | unavailable) ;; *) failed=1 ;; esac
}

# step STAGE NAME MOST_SECONDS COMMAND…: runs it, within what is left of the limit, and writes its row.
step() {
  local stage=$1 name=$2 most=$3 begin=$SECONDS status=0 left
  shift 3
  left=$(left)
  [ "$most" -lt "$left" ] || most=$left
  if [ "$most" -lt 5 ]; then
    row "$stage" "$name" "no time" 0
    return 1
  fi
  timeout --kill-after=10 "$most" "$@" >"$out/$stage.$name.log" 2>&1 || status=$?
  local last
  last=$(grep -v '^ *$' "$out/$stage.$name.log" | tail -1)
  case $status in
    0) row "$stage" "$name" pass $((SECONDS - begin)) "$last" ;;
    124 | 137) row "$stage" "$name" "stopped" $((SECONDS - begin)) "$last" ;;
    *) row "$stage" "$name" "failed ($status)" $((SECONDS - begin)) "$last" ;;
  esac
  return "$status"
}

configure() {
  local arguments=(-DCMAKE_BUILD_TYPE=Release -DADLIB_CUDA=ON -DADLIB_BUILD_TOOLS=OFF -DADLIB_BUILD_EXAMPLES=OFF
    -DADLIB_BUILD_BENCH=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8 "-DCMAKE_CUDA_ARCHITECTURES=${1}")
  ! command -v ninja >/dev/null || arguments+=(-G Ninja)
  if [ -n "$deps" ]; then
    arguments+=("-DCMAKE_PREFIX_PATH=$(cd "$deps" && pwd)/usr")
    PKG_CONFIG_SYSROOT_DIR=$(cd "$deps" && pwd)
    export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH=$PKG_CONFIG_SYSROOT_DIR/usr/lib/x86_64-linux-gnu/pkgconfig
  fi
  local nvcc
  nvcc=$(command -v nvcc || command -v /usr/local/cuda/bin/nvcc) || { echo "no nvcc" >&2; return 1; }
  [ ! -f "$root/build/gpu/CMakeCache.txt" ] || arguments=("-DCMAKE_CUDA_ARCHITECTURES=${1}")
  CUDACXX=$nvcc cmake -S "$root" -B "$root/build/gpu" "${arguments[@]}"
}
programs=(test_core test_ops test_nn test_models test_generate test_train test_eval bench_kernels)

make_pack() {
  configure 90a || return 1
  cmake --build "$root/build/gpu" -j "$(nproc)" --target "${programs[@]}" || return 1
  mkdir -p "$pack/bin" "$pack/lib" "$pack/tests/data"
  local program
  for program in "${programs[@]}"; do strip -o "$pack/bin/$program" "$bin/$program"; done
  cp "$here/gpu.sh" "$here/gpu_torch.py" "$pack/"
  cp -r "$root"/tests/data/{ops,models,generate,train,eval} "$pack/tests/data/"
  # Libraries that a bare machine lacks: everything but the system's own and the toolkit's.
  ldd "$pack"/bin/* | awk '/=> \//{print $3}' | sort -u |
    grep -Ev '/(libc|libm|libpthread|libdl|librt|libgcc_s|libstdc\+\+|ld-linux[^/]*|libcudart|libcublas[^/]*)\.so' |
    xargs -r cp -Lt "$pack/lib"
  du -sh "$pack"
}
if [ -n "$pack" ]; then
  make_pack
  exit
fi

gpu=$(nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,memory.total --format=csv,noheader 2>/dev/null | head -1)
if [ -z "$gpu" ]; then
  row machine gpu "failed" 0 "nvidia-smi names no GPU; --pack is for machines without one"
  exit 1
fi
row machine gpu pass 0 "$gpu"

for stage in "${stages[@]}"; do
  case $stage in
    build)
      if [ -n "$carried" ]; then
        row build programs pass 0 "carried"
      else
        capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)
        [ "$capability" -lt 90 ] || capability=${capability}a
        step build configure 120 bash -c "$(declare -p root deps; declare -f configure); configure $capability" &&
          step build programs 900 cmake --build "$root/build/gpu" -j "$(nproc)" --target "${programs[@]}"
      fi
      ;;
    smoke)
      step smoke ops 30 "$bin/test_ops" '[smoke]'
      ;;
    bench)
      # One kernel a step: a kill loses one.
      for kernel in matmul attention layer_norm rms_norm softmax cross_entropy adamw_step activation rope sample embedding copy; do
        step bench "$kernel" 60 "$bin/bench_kernels" "--benchmark_filter=^$kernel.*cuda" --benchmark_min_time=0.2 \
          "--benchmark_out=$out/bench.$kernel.json" --benchmark_out_format=json
      done
      if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
        step bench torch 240 python3 "$here/gpu_torch.py" "$out/bench.torch.jsonl"
      else
        row bench torch unavailable 0 "no torch here"
      fi
      ;;
    test)
      step test test_core 60 "$bin/test_core"
      for program in test_ops test_nn test_models test_generate test_train test_eval; do
        ADLIB_TEST_DEVICE=cuda step test "$program" 240 "$bin/$program" '[device]'
      done
      ;;
    sanitize)
      tool=$(command -v compute-sanitizer || command -v /usr/local/cuda/bin/compute-sanitizer)
      if [ -z "$tool" ]; then
        row sanitize compute-sanitizer unavailable 0 "not in this toolkit"
      else
        for check in memcheck racecheck; do
          step sanitize "$check" 180 "$tool" --tool "$check" --error-exitcode 9 "$bin/test_ops" '[smoke]' ||
            ! grep -q 'not supported\|Insufficient\|insufficient' "$out/sanitize.$check.log" ||
            row sanitize "$check" unavailable 0 "unavailable here"
        done
      fi
      ;;
    soak)
      ADLIB_SOAK=1000 step soak repeats 600 "$bin/test_ops" 'operations on a device give the same bytes*'
      ;;
    train)
      step train follows-cpu 300 "$bin/test_train" 'training on a device follows the CPU*'
      ;;
  esac
done
echo "$(wc -l <"$out/results.jsonl") rows in $out/results.jsonl; $SECONDS s of $limit s"
exit $failed
