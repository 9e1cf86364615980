#!/usr/bin/env bash
# Writes .env for docker compose once: long random secrets, readable by you alone. An existing file is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo "evenstride: .env is there already and is kept; delete it to make new secrets"
  exit 0
fi
secret() { python3 -c 'import secrets; print(secrets.token_urlsafe(24))'; }
umask 077
{
  echo "# Secrets of the stack, made by 'make stack-secrets'. Never commit this file."
  for name in EVENSTRIDE_STACK_INFLUX_PASSWORD EVENSTRIDE_STACK_OPERATOR_TOKEN EVENSTRIDE_STACK_GRAFANA_PASSWORD \
    EVENSTRIDE_MQTT_PASSWORD; do
    echo "$name=$(secret)"
  done
} >.env
echo "evenstride: wrote .env; Grafana's user is coach, its password stands there"
