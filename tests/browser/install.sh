#!/bin/bash
# Installs what the browser tests drive: Debian's Chromium, and the SMART library fhirclient (Apache-2.0), pinned.
set -eu -o pipefail
cd "$(dirname "$0")"

if ! command -v chromium > /dev/null && ! command -v chromium-browser > /dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium > /dev/null
fi

file=fhirclient-2.6.3.tgz
sum=e78e721b55faaea51a660e442c3d107081d3ab89e3f69ab428cbe6cddc32ea3c
if [ ! -e library/fhir-client.min.js ]; then
  mkdir -p library
  npm pack --silent --pack-destination library fhirclient@2.6.3 > /dev/null
  echo "$sum  library/$file" | sha256sum --check --quiet
  tar -xzf "library/$file" -C library --strip-components=2 package/build/fhir-client.min.js
fi
