#!/bin/sh
# Renew the files of the page at /ari/docs from the npm package swagger-ui-dist, as
# tests/interop/clients/node locks it. usage: vendor_explorer.sh
set -eu
cd "$(dirname "$0")/.."
package=build/clients/node/node_modules/swagger-ui-dist
target=server/http/data/explorer

cp "$package/swagger-ui-bundle.js" "$package/swagger-ui.css" "$target/"
cp "$package/LICENSE" "$target/swagger-ui.LICENSE.txt"
cp "$package/NOTICE" "$target/swagger-ui.NOTICE.txt"
cp "$package/swagger-ui-bundle.js.LICENSE.txt" "$target/"
