PATH=/usr/sbin:/usr/bin:/sbin:/bin
# A unit in /etc would override the package's.
if [ -e /etc/systemd/system/infiniservice.service ] && [ ! -L /etc/systemd/system/infiniservice.service ]; then
    echo "infiniservice was installed by install-linux.sh; remove that first: install-linux.sh --uninstall (the configuration is kept)" >&2
    exit 1
fi
# A path that does not belong to root alone is not reused: a user who created the directory beforehand could replace the program
# in it. It is moved aside with its contents and created again.
root=
own_or_move_aside() {
    # Nothing exists: the package creates it. A link counts as existing, wherever it leads.
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then return 0; fi
    if [ ! -L "$1" ] && [ "$2" "$1" ]; then
        case $(stat -c '%u %A' -- "$1") in
            # Owned by root, and writable by nobody else.
            '0 '?????-??-*) return 0 ;;
        esac
    fi
    aside=$(mktemp -d "$1.not-roots.XXXXXXXX") || exit 1
    chmod 700 -- "$aside"
    mv -T -- "$1" "$aside/was" || exit 1
    echo "infiniservice: $1 did not belong to root alone; it was moved to $aside/was" >&2
}
# Anyone who may write to the parent directory could replace it at any time.
for above in "$root/opt" "$root/etc"; do
    [ -d "$above" ] || continue
    case $(stat -L -c '%u %A' -- "$above") in
        '0 d'????-??-*) ;;
        *) echo "infiniservice: not only root may write to $above; correct that first (chown root:root $above; chmod go-w $above)" >&2; exit 1 ;;
    esac
done
own_or_move_aside "$root/opt/infiniservice" -d
own_or_move_aside "$root/etc/infiniservice" -d
own_or_move_aside "$root/etc/infiniservice/config.toml" -f
