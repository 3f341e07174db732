#!/usr/bin/env bash
# .ci/fuzz.sh DIRECTORY SECONDS [CORPUS_OUT]: runs every libFuzzer harness DIRECTORY/fuzz_* for so long, starting from
# tests/fuzz/corpus/NAME. New inputs go to CORPUS_OUT (a temporary directory without it); a crash leaves its input there.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=$1
seconds=$2
out=${3:-$(mktemp -d)}
status=0
found=0
for program in "$programs"/fuzz_*; do
  [ -x "$program" ] || continue
  found=1
  name=$(basename "$program")
  name=${name#fuzz_}
  mkdir -p "$out/$name"
  seeds=()
  [ ! -d "tests/fuzz/corpus/$name" ] || seeds=("tests/fuzz/corpus/$name")
  echo "--- $name, $seconds s"
  if "$program" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
      -artifact_prefix="$out/$name-" "$out/$name" "${seeds[@]}" >"$out/$name.log" 2>&1; then
    grep -E 'stat::number_of_executed_units|stat::average_exec' "$out/$name.log" || true
  else
    echo "FAILED: $name"
    tail -40 "$out/$name.log"
    status=1
  fi
done
[ $found -eq 1 ] || { echo "no harness fuzz_* in $programs"; exit 1; }
exit $status
