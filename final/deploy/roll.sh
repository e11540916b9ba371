#!/bin/sh
# A new version of what compose.yaml runs, and no request fails: `deploy/roll.sh`, in a checkout of that version.
# `deploy/roll.sh pull` takes the image from a registry instead of building it. Where the migration fails, or an
# application does not get ready, it stops there: the others go on as they are.
set -eu
cd "$(dirname "$0")/.."
COMMIT=${COMMIT-$(git rev-parse HEAD 2>/dev/null || true)}
BUILT_AT=${BUILT_AT-$(date -u +%Y-%m-%dT%H:%M:%SZ)}
export COMMIT BUILT_AT

docker compose "${1:-build}" migrate
docker compose run --rm -T migrate
for service in app1 app2 prune nginx; do
    docker compose up --detach --no-build --wait "$service"
    sleep 6 # nginx asks an application that was away again after five seconds
done
# A file that nginx does not understand changes nothing.
docker compose exec -T nginx nginx -q -t
docker compose exec -T nginx nginx -s reload
