# Boots a Debian root file system with its own systemd as process 1 of fresh namespaces. Runs as `sh -euc`, with the
# directory of the system as $dir: disk.img (the root), root and payload (directories). With $copy the disk is that of a template,
# and its machine-id is left alone. Prints nothing that matters.
#
# The kernel is the host's. So /sys and /proc/sys are read-only, and the rights to set the clock and to load modules
# are taken away: what a test does in here must not reach the host.
echo $$ > "$cgroup/cgroup.procs"
export dir copy
exec unshare --cgroup --mount --pid --fork --net --uts --ipc --propagation private --kill-child sh -euc '
mount -o loop "$dir/disk.img" "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty fuse loop-control loop0 loop1 loop2 loop3 loop4 loop5 loop6 loop7; do
    if [ -e /dev/$node ]; then touch dev/$node; mount --bind /dev/$node dev/$node; fi
done
mkdir dev/pts dev/shm dev/virtio-ports
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs mnt/payload
cp -r "$dir/payload/." mnt/payload
mount -o remount,ro mnt/payload
[ -n "$copy" ] || tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id
sed -i /payload/d etc/fstab
# The network of the emulated machine: one card, with the address that QEMU gives. (No apostrophes in here.)
ip link set lo up
ip link add eth0 type veth peer name wire
ip link set wire up
printf "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nLinkLocalAddressing=no\n" \
    > etc/systemd/network/05-lab.network
printf "[Match]\nName=wire\n\n[Link]\nUnmanaged=yes\n" > etc/systemd/network/04-wire.network
hostname lab
mkdir -p old
pivot_root . old
umount -l /old
rmdir /old
mount --make-rshared /
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_time,-sys_module /lib/systemd/systemd --show-status=no
'
