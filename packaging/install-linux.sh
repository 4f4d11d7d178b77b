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

  MODE           full runs the host's commands, as root; read-only sends figures and lists processes and services, as an
                 ordinary user in a sandbox; normal is full with the profile of Infinibay's host, and keeps the secret in
                 INFINISERVICE_SHARED_SECRET (without one, an older secret is removed). Default: the installed mode, or full
  VM-ID          name of this machine, reported to the host; also --vm-id ID
  --no-start     do not start the service now (it starts at the next boot)
  --root DIR     install into the image mounted at DIR; nothing is started
  --uninstall    stop and remove the agent; the configuration is kept
  --purge        with --uninstall: remove the configuration and what is kept of scripts too
  --help         print this help

Exit code: 0 done, 1 failed (no half-written file is left in place), 2 invalid arguments.
END
}

say() { printf '%s\n' "$*"; }
fail() { printf 'install-linux.sh: %s\n' "$*" >&2; exit 1; }
misuse() { printf 'install-linux.sh: %s (see --help)\n' "$*" >&2; exit 2; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root='' vm_id='' start=yes task=install purge=no mode='' words=0 profile=keep

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
    '') ;;
    full|read-only) profile=native ;;
    normal) mode=full profile=infinibay ;;
    *) misuse "MODE is full or read-only, not: $mode" ;;
esac
[ $words -eq 0 ] || [ $task = install ] || misuse "--uninstall takes no MODE"

[ -n "$vm_id" ] || [ $task != install ] || vm_id=${INFINIBAY_VM_ID:-}

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
# Scripts that wait, and how others ended.
state_dir=$root/var/lib/infiniservice
unit_dir=$root/etc/systemd/system
wants_dir=$unit_dir/multi-user.target.wants
rules_dir=$root/etc/udev/rules.d
rule=$rules_dir/60-infiniservice.rules
readonly_rule=$rules_dir/61-infiniservice-readonly.rules
sysusers_dir=$root/etc/sysusers.d
preset=$root/etc/systemd/system-preset/80-infiniservice.preset
sysusers=$sysusers_dir/infiniservice.conf
link=$root/usr/local/sbin/infiniservice
profile_drop_in=$unit_dir/infiniservice.service.d/20-infinibay.conf
secret_file=$config_dir/shared_secret

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
    for part in opt etc etc/systemd etc/systemd/system etc/systemd/system-preset etc/sysusers.d etc/udev etc/udev/rules.d usr usr/local usr/local/sbin; do
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

# own NAME TARGET MODE: the archive's file, or, beside nothing but the program, this script's copy of it.
own() {
    if [ -f "$here/$1" ]; then
        put "$here/$1" "$2" "$3"
    else
        put - "$2" "$3" <<COPY
$(own_file "$1")
COPY
    fi
}

