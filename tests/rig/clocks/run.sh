#!/bin/sh
# Runs a program at another time: its wall clock starts at WHEN, which is read in ZONE, and runs on from there.
# All processes that the program starts share that clock. The monotonic clock is left alone, so waits last as long as
# ever.
#
#   sh tests/rig/clocks/run.sh "2031-01-01 00:00" UTC .venv/bin/python -m pytest -m "not soak and not door"
set -eu

when=$1 zone=$2
shift 2

for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1; do
    [ ! -e "$library" ] || break
done
if [ ! -e "$library" ]; then
    echo "tests/rig/clocks/run.sh: libfaketime is not installed (remedy: apt-get install faketime)" >&2
    exit 1
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# An offset, not a time to start at: a process that starts later would begin there again.
echo "$(($(TZ=$zone date -d "$when" +%s) - $(date +%s)))" | sed 's/^[0-9]/+&/' >"$folder/offset"

# sitecustomize.py beside this file makes Python's sleep work with this library.
PYTHONPATH=$(cd "$(dirname "$0")" && pwd)${PYTHONPATH:+:$PYTHONPATH} TZ=$zone \
    LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$folder/offset FAKETIME_CACHE_DURATION=3600 \
    FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
