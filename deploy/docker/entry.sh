#!/bin/sh
# Makes the home on the volume when it is empty; then the command that was asked for.
set -eu
[ -f "$AUTOCLAVE_HOME/safety_rules.yaml" ] || autoclave init "$AUTOCLAVE_HOME" >&2
exec autoclave "$@"