check_own_files() {
    found=0 missing=''
    for name in infiniservice.service infiniservice-readonly.service infiniservice.sysusers 60-infiniservice.rules \
        61-infiniservice-readonly.rules 80-infiniservice.preset config.toml; do
        if [ -f "$here/$name" ]; then found=$((found + 1)); else missing=$name; fi
    done
    [ -f "$here/infiniservice" ] || missing=infiniservice found=1
    # With none of them there, it is no archive: this script has copies.
    [ -z "$missing" ] || [ $found -eq 0 ] || fail "$here/$missing is missing: unpack the whole archive"
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
        own "$name" "$unit_dir/$name" 0644
    done
    own 80-infiniservice.preset "$preset" 0644
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

# The host plants the secret by the environment, and it must not stand where others can read it. No file that it was in before is
# kept: whoever installs without one is to have a locked agent.
install_profile() {
    case $profile in
        keep) return 0 ;;
        native) rm -f -- "$profile_drop_in" "$secret_file"; return 0 ;;
    esac
    secret=${INFINISERVICE_SHARED_SECRET:-}
    case $secret in
        *[!!-~]*) fail "INFINISERVICE_SHARED_SECRET takes printable ASCII characters without spaces only" ;;
    esac
    { [ -z "$secret" ] || [ ${#secret} -ge 16 ]; } && [ ${#secret} -le 1024 ] ||
        fail "INFINISERVICE_SHARED_SECRET takes 16 to 1024 characters"
    directory "$unit_dir/infiniservice.service.d" 0755
    if [ -n "$secret" ]; then
        put - "$secret_file" 0600 <<SECRET
$secret
SECRET
    else
        rm -f -- "$secret_file"
    fi
    put - "$profile_drop_in" 0644 <<DROP_IN
[Service]
Environment=INFINISERVICE_WIRE_PROFILE=infinibay
${secret:+Environment=INFINISERVICE_SHARED_SECRET_FILE=/etc/infiniservice/shared_secret}
DROP_IN
}

# Creates the user now, or in an image at its first boot (systemd-sysusers.service).
install_user() {
    own infiniservice.sysusers "$sysusers" 0644
    if [ -n "$root" ] || grep -q '^infiniservice:' /etc/passwd; then return 0; fi
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers "$sysusers"
    else
        groupadd --system infiniservice &&
            useradd --system --gid infiniservice --home-dir / --no-create-home --shell /usr/sbin/nologin infiniservice
    fi || fail "cannot create the user infiniservice"
}

install_rules() {
    own 60-infiniservice.rules "$rule" 0644
    if [ "$mode" = read-only ]; then
        install_user
        own 61-infiniservice-readonly.rules "$readonly_rule" 0644
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
        own config.toml "$config_dir/config.toml" 0600
    install_units
    install_vm_id
    install_profile
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
    rm -f -- "$program" "$program_dir/.new" "$rule" "$preset"
    rmdir -- "${preset%/*}" 2>/dev/null || :
    for name in infiniservice.service infiniservice-readonly.service; do
        rm -f -- "$wants_dir/$name" "$unit_dir/$name" "$unit_dir/$name.d/10-vm-id.conf"
    done
    rm -f -- "$profile_drop_in"
    if [ "$(readlink -- "$link" 2>/dev/null)" = /opt/infiniservice/infiniservice ]; then rm -f -- "$link"; fi
    # Texts of scripts that ran: in memory, and of no use to anybody else.
    [ -L "$root/run/infiniservice-scripts" ] || rm -rf -- "$root/run/infiniservice-scripts"
    remove_user
    for empty in "$unit_dir/infiniservice.service.d" "$unit_dir/infiniservice-readonly.service.d" "$program_dir"; do
        [ -L "$empty" ] || [ ! -d "$empty" ] || rmdir -- "$empty" 2>/dev/null || say "$empty is not empty and was left"
    done
    if [ $purge = yes ]; then
        for directory in "$config_dir" "$state_dir"; do [ -L "$directory" ] || rm -rf -- "$directory"; done
    fi
    if systemd_runs; then
        systemctl daemon-reload
        # Otherwise systemd would still list a service that had failed.
        systemctl reset-failed infiniservice.service infiniservice-readonly.service 2>/dev/null || :
    fi
    apply_rules
    say "removed"
}

# Generated from the files of packaging/: UPDATE_GENERATED=1 cargo test -p infiniservice --test it install_script
own_file() {
    case $1 in
        infiniservice.service) cat <<'END_OF_FILE'
# The guest agent. Local changes belong in a drop-in: systemctl edit infiniservice

[Unit]
Description=InfiniService guest agent
# The agent lists and controls services over the system bus; without it the agent still runs.
Wants=dbus.socket
After=dbus.socket
# The agent may be the only way into the machine: never give up restarting it.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=/opt/infiniservice/infiniservice
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
TimeoutStartSec=30
# status.sock in this directory answers infiniservice status, for root only.
RuntimeDirectory=infiniservice
RuntimeDirectoryMode=0700
# The agent stops in an orderly way within shutdown_timeout_secs (15); systemd kills whatever is left then.
TimeoutStopSec=30
KillMode=mixed
# systemd restarts an agent whose main loop is stuck.
WatchdogSec=60

# Commands run in cgroups of their own below the agent's. A timeout therefore kills everything that a command started, and no
# command has more than 512 processes and threads (16 for each processor, if that is more). All commands together leave the
# agent 64 of the unit's TasksMax. Package changes run in separate scopes (infiniservice-package-*.scope), so that a restart
# of the agent does not interrupt them.
Delegate=yes
# A command that hangs in the kernel outlives even SIGKILL, and so does its cgroup. With controllers enabled above that cgroup,
# systemd could not start the agent there again (EBUSY), so they are disabled when the agent has ended, for whatever reason.
ExecStopPost=-/bin/sh -c 'unit=/sys/fs/cgroup$$(sed -n "s/^0:://p" /proc/self/cgroup); unit=$${unit%%/.control}; \
    for group in "$$unit/commands" "$$unit"; do for controller in pids cpu memory; do echo "-$$controller" > "$$group/cgroup.subtree_control"; done; done'
# If the OOM killer ends a command, the agent must survive, and the agent itself is a late victim: -500 of ±1000. The programs
# that it starts begin at 0 again (the agent resets the value between fork and exec).
OOMPolicy=continue
OOMScoreAdjust=-500

# Limits of the agent and its commands together, of which commands leave the agent a part (below). Package changes run outside
# the unit, and only their number of processes is limited, so that none is slowed down or killed half-way.
# 8 commands of 512 tasks each, and 64 for the agent.
TasksMax=4160
# A quarter of the memory is left to the machine. A lower limit would kill harmless commands: dnf needs 400 MB to read its metadata.
MemoryMax=75%
# One processor: the others are left to the machine's own work. A lower quota would turn slow commands into timeouts.
CPUQuota=100%

# Every command and package script inherits the following, so it removes only what none of them needs.
# Only root may access the agent's own files; commands start with 022 again.
UMask=0077
# The agent sees no keys of other services, and nobody else sees the agent's.
KeyringMode=private
# A core dump of the agent would contain the shared secret.
LimitCORE=0
# Real-time scheduling can starve a machine; systemd, not a package script, starts the daemons that need it.
RestrictRealtime=yes
# Other execution domains are for programs of other operating systems.
LockPersonality=yes
# System calls that no kernel of the last ten years has, or that emulate a 16-bit processor.
SystemCallFilter=~@obsolete @cpu-emulation
SystemCallErrorNumber=ENOSYS
# Capabilities that no package script uses: wake the machine, keep it awake, account for processes, lease other users' files.
CapabilityBoundingSet=~CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_SYS_PACCT CAP_LEASE
# Not restricted, each with what needs it:
#   file systems (ProtectSystem=, ProtectHome=, PrivateTmp=, ReadOnlyPaths=, ProtectKernelLogs=, ProtectControlGroups=,
#     PrivateDevices=, ProtectKernelTunables=): packages write anywhere, sysctls included; and with any of these the agent
#     would get a mount namespace of its own, and nobody else would see what a command mounts
#   NoNewPrivileges=: sudo and setuid programs in commands; RestrictSUIDSGID=: packages install such programs
#   ProtectKernelModules=, CAP_SYS_MODULE: dkms loads the modules it builds; CAP_SYS_ADMIN, CAP_MAC_ADMIN: apparmor_parser, SELinux labels
#   ProtectClock=, ProtectHostname=, CAP_SYS_TIME: hosts set clock and name with commands
#   MemoryDenyWriteExecute=: just-in-time code of PCRE and Python; RestrictNamespaces=: flatpak, bubblewrap in package scripts
#   SystemCallArchitectures=: 32-bit packages run their own scripts; PrivateNetwork=, IPAddressDeny=: downloads
#   RestrictAddressFamilies=: iptables, cryptsetup and ping; DevicePolicy=: grub, mdadm and lvm write to disks

# The agent limits its own lines. With the journal's rate limit, which applies to the whole unit, a command that floods the
# log would cause audit records to be dropped.
LogRateLimitIntervalSec=0

[Install]
WantedBy=multi-user.target
END_OF_FILE
            ;;
        infiniservice-readonly.service) cat <<'END_OF_FILE'
# The guest agent for those who want figures and lists from a machine and no changes to it. It runs as an ordinary user in
# a sandbox. It uses the same port as the full agent, so only one of the two runs. Local changes belong in a drop-in.

[Unit]
Description=InfiniService guest agent, read-only
Conflicts=infiniservice.service
Wants=dbus.socket
After=dbus.socket
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
# Flags override the file: it cannot allow more than this. A host that finds the QEMU guest agent's port served relies on it for
# the shutdown, which this agent cannot do.
ExecStart=/opt/infiniservice/infiniservice --set allowed_actions=ProcessList,ServiceList --set allow_unsafe_commands=false --set qga=false
# Runs outside the sandbox (+), inside which only the agent can be executed.
ExecReload=+/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
TimeoutStartSec=30
TimeoutStopSec=30
WatchdogSec=60

# infiniservice.sysusers creates the user; 61-infiniservice-readonly.rules gives its group access to the port.
User=infiniservice
Group=infiniservice
# The file belongs to root and may contain the shared secret: systemd reads it and shows this process a copy (systemd.exec(5)).
LoadCredential=config.toml:/etc/infiniservice/config.toml
Environment=INFINISERVICE_CONFIG=%d/config.toml
# The rule checks whether this unit is enabled, which may have changed. Runs as root and outside the sandbox.
ExecStartPre=-+udevadm trigger --settle --action=change --subsystem-match=virtio-ports

# The agent is always a single process, and needs little.
MemoryMax=64M
TasksMax=16
CPUQuota=50%
OOMScoreAdjust=-500
LimitCORE=0
LimitNOFILE=1024
UMask=0077
KeyringMode=private

# No privileges of root, and no way to obtain any.
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RemoveIPC=yes

# It writes, mounts and executes nothing; paths that the sandbox mounts over / must be listed again. Not ProtectHome=yes:
# the agent reports a file system on /home.
ProtectSystem=strict
ProtectHome=read-only
PrivateMounts=yes
NoExecPaths=/ /dev /run
ExecPaths=/opt/infiniservice
# Directories that everybody may write to.
InaccessiblePaths=-/dev/shm -/dev/mqueue -/run/lock
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes

# The port is the only device. Not PrivateDevices=yes: it would hide the port.
DevicePolicy=closed
DeviceAllow=char-virtio-portsdev rw

# Figures come through netlink, services through the bus. Not PrivateNetwork=yes: it would hide the machine's interfaces.
RestrictAddressFamilies=AF_UNIX AF_NETLINK
IPAddressDeny=any

# Not ProtectProc= and ProcSubset=pid: the agent reports processes and the machine's figures. Not PrivateUsers=yes: every
# process would belong to nobody. Not ProtectHostname=yes: the agent would not see a changed name. Not PrivateTmp=yes: the
# agent reports a file system on /tmp.
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

# The agent limits its own lines. With the journal's rate limit, which applies to the whole unit, a command that floods the
# log would cause audit records to be dropped.
LogRateLimitIntervalSec=0

[Install]
WantedBy=multi-user.target
END_OF_FILE
            ;;
        infiniservice.sysusers) cat <<'END_OF_FILE'
