#!/bin/sh
# Bundles the server into dist/ when a source is newer than the last bundle: few large files start in half the time of
# a thousand small ones and hold less memory. `bin/millrace` runs the sources where the bundle is missing or older.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
if [ -f dist/main.js ]; then
  newer=$(find src scripts/bundle.ts package-lock.json -newer dist/main.js -not -name '*.test.ts' -print -quit)
  [ -n "$newer" ] || exit 0
fi

mkdir -p .cache
rm -rf .cache/dist
echo 'Server: bundling dist'
.tools/bin/node --disable-warning=ExperimentalWarning scripts/bundle.ts .cache/dist
rm -rf dist
mv .cache/dist dist
