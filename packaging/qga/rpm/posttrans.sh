PATH=/usr/sbin:/usr/bin:/sbin:/bin
# After the transaction, because one that replaces qemu-guest-agent removes the unit of this name at its end.
alias=/usr/lib/systemd/system/qemu-guest-agent.service
if [ -L $alias ] || [ ! -e $alias ]; then
    ln -sfn infiniservice.service $alias || :
else
    echo "infiniservice-qga: $alias is not a link and was left alone" >&2
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # In an upgrade of both packages the agent's own has restarted it already.
    pid=$(systemctl show --property MainPID --value infiniservice.service) || pid=0
    grep -qsz '^INFINISERVICE_QGA=true$' "/proc/$pid/environ" || systemctl try-restart infiniservice.service || :
    systemctl --quiet is-active infiniservice.service ||
        echo "infiniservice-qga: infiniservice.service is not active, and only it serves the QEMU guest agent's port" >&2
fi