# The user of the read-only agent: no password, no shell, no home directory (sysusers.d(5)).
u infiniservice - "InfiniService read-only guest agent" - -
END_OF_FILE
            ;;
        60-infiniservice.rules) cat <<'END_OF_FILE'
# The port of the InfiniService guest agent. Only root may open it, and while it exists it is a systemd unit
# (dev-virtio\x2dports-org.infinibay.agent.device). Anyone who can open it can read the host's requests and answer as the agent.
ACTION!="remove", SUBSYSTEM=="virtio-ports", ATTR{name}=="org.infinibay.agent", OWNER="root", GROUP="root", MODE="0600", TAG+="systemd"
END_OF_FILE
            ;;
        61-infiniservice-readonly.rules) cat <<'END_OF_FILE'
# The read-only agent (infiniservice-readonly.service) does not run as root: if it is enabled, its group may open the port.
ACTION!="remove", SUBSYSTEM=="virtio-ports", ATTR{name}=="org.infinibay.agent", TEST=="/etc/systemd/system/multi-user.target.wants/infiniservice-readonly.service", GROUP="infiniservice", MODE="0660"
END_OF_FILE
            ;;
        80-infiniservice.preset) cat <<'END_OF_FILE'
# Which of the agent's two services runs is decided where the agent is installed. Without these lines the first boot of
# an image enables both (systemd.preset(5); Debian enables what no preset names), and each of them stops the other.
disable infiniservice.service
disable infiniservice-readonly.service
END_OF_FILE
            ;;
        config.toml) cat <<'END_OF_FILE'
