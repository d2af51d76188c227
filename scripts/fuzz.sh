#!/usr/bin/env bash
# Fuzz the core's text handling and the reader of tokenizer.json: scripts/fuzz.sh [SECONDS]
# The first needs clang with libFuzzer (Debian: clang libclang-rt-14-dev), the second this package.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

build=build/fuzz
mkdir -p "$build/corpus"
clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
  -Icore core/tests/text_fuzz.cc core/text/*.cc core/runtime/thread_pool.cc -o "$build/text_fuzz"
"$build/text_fuzz" -max_total_time="$seconds" -max_len=512 -timeout=20 "$build/corpus"
python scripts/fuzz_tokenizer_json.py --seconds "$seconds"
