PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [ "$1" -eq 0 ]; then
    # Directories that no file list contains.
    rmdir /usr/lib/systemd/system/infiniservice.service.d /usr/share/doc/infiniservice-qga 2>/dev/null || :
fi
# The drop-in is gone: the agent starts without it.
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    systemctl try-restart infiniservice.service || :
fi
