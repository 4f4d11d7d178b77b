#!/bin/sh
# Installs or removes the InfiniService guest agent. Running it again upgrades; a configuration that is there is kept.
set -eu
umask 022
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

usage() {
    cat <<'END'
Usage: install-linux.sh [OPTIONS]

Installs the agent that lies beside this script to /opt/infiniservice and starts it as a systemd service.

  --vm-id ID     name of this machine, told to the host
  --no-start     do not start the service now (it starts at the next boot)
  --root DIR     install into the image mounted at DIR; nothing is started
  --uninstall    stop and remove the agent; the configuration is kept
  --purge        with --uninstall: remove the configuration too
  --help         this text

Exit code: 0 done, 1 failed (nothing half-written is left in place), 2 wrong arguments.
END
}

say() { printf '%s\n' "$*"; }
fail() { printf 'install-linux.sh: %s\n' "$*" >&2; exit 1; }
misuse() { printf 'install-linux.sh: %s (see --help)\n' "$*" >&2; exit 2; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root='' vm_id='' start=yes mode=install purge=no

while [ $# -gt 0 ]; do
    case $1 in
        --vm-id|--root)
            if [ $# -lt 2 ] || [ -z "$2" ]; then misuse "$1 needs a value"; fi
            if [ "$1" = --root ]; then root=$2; else vm_id=$2; fi
            shift ;;
        --no-start) start=no ;;
        --uninstall) mode=uninstall ;;
        --purge) purge=yes ;;
        --help|-h) usage; exit 0 ;;
        *) misuse "unknown argument: $1" ;;
    esac
    shift
done

# The name goes into a unit file: nothing in it may mean anything there.
case $vm_id in
    *[!A-Za-z0-9._:-]*) misuse "--vm-id takes letters, digits and . _ : - only" ;;