# InfiniService's configuration: /etc/infiniservice/config.toml
#
# Each setting is shown with its default, or with an example if it has none; remove the leading # to set
# it. `infiniservice --print-config` shows the effective values and their origins. The file must belong
# to root and be writable by root only.

# Path of the port. On Linux also `vsock:PORT`: the agent then listens on that vsock port for the host (see docs/devices.md). If unset, the agent looks for a port by name: `org.infinibay.agent` first.
# The path of a file.
#device_path = "/dev/virtio-ports/org.infinibay.agent"

# Use the bulk port, a second one for streams, programs' output and large answers, where the machine has one and the host reads it.
# True or false.
#bulk = true

# Path of the bulk port, or on Linux `vsock:PORT`. If unset, the agent looks for it by name: `org.infinibay.agent.bulk`.
# The path of a file.
#bulk_port = "/dev/virtio-ports/org.infinibay.agent.bulk"

# Exit with code 3 if the agent cannot open a port within `connection_timeout_secs` after its start. Otherwise it waits for one.
# True or false.
#require_virtio = false

# Open no port. The agent collects and logs metrics, but sends nothing.
# True or false.
#no_virtio = false

# First delay before the agent tries a failed port again; it doubles with each failure.
# A whole number of seconds from 1 to 3600.
#min_backoff_secs = 5

