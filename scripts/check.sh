#!/bin/sh
# Runs every check that needs no service, all of them even after a failure, and fails when one failed.
set -u
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
PATH="$root/.tools/bin:$root/node_modules/.bin:$PATH"
export PATH NODE_OPTIONS='--disable-warning=ExperimentalWarning'
failed=''

step() {
  name=$1
  shift
  if output=$("$@" 2>&1); then
    printf 'ok    %s\n' "$name"
  else
    printf 'FAIL  %s: %s\n%s\n' "$name" "$*" "$output"
    failed="$failed $name,"
  fi
}

step 'format and lint' biome check --max-diagnostics=100 .
step 'types of the server' tsc -p tsconfig.json
step 'types of the web app' tsc -p web/tsconfig.json
step 'types of the browser tests' tsc -p e2e/tsconfig.json
step 'architecture' node --test --test-reporter=dot test/architecture.test.ts
step 'docs/errors.md' node scripts/errors-doc.ts --check
step 'docs/settings.md' node scripts/settings-doc.ts --check
step 'docs/openapi.json' node scripts/openapi.ts --check

[ -z "$failed" ] || { printf 'Failed:%s\n' "${failed%,}"; exit 1; }
