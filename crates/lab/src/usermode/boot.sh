#!/bin/sh
# Process 1 of a kernel in user mode, whose first root is the host's file system, read-only: puts the kernel's modules into
# the system on /dev/ubda, makes that the root, and becomes its systemd. Runs again at each reboot.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root
root=/mnt/root
# Without barriers: nothing of it is to outlive the kernel, and the host's disk may be busy.
mount -t ext4 -o nobarrier /dev/ubda "$root"
mount -t proc proc "$root/proc"
modules=lib/modules/$(uname -r)
if [ ! -e "$root/$modules" ]; then
    mkdir -p "$root/$modules"
    cd "/usr/lib/uml/modules/$(uname -r)"
    names='autofs4|binfmt_misc|bridge|dummy|fuse|inet_diag|ipv6|loop|overlay|scsi_debug|sd_mod|tcp_diag|udp_diag|unix_diag|veth|virtio_console'
    cp --parents modules.order modules.builtin modules.builtin.modinfo \
        $(grep -E "/($names)\.ko:" modules.dep | tr ': ' '\n' | sort -u) "$root/$modules"
    chroot "$root" depmod "$(uname -r)"
    tr -d - < "$root/proc/sys/kernel/random/uuid" > "$root/etc/machine-id"
    # The network of the emulated machine: one card with the address that QEMU gives, and no way out.
    printf '[Match]\nName=eth0\n\n[Network]\nAddress=10.0.2.15/24\nLinkLocalAddressing=no\n' \
        > "$root/etc/systemd/network/05-lab.network"
    printf '[Match]\nName=wire\n\n[Link]\nUnmanaged=yes\n' > "$root/etc/systemd/network/04-wire.network"
fi
chroot "$root" modprobe -a veth ipv6
# The peer is made first: the card has the lower number.
chroot "$root" ip link add wire type veth peer name eth0
chroot "$root" ip link set wire up
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
rmdir /old
umount /proc
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=linux /lib/systemd/systemd
