#!/bin/sh
# Makes a virtual environment (Python 3.11 or newer) from locked requirements: .venv from python/requirements.txt, or
# with a NAME .venv-NAME from python/NAME.txt. A second run with the same file does nothing.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
venv="$root/.venv${1:+-$1}"
requirements="$root/python/${1:-requirements}.txt"
installed="$venv/requirements.installed.txt"

if [ -x "$venv/bin/python" ] && cmp -s "$requirements" "$installed"; then exit 0; fi

fail() {
  printf 'Python 3.11 or newer is needed for training scripts and the tests: %s.\n%s\n' "$1" "$2" >&2
  exit 1
}

# The first Python that is new enough; PYTHON names one explicitly.
python=''
found=''
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  command -v "$candidate" >/dev/null 2>&1 || continue
  version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  found="$found $candidate is $version;"
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python=$candidate; break; fi
done
install_hint='Install it (Debian: apt-get install python3 python3-venv; macOS: brew install python), or name one with
PYTHON=/path/to/python3. `make up` works without Python.'
if [ -z "$python" ]; then
  if [ -n "$found" ]; then fail "found only$found" "$install_hint"; else fail 'none was found' "$install_hint"; fi
fi
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  fail "$python cannot make virtual environments" 'Install its venv module (Debian: apt-get install python3-venv).'

printf 'Python: making %s with %s (about a minute, once)\n' "${venv##*/}" "$("$python" --version)"
"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --prefer-binary --no-compile \
  --requirement "$requirements"
cp "$requirements" "$installed"
