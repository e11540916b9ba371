#!/bin/sh
# Puts this version on this server, as root: `deploy/systemd/install.sh [PORT...]`, in a checkout of it. Once it makes the
# user, the folders and the units; each time it migrates the database and then starts one port after the other anew, so
# that nginx always has one that answers. A step back is the same, in a checkout of the version before.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- 8001 8002
for file in environment secrets/secret_key secrets/smtp_url; do
    [ -e "/etc/accounts/$file" ] || { echo "there is no /etc/accounts/$file: make it first" >&2; exit 1; }
done

id accounts >/dev/null 2>&1 \
    || useradd --system --home-dir=/var/lib/accounts --no-create-home --shell=/usr/sbin/nologin accounts
install --mode=0644 deploy/systemd/*.service deploy/systemd/*.timer /etc/systemd/system
install --mode=0644 deploy/systemd/journald@accounts.conf /etc/systemd
install -D --mode=0644 deploy/systemd/tmpfiles.conf /etc/tmpfiles.d/accounts.conf
install --mode=0755 deploy/systemd/accounts-flask /usr/local/sbin
systemd-tmpfiles --create accounts.conf
systemctl daemon-reload

# A folder of its own, which nothing changes any more: what runs has its files as long as it runs.
new=/opt/accounts-$(date -u +%Y%m%dT%H%M%SZ)
old=$(readlink /opt/accounts || true)
mkdir "$new"
cp -R app migrations config.py wsgi.py gateway.py serve.py "$new"
python3 -m venv "$new/venv"
"$new/venv/bin/pip" install --quiet --require-hashes --no-deps --requirement=requirements.txt
printf 'COMMIT=%s\nBUILT_AT=%s\n' "${COMMIT-$(git rev-parse HEAD 2>/dev/null || true)}" "${new#*-}" >"$new/release"
"$new/venv/bin/python" -m compileall -q "$new/app" "$new/migrations"
point() {
    ln -s "$1" /opt/accounts.new
    mv -T /opt/accounts.new /opt/accounts
}
point "$new"
systemctl start accounts-migrate || {
    if [ -n "$old" ]; then point "$old"; fi
    echo "the database could not be migrated, and nothing else was changed: journalctl --namespace=accounts" >&2
    exit 1
}

ready="import sys, urllib.request as r; r.urlopen('http://127.0.0.1:%s/health/ready' % sys.argv[1])"
for port in "$@"; do
    systemctl enable --quiet "accounts@$port"
    systemctl restart "accounts@$port"
    patience=60
    until python3 -c "$ready" "$port" 2>/dev/null; do
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || { echo "port $port is not ready: journalctl --namespace=accounts" >&2; exit 1; }
        sleep 1
    done
    echo "accounts@$port is ready"
    sleep 6 # nginx asks a port that was away again after five seconds
done
systemctl enable --quiet --now accounts-prune.timer accounts-backup.timer
ls -d /opt/accounts-* | head -n -3 | xargs -r rm -r
