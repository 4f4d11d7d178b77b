PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    udevadm control --reload || :
    if [ "$1" -eq 0 ] && [ -e /dev/virtio-ports/org.infinibay.agent ]; then
        # The rule that gave the port to the read-only agent's group is gone.
        chown root:root /dev/virtio-ports/org.infinibay.agent && chmod 600 /dev/virtio-ports/org.infinibay.agent || :
    fi
fi
if [ "$1" -eq 0 ]; then
    rm -rf /run/infiniservice-scripts
    # Directories that no file list contains.
    docs=/usr/share/doc/infiniservice
    rmdir $docs/examples/plugins $docs/examples $docs /opt/infiniservice /etc/infiniservice 2>/dev/null || :
fi
