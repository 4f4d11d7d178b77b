#!/bin/sh
# Installs or removes the InfiniService guest agent. Running it again upgrades; a configuration that is there is kept.
set -eu
umask 022
LC_ALL=C
# Programs are root's alone there; /usr/local may be a group's (Debian's staff).
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

usage() {
    cat <<'END'
Usage: install-linux.sh [OPTIONS] [MODE] [VM-ID]

Installs the agent that lies beside this script to /opt/infiniservice and starts it as a systemd service. Nothing is fetched.

  MODE           full (also: normal) carries out the host's commands, as root; read-only sends figures and lists
                 processes and services, as an ordinary user in a sandbox. Without MODE what is installed stays, at first full
  VM-ID          name of this machine, told to the host; also --vm-id ID
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

# The name goes into a unit file: nothing in it may mean anything there.
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
    for part in opt etc etc/systemd etc/systemd/system etc/sysusers.d etc/udev etc/udev/rules.d usr usr/local usr/local/sbin; do
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
    for name in infiniservice infiniservice.service infiniservice-readonly.service infiniservice.sysusers \
        60-infiniservice.rules 61-infiniservice-readonly.rules config.toml; do
        [ -f "$here/$name" ] || fail "$here/$name is missing: unpack the whole archive"
    done
    if [ -f "$here/SHA256SUMS" ] && command -v sha256sum >/dev/null; then
        (cd -- "$here" && sha256sum --check --quiet --ignore-missing SHA256SUMS) || fail "files are damaged: see above"
    fi
}

# Two installations would hide each other's parts.
check_no_package() {
    for path in "$root/usr/lib/systemd/system/infiniservice.service" "$root/lib/systemd/system/infiniservice.service"; do
        [ ! -e "$path" ] || fail "a package of this system has installed it ($path): upgrade or remove that"
    done
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

# unit_of MODE
unit_of() {
    if [ "$1" = read-only ]; then echo infiniservice-readonly.service; else echo infiniservice.service; fi
}

# What is enabled stays the mode, unless another one is asked for.
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

# Either mode knows the machine by its name.
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

# The user is made here, or in an image at its first boot (systemd-sysusers.service).
install_user() {
    put "$here/infiniservice.sysusers" "$sysusers" 0644
    if [ -n "$root" ] || grep -q '^infiniservice:' /etc/passwd; then return 0; fi
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers "$sysusers"
    else
        groupadd --system infiniservice &&
            useradd --system --gid infiniservice --home-dir / --no-create-home --shell /usr/sbin/nologin infiniservice
    fi || fail "the user infiniservice cannot be made"
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

# To the port that is there already; where udev does not run there is nothing to tell.
apply_rules() {
    [ -z "$root" ] && [ -S /run/udev/control ] || return 0
    udevadm control --reload && udevadm trigger --action=change --settle --subsystem-match=virtio-ports ||
        say "udev did not take the rules; they hold at the next boot"
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

# The user owns no file, so nothing is left to a later user of the same number.
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
    # First the port is root's alone again: the other rule sees to it.
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
        # Of a service that had failed systemd would still tell.
        systemctl reset-failed infiniservice.service infiniservice-readonly.service 2>/dev/null || :
    fi
    apply_rules
    say "removed"
}

$task
