#!/bin/sh
# Makes a repository of tiny rpm packages below $1, in two states: old, and new with second versions of some, one of which an
# advisory calls a security update. Nothing uses them until a test points dnf or zypper at them.
set -eu
top=$1
work=$(mktemp -d)

# package DIRECTORY NAME VERSION TAGS SECTIONS; the sections begin with the list of files
package() {
    mkdir -p "$top/$1"
    {
        printf 'Name: %s\nVersion: %s\nRelease: 1\nLicense: MIT\nBuildArch: noarch\n' "$2" "$3"
        printf '%b' "$4"
        printf '%%description\nA second line is no summary.\n%%files\n'
        printf '%b' "$5"
    } > "$work/$2.spec"
    rpmbuild -bb --quiet --define "_topdir $work/build" --define "_rpmdir $top/$1" \
        --define '_rpmfilename %{NAME}-%{VERSION}.rpm' --define '_invalid_encoding_terminates_build 0' \
        "$work/$2.spec" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}

advisory() {
    cat > "$work/updateinfo.xml" <<XML
<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="lab@example.org" status="stable" type="security" version="1">
<id>LAB-2026-1</id><title>lab-fixed</title><severity>Important</severity><issued date="2026-01-01 00:00:00"/>
<description>A hole.</description>
<pkglist><collection short="lab"><name>lab</name>
<package name="lab-fixed" version="2.0" release="1" epoch="0" arch="noarch" src="lab-fixed-2.0-1.src.rpm"><filename>lab-fixed-2.0.rpm</filename></package>
</collection></pkglist></update></updates>
XML
    modifyrepo_c "$work/updateinfo.xml" "$top/$1/repodata" > /dev/null 2>&1
}

# Debian's rpm keeps root's database in root's home; everywhere else it is the system's.
mkdir -p /etc/rpm
echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros
rpm --initdb

# Scripts need a shell, and no rpm of this machine has one.
package old lab-shell 1.0 'Summary: stands for the shell\nProvides: /bin/sh\n' ''
rpm -i "$top/old/lab-shell-1.0.rpm"

package old lab-plain 1.0 'Summary: a plain one\n' ''
package old lab-fixed 1.0 'Summary: closed a hole in its second version\n' ''
package old lab-broken 1.0 'Summary: needs what nobody has\nRequires: lab-absent >= 2\n' ''
package old lab-fails 1.0 'Summary: its script fails\n' '%post\necho "lab-fails: no such frobnicator" >&2; exit 3\n'
package old lab-refuses 1.0 'Summary: its script fails before it is there\n' '%pre\necho "lab-refuses: not on this machine" >&2; exit 4\n'
package old lab-hangs 1.0 'Summary: its script hangs\n' '%post\nsleep 100000 & sleep 100000\n'
package old lab-floods 1.0 'Summary: its script says too much\n' \
    '%post\nhead -c 2500000 /dev/zero | tr "\\0" x | fold -w 1000\n'
package old lab-enemy 1.0 'Summary: cannot live beside lab-plain\nConflicts: lab-plain\n' ''
package old lab-big 1.0 'Summary: needs room\n' \
    '/usr/share/lab-big\n%install\nmkdir -p %{buildroot}/usr/share/lab-big\nhead -c 400000 /dev/zero > %{buildroot}/usr/share/lab-big/fill\n'
# Of this name needs-restarting(1) has a reboot follow.
package old linux-firmware 1.0 'Summary: wants a reboot\n' ''
createrepo_c -q "$top/old"

cp -r "$top/old" "$top/new"
package new lab-plain 2.0 'Summary: a plain one, improved\n' ''
package new lab-fixed 2.0 'Summary: closed a hole\n' ''
createrepo_c -q "$top/new"
advisory new

# In no repository, as none takes control characters.
package alone lab-hostile 1.0 "Summary: \033]0;owned\007\033[2J red \0377\0376 $(head -c 1000000 /dev/zero | tr '\0' x)\n" ''
rm -r "$work"