# Longest delay before the agent tries a failed port again.
# A whole number of seconds from 1 to 86400.
#max_backoff_secs = 300

# For development: retry after 2 to 30 seconds. It does not apply to `min_backoff_secs` or `max_backoff_secs` if the same source or a stronger one sets them.
# True or false.
#aggressive_retry = false

# How long a write may make no progress while a host is connected, before it counts as a failure.
# A whole number of seconds from 1 to 3600.
#connection_timeout_secs = 10

# Has no effect. It exists only so that old configurations stay valid: every port reports data by an event, and no read waits.
# A whole number of milliseconds from 10 to 60000.
#read_timeout_ms = 500

# Time between two heartbeats.
# A whole number of seconds from 1 to 3600.
#keep_alive_interval_secs = 30

# How long a heartbeat may stay unanswered before the agent reopens the port.
# A whole number of seconds from 1 to 7200.
#keep_alive_timeout_secs = 60

# Do not watch for devices that appear and disappear. The agent then finds a lost port only when the back-off tries again.
# True or false.
#disable_device_monitoring = false

# Also send a heartbeat at each health check, to test a connection that looks idle.
# True or false.
#validate_connection = false

# Compress long lines for hosts that ask for it. Other hosts get plain lines.
# True or false.
#compression = true

# Consecutive failures that open the circuit breaker.
# A whole number from 1 to 10000.
#circuit_breaker_failure_threshold = 15

# How long the open circuit breaker blocks all attempts.
# A whole number of seconds from 1 to 86400.
#circuit_breaker_open_secs = 60

# Attempts that the half-open circuit breaker allows.
# A whole number from 1 to 1000.
#circuit_breaker_half_open_calls = 5

# Successes that close the half-open circuit breaker.
# A whole number from 1 to 1000.
#circuit_breaker_success_threshold = 2

# Time between two metrics messages.
# A whole number of seconds from 1 to 86400.
#collection_interval_secs = 30

# Time between two metrics messages while the connection's quality is Poor or Critical.
# A whole number of seconds from 1 to 86400.
#degraded_interval_secs = 120

# Adapt the time between two metrics messages to how much changes. It begins with `collection_interval_secs`, is halved when a figure jumps or crosses a threshold, and grows by half after five calm messages. Leave it off if something, such as a Prometheus rule, needs samples at even intervals.
# True or false.
#adaptive_collection = false

# Shortest time between two metrics messages with `adaptive_collection`. If a collection takes more than a hundredth of it, the time is longer, up to `adaptive_max_secs`.
# A whole number of seconds from 1 to 86400.
#adaptive_min_secs = 5

# Longest time between two metrics messages with `adaptive_collection`.
# A whole number of seconds from 1 to 86400.
#adaptive_max_secs = 120

# Maximum number of quick collections after the start, until the machine has an address. A change after that has no effect until the next start.
# A whole number from 0 to 100.
#initial_collection_tries = 5

# Time between two of the quick collections at start.
# A whole number of seconds from 1 to 60.
#initial_collection_interval_secs = 2

# Time between two assessments of the connection's quality.
# A whole number of seconds from 1 to 86400.
#health_check_interval_secs = 60

# How long the agent may take to stop, including commands in flight.
# A whole number of seconds from 1 to 300.
#shutdown_timeout_secs = 15

# Longest incoming line; a longer one is discarded and answered with `MESSAGE_TOO_LARGE`.
# A whole number of bytes from 4096 to 16777216.
#max_line_bytes = 1048576

