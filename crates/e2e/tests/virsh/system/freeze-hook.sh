#!/bin/sh
# A hook that takes as long as the test wants it to.
[ "$1" = freeze ] || exit 0
while [ -e /run/slow ]; do sleep 0.1; done
