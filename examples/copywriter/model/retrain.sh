#!/usr/bin/env bash
# Trains the shipped model from nothing, on the CPU: examples/copywriter/model/retrain.sh [STEPS]
# The same processor and the same steps give the same bytes, whatever the number of threads. All that the run needs goes to
# $ADLIB_CHECKPOINTS; run it again after an interruption and it goes on where it stopped.
set -euo pipefail
work=$(realpath -m "${ADLIB_CHECKPOINTS:?set ADLIB_CHECKPOINTS to a directory outside the work tree, with 1 GB free}")
[ -z "${ADLIB_BIN:-}" ] || ADLIB_BIN=$(realpath "$ADLIB_BIN")
cd "$(dirname "$0")/../../.."
steps=${1:-2200}
bin=${ADLIB_BIN:-build/release/bin}
model=examples/copywriter/model
mkdir -p "$work"

# What a finished run is made of, in the place of the model that stands here.
publish() {
  for file in model.safetensors config.json tokenizer.model tokenizer_config.json special_tokens_map.json; do
    cp "$work/run/$file" "$model/$file"
  done
}

if [ -f "$work/run/run.json" ]; then
  if ! grep -q "\"steps\": $steps," "$work/run/run.json"; then
    echo "retrain.sh: $work/run is a run of other than $steps steps; give its number, or another ADLIB_CHECKPOINTS" >&2
    exit 2
  fi
  "$bin/adlib" train "$work/run" --resume
  publish
  exit
fi
# 4096 tokens are about 34 examples; some more, so that none is seen twice.
"$bin/adlib" corpus sentences "$work/sentences.jsonl" --seed 1
"$bin/adlib" corpus write "$work/corpus.jsonl" --seed 1 --examples $((steps * 37))
"$bin/adlib" corpus write "$work/validation.jsonl" --seed 2 --examples 500
"$bin/adlib" tokenizer train "$work/vocabulary" "$work/sentences.jsonl" --vocab-size 8192 --tags-from "$model/tags.txt" --force
"$bin/adlib" train "$work/run" --tokenizer "$work/vocabulary" --layers 8 --width 256 --heads 8 --context 512 \
  --data "$work/corpus.jsonl" --validation-data "$work/validation.jsonl" --steps "$steps" --batch-tokens 4096 \
  --optimizer muon --learning-rate 4e-3 --min-learning-rate 1e-4 --warmup 50 --save-dtype bf16 \
  --evaluate-every 100 --save-every 100 --seed 1
publish
