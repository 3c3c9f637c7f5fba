#!/bin/sh
# One image, the process by argument: identity, academic, operations, admission, finance, notification, worker, migrate or router.
set -eu
case "${1:-}" in
  router) exec node router/server.mjs ;;
  health) shift; exec python -m deploy.health "$@" ;;
  *) exec python -m deploy.process "$@" ;;
esac