esac
[ ${#vm_id} -le 128 ] || misuse "--vm-id takes at most 128 characters"
[ $purge = no ] || [ $mode = uninstall ] || misuse "--purge goes with --uninstall"
if [ -n "$root" ]; then
    [ -d "$root" ] || misuse "--root: $root is not a directory"
    root=$(CDPATH='' cd -- "$root" && pwd -P)
    if [ "$root" = / ]; then root=''; fi
fi
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "must be run as root"

program_dir=$root/opt/infiniservice
program=$program_dir/infiniservice
config_dir=$root/etc/infiniservice
unit_dir=$root/etc/systemd/system
unit=$unit_dir/infiniservice.service
drop_in_dir=$unit_dir/infiniservice.service.d
drop_in=$drop_in_dir/10-vm-id.conf
link=$root/usr/local/sbin/infiniservice

systemd_runs() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# A directory that is a real one: a link could lead the writing elsewhere.
directory() {
    [ ! -L "$1" ] || fail "$1 is a symbolic link; remove it first"
    if [ ! -d "$1" ]; then
        mkdir -- "$1" || fail "cannot make $1"
    fi
    chmod "$2" -- "$1"
    if [ "$(id -u)" -eq 0 ]; then chown 0:0 -- "$1"; fi
}

# In the running system /opt or /usr/local may well be links (ostree); in an image they could lead out of it.
parents() {
    for part in opt etc etc/systemd etc/systemd/system usr usr/local usr/local/sbin; do
        if [ -n "$root" ] && [ -L "$root/$part" ]; then fail "$root/$part is a symbolic link"; fi
        [ -d "$root/$part" ] || mkdir -- "$root/$part"
    done
}

temporary=''
trap '[ -z "$temporary" ] || rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM

# put SOURCE TARGET MODE: the whole new file or the old one is there, never a half; a link at TARGET is replaced.
put() {
    [ ! -d "$2" ] || [ -L "$2" ] || fail "$2 is a directory"
    temporary=$(mktemp "$2.XXXXXXXX")
    cat -- "$1" >"$temporary"
    chmod "$3" -- "$temporary"
    if [ "$(id -u)" -eq 0 ]; then chown 0:0 -- "$temporary"; fi
    mv -f -- "$temporary" "$2"
    temporary=''
}

check_own_files() {
    for name in infiniservice infiniservice.service config.toml; do
        [ -f "$here/$name" ] || fail "$here/$name is missing: unpack the whole archive"
    done
    if [ -f "$here/SHA256SUMS" ] && command -v sha256sum >/dev/null; then
        (cd -- "$here" && sha256sum --check --quiet --ignore-missing SHA256SUMS) || fail "files are damaged: see above"
    fi
}

# A program for another processor, or one that misses a library, must not replace one that works.
check_program_runs() {
    [ -z "$root" ] || return 0
    version=$("$program_dir/.new" --version 2>&1) || fail "the program does not run here: $version"
}

install_program() {
    put "$here/infiniservice" "$program_dir/.new" 0755
    temporary=$program_dir/.new
    check_program_runs
    [ ! -d "$program" ] || [ -L "$program" ] || fail "$program is a directory"
    mv -f -- "$program_dir/.new" "$program"
    temporary=''
}

install_vm_id() {
    [ -n "$vm_id" ] || return 0
    directory "$drop_in_dir" 0755
    temporary=$(mktemp "$drop_in.XXXXXXXX")
    printf '[Service]\nEnvironment=INFINISERVICE_VM_ID=%s\n' "$vm_id" >"$temporary"
    chmod 0644 -- "$temporary"
    mv -f -- "$temporary" "$drop_in"
    temporary=''
}

install_link() {
    if [ -L "$link" ] || [ ! -e "$link" ]; then
        ln -sfn /opt/infiniservice/infiniservice "$link"
    else
        say "$link is not ours and was left alone"
    fi
}

label() {
    if [ -z "$root" ] && command -v restorecon >/dev/null; then
        restorecon -R "$program_dir" "$config_dir" "$unit" "$link" || say "restorecon failed; SELinux may refuse the agent"
    fi
}

enable_and_start() {
    if [ -n "$root" ] || ! systemd_runs; then
        directory "$unit_dir/multi-user.target.wants" 0755
        ln -sfn ../infiniservice.service "$unit_dir/multi-user.target.wants/infiniservice.service"
        say "installed; it starts at the next boot with systemd"
        return 0
    fi
    systemctl daemon-reload
    systemctl --quiet enable infiniservice.service
    if [ $start = yes ]; then
        systemctl restart infiniservice.service || fail "the service does not start: journalctl -u infiniservice"
        say "installed and started; 'infiniservice --diagnose' checks the channel to the host"
    else
        say "installed; it starts at the next boot"
    fi
}

install() {
    check_own_files
    parents
    directory "$program_dir" 0755
    directory "$config_dir" 0755
    install_program
    [ -e "$config_dir/config.toml" ] || [ -L "$config_dir/config.toml" ] ||
        put "$here/config.toml" "$config_dir/config.toml" 0600
    put "$here/infiniservice.service" "$unit" 0644
    install_vm_id
    install_link
    label
    enable_and_start
}

uninstall() {
    if systemd_runs && [ -e "$unit" ]; then
        systemctl --quiet disable --now infiniservice.service || say "the service could not be stopped"
    fi
    rm -f -- "$unit_dir/multi-user.target.wants/infiniservice.service" "$unit" "$drop_in" "$program" "$program_dir/.new"
    if [ "$(readlink -- "$link" 2>/dev/null)" = /opt/infiniservice/infiniservice ]; then rm -f -- "$link"; fi
    for empty in "$drop_in_dir" "$program_dir"; do
        [ -L "$empty" ] || [ ! -d "$empty" ] || rmdir -- "$empty" 2>/dev/null || say "$empty is not empty and was left"
    done
    if [ $purge = yes ] && [ ! -L "$config_dir" ]; then rm -rf -- "$config_dir"; fi
    if systemd_runs; then systemctl daemon-reload; fi
    say "removed"
}

$mode
