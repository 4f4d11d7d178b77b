PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
if [ "$1" -eq 0 ]; then
    # Directories that no file list contains.
    rmdir /usr/share/doc/infinihub/examples /usr/share/doc/infinihub /etc/infinihub 2>/dev/null || :
fi
