#!/bin/sh
# Builds web/dist when something that goes into it is newer than the last build.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
stamp=web/dist/.built

# What the bundle is made of: the app itself, and the contracts and core modules that it imports.
if [ -f "$stamp" ]; then
  newer=$(find web src package-lock.json -newer "$stamp" -type f -not -path 'web/dist/*' -not -name '*.test.ts' \
    \( -path 'web/*' -o -name contract.ts -o -path '*/contract/*' -o -path 'src/core/*' -o -name package-lock.json \) | head -n 1)
  [ -n "$newer" ] || exit 0
fi

mkdir -p .cache
touch .cache/web-build-began
echo 'Web: building web/dist'
.tools/bin/node node_modules/vite/bin/vite.js build web --logLevel warn
mv .cache/web-build-began "$stamp"
