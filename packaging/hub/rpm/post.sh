PATH=/usr/sbin:/usr/bin:/sbin:/bin
# $1 is the number of versions that will be installed afterwards.
if [ "$1" -eq 1 ]; then systemctl --quiet enable infinihub.service || :; fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    if [ "$1" -eq 1 ]; then
        systemctl start infinihub.service || :
    else
        systemctl try-restart infinihub.service infinihub-exporter.service || :
    fi
fi
