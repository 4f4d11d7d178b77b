#!/bin/sh
exec /opt/infiniservice/infiniservice "$@"