# Longest outgoing line; the agent truncates a longer message, and marks it as truncated.
# A whole number of bytes from 65536 to 67108864.
#max_outgoing_line_bytes = 4194304

# Memory for answers that wait for a host, and for answers kept for repeated ids.
# A whole number of bytes from 1048576 to 1073741824.
#outbox_max_bytes = 16777216

# How much output of one command is kept, for each of stdout and stderr.
# A whole number of bytes from 1024 to 16777216.
#max_output_bytes = 1048576

# Longest timeout that a command may request; a longer one is reduced to it.
# A whole number of seconds from 1 to 86400.
#max_command_timeout_secs = 3600

# Commands that may wait in the queue; more are answered with `QUEUE_FULL`.
# A whole number from 1 to 10000.
#max_queued_commands = 64

# Maximum number of concurrent commands.
# A whole number from 1 to 256.
#max_concurrent_commands = 8

# Maximum number of processes in one metrics message, the busiest first.
# A whole number from 0 to 100000.
#max_processes = 100

# Maximum number of sockets in one metrics message, listening ones first.
# A whole number from 0 to 100000.
#max_ports = 500

# Maximum number of network interfaces in one metrics message, the one with the default route first.
# A whole number from 1 to 100000.
#max_interfaces = 128

# Maximum number of file systems in one metrics message.
# A whole number from 1 to 100000.
#max_file_systems = 128

# Length at which a process's command line is truncated in a metrics message.
# A whole number of bytes from 0 to 1048576.
#max_cmd_line_bytes = 4096

# How long a collection waits for all network file systems together; those that hang are reported as failed.
# A whole number of milliseconds from 1 to 60000.
#network_mount_timeout_ms = 500

# How long the agent remembers an answered id and repeats its answer instead of running the command again.
# A whole number of seconds from 0 to 86400.
#replay_window_secs = 600

# This machine's name, reported to the host in `hello`. `INFINIBAY_VM_ID` also sets it.
# 1 to 128 printable ASCII characters without spaces.
#vm_id = "vm-0001"

# Tags of this machine, such as `env=prod`, reported to the host in `hello`: with them people select machines (see docs/hub.md). The host can give a tag another value. `wire_profile = "infinibay"` does not report them.
# A list of at most 32 texts NAME=VALUE: a name has 1 to 64 letters of ASCII, digits, "_", "." and "-", a letter first, a value 1 to 128 bytes without control characters.
#tags = ["env=prod", "tier=web"]

# Secret shared with the host. If set, the host must sign its lines with it. Other users must not be able to read a file that contains it. A new secret takes effect at once. Setting the first secret, removing it, or moving it to another source needs a restart.
# 16 to 1024 printable ASCII characters without spaces.
#shared_secret = "at-least-16-characters"

# File whose only line is the shared secret; other users must not be able to read it.
# The path of a file.
#shared_secret_file = "/etc/infiniservice/secret"

# File with the public keys of the controllers that may seal lines to this machine, one line `NAME KEY` for each. Only root may be able to write it. If set, commands that change the machine must be sealed (see docs/protocol.md). A reload reads the file again.
# The path of a file.
#controller_keys = "/etc/infiniservice/controller-keys"

# File with this machine's own key for sealed lines. If it is missing and `controller_keys` is set, the agent creates it. If unset, `/var/lib/infiniservice/sealed.key`, or on Windows `C:\ProgramData\InfiniService\sealed.key`. The credential `infiniservice.sealed_key` overrides it.
# The path of a file.
#sealed_key_file = "/var/lib/infiniservice/sealed.key"

# With `controller_keys`: send metrics and streams in plain text to whoever reads the port. If false, the agent seals them to the last key with the word `monitor`, or to the key that requested them.
# True or false.
#plain_metrics = true

# With `controller_keys`: also answer plain commands that only read, except those that reveal the results of sealed commands.
# True or false.
#plain_reads = true

# Run `UnsafeCommand`: any shell command that the host sends, as root.
# True or false.
#allow_unsafe_commands = false

# Run scripts as root: those of `ScriptRun`, and those that Infinibay's host keeps for this machine. If you turn it off, scripts that are waiting will not run.
# True or false.
#allow_scripts = false

