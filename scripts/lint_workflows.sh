#!/usr/bin/env bash
# Checks .github/workflows with actionlint, which Go builds from its source where it is missing. Their
# commands it has checked by shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/needs.sh
needs shellcheck shellcheck go golang-go
export PATH=$PATH:$PWD/build/tools
command -v actionlint >/dev/null ||
  GOBIN=$PWD/build/tools go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
actionlint
