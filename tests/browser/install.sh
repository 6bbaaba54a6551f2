#!/bin/bash
# Installs what the browser tests drive: Debian's Chromium, the SMART library fhirclient (Apache-2.0) and the
# accessibility checker axe-core (MPL-2.0, for tests only), both pinned.
set -eu -o pipefail
cd "$(dirname "$0")"

if ! command -v chromium > /dev/null && ! command -v chromium-browser > /dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium > /dev/null
fi

# name and version, sum of the package, the one file of it that is used
fetch() {
  local file="$1-$2.tgz" wanted="$4"
  [ ! -e "library/$(basename "$wanted")" ] || return 0
  mkdir -p library
  npm pack --silent --pack-destination library "$1@$2" > /dev/null
  echo "$3  library/$file" | sha256sum --check --quiet
  tar -xzf "library/$file" -C library --strip-components="$(tr -cd / <<< "$wanted" | wc -c)" "$wanted"
}

fetch fhirclient 2.6.3 e78e721b55faaea51a660e442c3d107081d3ab89e3f69ab428cbe6cddc32ea3c \
  package/build/fhir-client.min.js
fetch axe-core 4.10.3 0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292 package/axe.min.js
