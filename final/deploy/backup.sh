#!/bin/sh
# A copy of the database of compose.yaml, while clients go on: `deploy/backup.sh FOLDER`, every few hours, by cron
# for example. It has its name only when it is whole; after 30 days it is deleted. Take it to another machine.
set -eu
umask 077
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
file=$folder/accounts-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$file.part"' EXIT
docker compose exec -T database pg_dump --username=accounts --format=custom --no-owner accounts >"$file.part"
docker compose exec -T database pg_restore --list <"$file.part" >/dev/null
mv "$file.part" "$file"
find "$folder" -name 'accounts-*.dump' -mtime +30 -delete
echo "$file"
