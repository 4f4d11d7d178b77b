#!/bin/sh
# Installs or removes the InfiniService guest agent. Running it again upgrades; an existing configuration is kept.
set -eu
umask 022
LC_ALL=C
# Only root can write programs there; /usr/local may be writable by a group (Debian's staff).
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

usage() {
    cat <<'END'
Usage: install-linux.sh [OPTIONS] [MODE] [VM-ID]

Installs the agent from this script's directory to /opt/infiniservice and starts it as a systemd service. Downloads nothing.

  MODE           full (also: normal) runs the host's commands, as root; read-only sends figures and lists processes
                 and services, as an ordinary user in a sandbox. Default: the installed mode, or full
  VM-ID          name of this machine, reported to the host; also --vm-id ID
  --no-start     do not start the service now (it starts at the next boot)
  --root DIR     install into the image mounted at DIR; nothing is started
  --uninstall    stop and remove the agent; the configuration is kept
  --purge        with --uninstall: remove the configuration too
  --help         print this help

Exit code: 0 done, 1 failed (no half-written file is left in place), 2 invalid arguments.
END
}

say() { printf '%s\n' "$*"; }
fail() { printf 'install-linux.sh: %s\n' "$*" >&2; exit 1; }
misuse() { printf 'install-linux.sh: %s (see --help)\n' "$*" >&2; exit 2; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root='' vm_id='' start=yes task=install purge=no mode='' words=0

while [ $# -gt 0 ]; do
    case $1 in
        --vm-id|--root)
            if [ $# -lt 2 ] || [ -z "$2" ]; then misuse "$1 needs a value"; fi
            if [ "$1" = --root ]; then root=$2; else vm_id=$2; fi
            shift ;;
        --no-start) start=no ;;
        --uninstall) task=uninstall ;;
        --purge) purge=yes ;;
        --help|-h) usage; exit 0 ;;
        -*) misuse "unknown argument: $1" ;;
        *)
            words=$((words + 1))
            case $words in
                1) mode=$1 ;;
                2) [ -n "$1" ] || misuse "VM-ID needs a value"
                   vm_id=$1 ;;
                *) misuse "too many arguments: $1" ;;
            esac ;;
    esac
    shift
done

case $mode in
    ''|full|read-only) ;;
    normal) mode=full ;;
    *) misuse "MODE is full or read-only, not: $mode" ;;
esac
[ $words -eq 0 ] || [ $task = install ] || misuse "--uninstall takes no MODE"

# The name goes into a unit file, so it must not contain characters that are special there.
case $vm_id in
    *[!A-Za-z0-9._:-]*) misuse "--vm-id takes letters, digits and . _ : - only" ;;
