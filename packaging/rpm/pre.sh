# A unit in /etc would hide the package's.
if [ -e /etc/systemd/system/infiniservice.service ] && [ ! -L /etc/systemd/system/infiniservice.service ]; then
    echo "infiniservice was installed by install-linux.sh; remove that first: install-linux.sh --uninstall (the configuration is kept)" >&2
    exit 1
fi