# Directory for scripts that are waiting and for the results of earlier ones. Only the agent's own account may enter it. If unset, `/var/lib/infiniservice/scripts`, or on Windows `C:\ProgramData\InfiniService\scripts`.
# The path of a file.
#scripts_dir = "/var/lib/infiniservice/scripts"

# Directory with a file `NAME.toml` for each plugin. A plugin is a program that the agent runs at an interval to get figures; it must belong to root (see docs/plugins.md). If unset, `plugins.d` next to the default configuration file, unless `--config` or `INFINISERVICE_CONFIG` names another one.
# The path of a file.
#plugins_dir = "/etc/infiniservice/plugins.d"

# Directory with `*.prom` files, in which other programs write figures in the Prometheus text format. The agent reads only files that belong to root or to the directory's owner.
# The path of a file.
#plugins_textfile_dir = "/var/lib/node_exporter/textfile_collector"

# Carry out `PrepareGoldenImage`, which makes a template of the machine: the machine loses its identity and its secret.
# True or false.
#allow_seal = false

# Carry out `JoinDomain`, which makes the machine a member of a domain. The domain's administrators then control this machine, too.
# True or false.
#allow_domain_join = false

# Carry out `ConfigReload`, with which a host makes the agent read its configuration again.
# True or false.
#allow_config_reload = false

# Read the configuration again when one of these files changes, a second after the last change: the configuration file, the secret's file, the file of the controllers' keys, a plugin's description. If the new configuration is invalid, the old one stays in force.
# True or false.
#reload_on_change = false

# The only actions that are allowed; by default all. Others are answered with `ACTION_BLOCKED`.
# A list of at least one action name.
#allowed_actions = ["ServiceList", "ProcessList"]

# Actions that are refused, even if `allowed_actions` names them.
# A list of at least one action name.
#blocked_actions = ["PackageRemove", "DiskCleanup"]

# Serve the QEMU guest agent's protocol on its port: `auto` does so unless the program `qemu-ga` is installed, another program holds the port, or `shared_secret` or `controller_keys` is set. `true` waits for a port that is held. With `false` the agent uses that port for its own protocol if there is no other.
# One of auto, true, false.
#qga = "auto"

# Path of the QEMU guest agent's port. If unset, the agent looks for it by name: `org.qemu.guest_agent.*`.
# The path of a file.
#qga_port = "/dev/virtio-ports/org.qemu.guest_agent.0"

# Which commands of the QEMU guest agent's protocol are on. `safe` means all except those that run programs, read or write files, set passwords, or read or change SSH keys.
# One of safe, all.
#qga_commands = "safe"

# Let hosts run programs with `guest-exec`, as root.
# True or false.
#qga_allow_exec = false

# Let hosts read and write any file with `guest-file-open` and its companions.
# True or false.
#qga_allow_files = false

# Let hosts set users' passwords with `guest-set-user-password`.
# True or false.
#qga_allow_passwords = false

# Let hosts read and change users' SSH keys with `guest-ssh-add-authorized-keys` and its companions.
# True or false.
#qga_allow_ssh_keys = false

# Commands of the QEMU guest agent's protocol that are off in any case.
# A list of at least one command of the QEMU guest agent.
#qga_block = ["guest-suspend-disk"]

# Program that the agent starts with the argument `freeze` before it freezes file systems, and with `thaw` after it has thawed them. It must belong to root.
# The path of a file.
#qga_fsfreeze_hook = "/etc/qemu/fsfreeze-hook"

# Longest freeze. After that the agent thaws by itself, and the host's own thaw fails, so the host knows that its backup is not consistent. 0 means no limit.
# A whole number of seconds from 0 to 86400.
#qga_freeze_max_secs = 600

# Longest request on the QEMU guest agent's port.
# A whole number of bytes from 65536 to 67108864.
#qga_max_request_bytes = 8388608

# The kind of host on the port: `native`, or `infinibay` for Infinibay's host (see docs/infinibay.md).
# One of native, infinibay.
#wire_profile = "native"

# For tests only: with `wire_profile = "infinibay"` and without a secret, accept lines that nobody has signed.
# True or false.
#allow_unsigned = false

# Least important level that is logged. `RUST_LOG`, if set, overrides it for the modules that it names.
# One of error, warn, info, debug, trace.
#log_level = "info"
END_OF_FILE
            ;;
    esac
}
# End of what is generated.

$task
