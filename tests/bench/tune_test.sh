#!/usr/bin/env bash
# tune_test.sh ADLIB_TUNE BENCH_MODELS MODEL: adlib-tune writes a file that the library reads, and one that it cannot read
# ends a program with its line.
set -euo pipefail
tune=$1
models=$2
model=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work
unset ADLIB_TUNING XDG_CACHE_HOME

fail() { echo "$1"; exit 1; }
expect() {  # STATUS WORDS COMMAND…
  local status=0
  "${@:3}" > out 2>&1 || status=$?
  [ $status -eq "$1" ] || fail "${*:3}: exit $status, expected $1: $(cat out)"
  grep -qF -- "$2" out || fail "${*:3}: expected '$2', got: $(cat out)"
}
prefill() { "$models" --no-limits --model "$model" --benchmark_filter='^prefill.*streams:1/' --benchmark_min_time=0.001; }

expect 0 "wrote new/tuning.txt" "$tune" --quick --output new/tuning.txt
expect 0 "gemm i8 block_m" "$tune" --check new/tuning.txt
cmp -s out new/tuning.txt || fail "what is read is not what was written: $(diff out new/tuning.txt)"
[ "$(ls new)" = tuning.txt ] || fail "left behind: $(ls new)"
ADLIB_TUNING=new/tuning.txt expect 0 "prefill/" prefill

expect 0 "gemm bf16" "$tune" --quick --dry-run
[ ! -e .cache ] || fail "--dry-run wrote a file"
expect 2 "give --dry-run, or --output FILE" "$tune" --quick
ADLIB_TUNING=off expect 2 "ADLIB_TUNING is off" "$tune"
expect 2 "--quick" "$tune" --quick --check new/tuning.txt
expect 1 "cannot make the directory" "$tune" --quick --output new/tuning.txt/below/x

# A file that is there already, even a broken one, is replaced; it was never read.
sed 's/block_m [0-9]*/block_m 0/' new/tuning.txt > bad.txt
expect 1 "bad.txt:3: block_m is 0, expected from 1 to 1024" "$tune" --check bad.txt
ADLIB_TUNING=bad.txt expect 1 "bad.txt:3: block_m is 0, expected from 1 to 1024" prefill
ADLIB_TUNING=missing.txt expect 1 "ADLIB_TUNING: cannot open 'missing.txt'" prefill
ADLIB_TUNING=new expect 1 "ADLIB_TUNING: cannot open 'new'" prefill
ADLIB_TUNING=bad.txt expect 0 "wrote bad.txt" "$tune" --quick --output bad.txt
expect 0 "gemm f32" "$tune" --check bad.txt
sed '/^#/d' new/tuning.txt > bare.txt
expect 0 "gemm f32" "$tune" --check bare.txt
! grep -q "not for this machine" out || fail "a file that begins with this machine's name: $(cat out)"
sed 's/^machine .*/machine another/' new/tuning.txt > foreign.txt
expect 0 "foreign.txt is not for this machine" "$tune" --check foreign.txt
echo "read what was written"
