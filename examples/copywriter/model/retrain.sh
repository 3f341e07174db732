#!/usr/bin/env bash
# Trains the shipped model from nothing, on the CPU: examples/copywriter/model/retrain.sh [STEPS [STEPS2 [STEPS3]]]
# The same steps give the same bytes on any processor with AVX2, whatever the number of threads. All that the run needs goes to
# $ADLIB_CHECKPOINTS; run it again after an interruption and it goes on where it stopped.
set -euo pipefail
work=$(realpath -m "${ADLIB_CHECKPOINTS:?set ADLIB_CHECKPOINTS to a directory outside the work tree, with 1 GB free}")
[ -z "${ADLIB_BIN:-}" ] || ADLIB_BIN=$(realpath "$ADLIB_BIN")
cd "$(dirname "$0")/../../.."
steps=${1:-2200}
steps2=${2:-2000}
steps3=${3:-2800}
export ADLIB_ISA=avx2  # wider vectors add up in another order
bin=${ADLIB_BIN:-build/release/bin}
model=examples/copywriter/model
mkdir -p "$work"

# A run that is there goes on where it stopped; `adlib train --resume` of a finished one does nothing.
# train NAME STEPS FLAG…
train() {
  local run=$work/$1 steps=$2
  shift 2
  if [ -f "$run/run.json" ]; then
    if ! grep -q "\"steps\": $steps," "$run/run.json"; then
      echo "retrain.sh: $run is a run of other than $steps steps; give its number, or another ADLIB_CHECKPOINTS" >&2
      exit 2
    fi
    "$bin/adlib" train "$run" --resume
    return
  fi
  "$bin/adlib" train "$run" "$@" --validation-data "$work/validation.jsonl" --steps "$steps" --batch-tokens 4096 \
    --optimizer muon --min-learning-rate 1e-4 --warmup 50 --save-dtype bf16 --evaluate-every 100 --save-every 100
}

# 4096 tokens are about 34 examples; some more, so that none is seen twice.
if [ ! -f "$work/vocabulary/tokenizer.model" ]; then
  "$bin/adlib" corpus sentences "$work/sentences.jsonl" --seed 1
  "$bin/adlib" corpus write "$work/corpus.jsonl" --seed 1 --examples $((steps * 37))
  "$bin/adlib" corpus write "$work/corpus2.jsonl" --seed 11 --examples $((steps2 * 37))
  "$bin/adlib" corpus write "$work/corpus3.jsonl" --seed 21 --examples $((steps3 * 37)) --drafts 3
  "$bin/adlib" corpus write "$work/validation.jsonl" --seed 2 --examples 500
  "$bin/adlib" tokenizer train "$work/vocabulary" "$work/sentences.jsonl" --vocab-size 8192 --tags-from "$model/tags.txt" \
    --force
fi
train run "$steps" --tokenizer "$work/vocabulary" --layers 8 --width 256 --heads 8 --context 512 \
  --data "$work/corpus.jsonl" --learning-rate 4e-3 --seed 1
# Again with other texts, from a lower rate; the third time with texts that say more of the customer.
train run2 "$steps2" --from "$work/run" --data "$work/corpus2.jsonl" --learning-rate 3e-3 --seed 11
train run3 "$steps3" --from "$work/run2" --data "$work/corpus3.jsonl" --learning-rate 2.5e-3 --seed 21
for file in model.safetensors config.json tokenizer.model tokenizer_config.json special_tokens_map.json; do
  cp "$work/run3/$file" "$model/$file"
done
