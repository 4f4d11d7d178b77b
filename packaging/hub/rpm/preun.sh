PATH=/usr/sbin:/usr/bin:/sbin:/bin
# During an upgrade the old hub keeps running until the new one is installed.
if [ "$1" -eq 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl stop infinihub.service infinihub-exporter.service || :
    fi
    systemctl --quiet disable infinihub.service infinihub-exporter.service || :
fi
