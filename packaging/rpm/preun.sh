PATH=/usr/sbin:/usr/bin:/sbin:/bin
# During an upgrade the old agent keeps running until the new one is installed.
if [ "$1" -eq 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl stop infiniservice.service infiniservice-readonly.service || :
    fi
    systemctl --quiet disable infiniservice.service infiniservice-readonly.service || :
fi
