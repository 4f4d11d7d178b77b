#!/bin/sh
# The first program of a guest that has nothing but the agent, and qemu-ga as the tests' way in.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs run /run
modprobe -a virtio_console virtio_net
mkdir -p /dev/virtio-ports /run/lab-way-in
for port in /sys/class/virtio-ports/*; do
    ln -s "../${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done
mount /dev/vdb /data
hostname lab
ip link set lo up
for interface in /sys/class/net/e*; do
    ip link set "${interface##*/}" up
    ip address add 10.0.2.15/24 dev "${interface##*/}"
done
qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.1 -t /run/lab-way-in -f /run/lab-way-in/pid
while :; do
    /opt/infiniservice/infiniservice >>/run/agent.log 2>&1
    sleep 0.2
done
