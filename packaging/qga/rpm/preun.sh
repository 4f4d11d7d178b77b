PATH=/usr/sbin:/usr/bin:/sbin:/bin
# $1 is the number of versions that will be installed afterwards.
if [ "$1" -eq 0 ] && [ -L /usr/lib/systemd/system/qemu-guest-agent.service ]; then
    rm -f /usr/lib/systemd/system/qemu-guest-agent.service
fi