esac
[ ${#vm_id} -le 128 ] || misuse "--vm-id takes at most 128 characters"
[ $purge = no ] || [ $task = uninstall ] || misuse "--purge goes with --uninstall"
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
wants_dir=$unit_dir/multi-user.target.wants
rules_dir=$root/etc/udev/rules.d
rule=$rules_dir/60-infiniservice.rules
readonly_rule=$rules_dir/61-infiniservice-readonly.rules
sysusers_dir=$root/etc/sysusers.d
sysusers=$sysusers_dir/infiniservice.conf
link=$root/usr/local/sbin/infiniservice

systemd_runs() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# Requires a real directory: a link could redirect writes elsewhere.
directory() {
    [ ! -L "$1" ] || fail "$1 is a symbolic link; remove it first"
    if [ ! -d "$1" ]; then
        mkdir -- "$1" || fail "cannot create $1"
    fi
    chmod "$2" -- "$1"
    if [ "$(id -u)" -eq 0 ]; then chown 0:0 -- "$1"; fi
}

# In the running system, /opt or /usr/local may be links (ostree); in an image, links could lead out of it.
parents() {
    for part in opt etc etc/systemd etc/systemd/system etc/sysusers.d etc/udev etc/udev/rules.d usr usr/local usr/local/sbin; do
        if [ -n "$root" ] && [ -L "$root/$part" ]; then fail "$root/$part is a symbolic link"; fi
        [ -d "$root/$part" ] || mkdir -- "$root/$part"
    done
}

temporary=''
trap '[ -z "$temporary" ] || rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM

# put SOURCE TARGET MODE: replaces TARGET atomically; a link at TARGET is replaced, not followed.
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
    for name in infiniservice infiniservice.service infiniservice-readonly.service infiniservice.sysusers \
        60-infiniservice.rules 61-infiniservice-readonly.rules config.toml; do
        [ -f "$here/$name" ] || fail "$here/$name is missing: unpack the whole archive"
    done
    if [ -f "$here/SHA256SUMS" ] && command -v sha256sum >/dev/null; then
        (cd -- "$here" && sha256sum --check --quiet --ignore-missing SHA256SUMS) || fail "files are damaged: see above"
    fi
}

# Two installations would shadow each other's files.
check_no_package() {
    for path in "$root/usr/lib/systemd/system/infiniservice.service" "$root/lib/systemd/system/infiniservice.service"; do
        [ ! -e "$path" ] || fail "the agent was installed by a package of this system ($path): upgrade or remove that package"
    done
}

# A program for another processor must not replace one that works.
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

# unit_of MODE
unit_of() {
    if [ "$1" = read-only ]; then echo infiniservice-readonly.service; else echo infiniservice.service; fi
}

# The enabled mode stays, unless another one is requested.
choose_mode() {
    if [ -z "$mode" ] && [ -L "$wants_dir/infiniservice-readonly.service" ]; then mode=read-only; fi
    mode=${mode:-full}
    unit=$(unit_of "$mode")
    if [ "$mode" = full ]; then other=$(unit_of read-only); else other=$(unit_of full); fi
}

install_units() {
    for name in infiniservice.service infiniservice-readonly.service; do
        put "$here/$name" "$unit_dir/$name" 0644
    done
}

# Both modes report the machine's name.
install_vm_id() {
    [ -n "$vm_id" ] || return 0
    for name in infiniservice.service infiniservice-readonly.service; do
        directory "$unit_dir/$name.d" 0755
        temporary=$(mktemp "$unit_dir/$name.d/10-vm-id.conf.XXXXXXXX")
        printf '[Service]\nEnvironment=INFINISERVICE_VM_ID=%s\n' "$vm_id" >"$temporary"
        chmod 0644 -- "$temporary"
        mv -f -- "$temporary" "$unit_dir/$name.d/10-vm-id.conf"
        temporary=''
    done
}

# Creates the user now, or in an image at its first boot (systemd-sysusers.service).
install_user() {
    put "$here/infiniservice.sysusers" "$sysusers" 0644
    if [ -n "$root" ] || grep -q '^infiniservice:' /etc/passwd; then return 0; fi
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers "$sysusers"
    else
        groupadd --system infiniservice &&
            useradd --system --gid infiniservice --home-dir / --no-create-home --shell /usr/sbin/nologin infiniservice
    fi || fail "cannot create the user infiniservice"
}

install_rules() {
    put "$here/60-infiniservice.rules" "$rule" 0644
    if [ "$mode" = read-only ]; then
        install_user
        put "$here/61-infiniservice-readonly.rules" "$readonly_rule" 0644
    else
        rm -f -- "$readonly_rule"
    fi
    apply_rules
}

# Applies the rules to an existing port; without a running udev there is nothing to do.
apply_rules() {
    [ -z "$root" ] && [ -S /run/udev/control ] || return 0
    udevadm control --reload && udevadm trigger --action=change --settle --subsystem-match=virtio-ports ||
        say "udev did not apply the rules; they take effect at the next boot"
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
        restorecon -R "$program_dir" "$config_dir" "$unit_dir/$unit" "$link" || say "restorecon failed; SELinux may refuse the agent"
    fi
}

enable_and_start() {
    if ! systemd_runs; then
        directory "$wants_dir" 0755
        rm -f -- "$wants_dir/$other"
        ln -sfn "../$unit" "$wants_dir/$unit"
        say "installed; it starts at the next boot with systemd"
        return 0
    fi
    systemctl daemon-reload
    systemctl --quiet disable "$other"
    systemctl --quiet enable "$unit"
    if [ $start = yes ]; then
        systemctl stop "$other"
        systemctl restart "$unit" || fail "the service does not start: journalctl -u $unit"
        say "installed and started; 'infiniservice --diagnose' checks the channel to the host"
    else
        say "installed; it starts at the next boot"
    fi
}

install() {
    check_own_files
    check_no_package
    parents
    choose_mode
    directory "$program_dir" 0755
    directory "$config_dir" 0755
    install_program
    [ -e "$config_dir/config.toml" ] || [ -L "$config_dir/config.toml" ] ||
        put "$here/config.toml" "$config_dir/config.toml" 0600
    install_units
    install_vm_id
    install_rules
    install_link
    label
    enable_and_start
}

stop_services() {
    systemd_runs || return 0
    for name in infiniservice.service infiniservice-readonly.service; do
        [ ! -e "$unit_dir/$name" ] || systemctl --quiet disable --now "$name" || say "$name could not be stopped"
    done
}

# The user owns no files, so a later user with the same number inherits none.
remove_user() {
    [ -e "$sysusers" ] || return 0
    rm -f -- "$sysusers"
    if [ -z "$root" ] && command -v userdel >/dev/null; then
        userdel infiniservice 2>/dev/null || say "the user infiniservice could not be removed"
        groupdel infiniservice 2>/dev/null || :
    fi
}

uninstall() {
    stop_services
    # First, the remaining rule restricts the port to root again.
    rm -f -- "$readonly_rule"
    apply_rules
    rm -f -- "$program" "$program_dir/.new" "$rule"
    for name in infiniservice.service infiniservice-readonly.service; do
        rm -f -- "$wants_dir/$name" "$unit_dir/$name" "$unit_dir/$name.d/10-vm-id.conf"
    done
    if [ "$(readlink -- "$link" 2>/dev/null)" = /opt/infiniservice/infiniservice ]; then rm -f -- "$link"; fi
    remove_user
    for empty in "$unit_dir/infiniservice.service.d" "$unit_dir/infiniservice-readonly.service.d" "$program_dir"; do
        [ -L "$empty" ] || [ ! -d "$empty" ] || rmdir -- "$empty" 2>/dev/null || say "$empty is not empty and was left"
    done
    if [ $purge = yes ] && [ ! -L "$config_dir" ]; then rm -rf -- "$config_dir"; fi
    if systemd_runs; then
        systemctl daemon-reload
        # Otherwise systemd would still list a service that had failed.
        systemctl reset-failed infiniservice.service infiniservice-readonly.service 2>/dev/null || :
    fi
    apply_rules
    say "removed"
}

$task
