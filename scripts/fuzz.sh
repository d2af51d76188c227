#!/usr/bin/env bash
# Fuzz the core's text handling and the readers of tokenizer.json and of SentencePiece's models
# under sanitizers:
# scripts/fuzz.sh [SECONDS]
# The readers need the package's tests' packages in `python`; its module is built with the sanitizers,
# whose library the interpreter has to have before any other.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

. scripts/needs.sh
needs cmake cmake g++ g++ clang++-19 clang-19 \
  "/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-$(uname -m).a" libclang-rt-19-dev
python -m nanobind --cmake_dir >/dev/null || python -m pip install --quiet nanobind

build=build/fuzz
mkdir -p "$build/corpus"
clang++-19 -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
  -Icore core/tests/text_fuzz.cc core/text/*.cc core/runtime/{thread_pool,per_process}.cc \
  core/runtime/system_{linux,posix}.cc -o "$build/text_fuzz"
"$build/text_fuzz" -max_total_time="$seconds" -max_len=512 -timeout=20 "$build/corpus"

cmake -S . -B "$build/module" -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DBERTIE_SANITIZE=address,undefined \
  -DPython_EXECUTABLE="$(command -v python)"
cmake --build "$build/module" -j "$(nproc)"
rm -rf "$build/package"
mkdir "$build/package"
cp -r src/bertie "$build/package"
rm -f "$build"/package/bertie/_core*.so
cp "$build"/module/bindings/_core*.so "$build/package/bertie"
# Python frees nothing at its end, which is no leak of ours, and pools memory unless told otherwise.
for reader in fuzz_tokenizer_json fuzz_sentencepiece; do
  LD_PRELOAD="$(g++ -print-file-name=libasan.so):$(g++ -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
    PYTHONMALLOC=malloc PYTHONPATH="$build/package" \
    python "scripts/$reader.py" --seconds "$seconds"
done
