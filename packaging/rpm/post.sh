PATH=/usr/sbin:/usr/bin:/sbin:/bin
# $1 is the number of versions that will be installed afterwards.
if command -v systemd-sysusers >/dev/null; then systemd-sysusers infiniservice.conf || :; fi
if [ "$1" -eq 1 ]; then systemctl --quiet enable infiniservice.service || :; fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    udevadm control --reload || :
    udevadm trigger --subsystem-match=virtio-ports --action=change || :
    if [ "$1" -eq 1 ]; then
        systemctl start infiniservice.service || :
    else
        systemctl try-restart infiniservice.service infiniservice-readonly.service || :
    fi
fi
