PATH=/usr/sbin:/usr/bin:/sbin:/bin
# At an upgrade the old agent runs on until the new one is there.
if [ "$1" -eq 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl stop infiniservice.service infiniservice-readonly.service || :
    fi
    systemctl --quiet disable infiniservice.service infiniservice-readonly.service || :
fi
