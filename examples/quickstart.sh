#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 machine to personalised copy. Budget: 10 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.ci/packages.sh
. .ci/packages.sh
SECONDS=0

cat <<TEXT
This will, in $PWD:
  1. install the packages that adlib builds with (apt-get, through sudo unless you are root);
  2. build the command-line tool into build/release;
  3. make a tiny GPT-2 directory with random weights in build/quickstart-model;
  4. write copy for the demonstration shop of examples/copywriter/demo, in Chinese and in English.
The weights are untrained, so that the model writes noise: the path from shop data to copy is real, the words come
with a trained model. Budget: 10 minutes on 2 cores.

TEXT

echo "==> 1. packages"
adlib_install "${adlib_packages[@]}"

echo "==> 2. build"
mapfile -t arguments < <(adlib_configure_arguments)
[ ! -f build/release/CMakeCache.txt ] || arguments=()  # a configured tree keeps its generator
cmake --preset release "${arguments[@]}"
cmake --build --preset release --target adlib_tool -j "$(nproc)"
adlib=build/release/bin/adlib

echo "==> 3. a model: adlib init build/quickstart-model"
"$adlib" init build/quickstart-model --family gpt2 --size tiny --seed 1 --force

demo=examples/copywriter/demo
head -n 2 "$demo/products.csv" >build/quickstart-product.csv  # one product, so that three customers fit the screen
for language in zh en; do
  write=("$adlib" write --model build/quickstart-model --products build/quickstart-product.csv
         --customers "$demo/customers.jsonl" --language "$language" --limit 3 --max-new-tokens 40)
  echo "==> 4. copy ($language): ${write[*]}"
  "${write[@]}"
done
cat <<TEXT

Done in $SECONDS s of 600. Each line above is one copy: "prompt" is what the model was told about the customer and the
product, "text" is what it wrote. These texts are noise, because the weights are random; give --model the directory of
a trained GPT-2, Llama or Qwen2 model for words. The second command is tests/run.sh.
TEXT
