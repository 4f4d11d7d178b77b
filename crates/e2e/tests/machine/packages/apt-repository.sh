#!/bin/sh
# Makes two repositories of tiny Debian packages below $1: main, and security with the origin of Debian's own. Then apt
# knows these two and no other. With `newer` as $2, second versions come into both.
set -eu
top=$1
mkdir -p "$top/main" "$top/security" "$top/work"

# package REPOSITORY NAME VERSION FIELDS POSTINST
package() {
    tree=$top/work/$2
    rm -rf "$tree"
    mkdir -p "$tree/DEBIAN" "$tree/usr/share/$2"
    echo "$3" > "$tree/usr/share/$2/version"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Lab <lab@example.org>\n' "$2" "$3"
        printf 'Installed-Size: 4\n'
        printf '%b' "$4"
    } > "$tree/DEBIAN/control"
    if [ -n "$5" ]; then
        printf '#!/bin/sh\n%s\n' "$5" > "$tree/DEBIAN/postinst"
        chmod 755 "$tree/DEBIAN/postinst"
    fi
    dpkg-deb -Znone --root-owner-group --build "$tree" "$top/$1/$2_$3.deb" > /dev/null
}

# index REPOSITORY LABEL SUITE
index() {
    cd "$top/$1"
    for file in *.deb; do
        [ -e "$file" ] || continue
        dpkg-deb --field "$file"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' \
            "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
    done > Packages
    {
        printf 'Date: %s\nOrigin: Debian\nLabel: %s\nSuite: %s\nCodename: %s\nVersion: 12\nArchitectures: all amd64\nSHA256:\n' "$(date -u -R)" "$2" "$3" "$3"
        printf ' %s %s Packages\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"
    } > Release
}

if [ "${2:-}" = newer ]; then
    package main lab-plain 2.0 'Description: a plain one, improved\n' ''
    package main lab-fixed 1.5 'Description: closed no hole yet\n' ''
    package security lab-fixed 2.0 'Description: closed a hole\n' ''
    index main Lab stable
    index security Debian-Security stable-security
    exit
fi

package main lab-plain 1.0 'Description: a plain one\n A second line.\n' ''
package main lab-plain+ 1.0 'Description: a name that apt could read as an order\n' ''
package main lab-fixed 1.0 'Description: closed a hole in its second version\n' ''
package main lab-broken 1.0 'Depends: lab-absent (>= 2)\nDescription: needs what nobody has\n' ''
package main lab-fails 1.0 'Description: its script fails\n' 'echo "lab-fails: no such frobnicator" >&2; exit 3'
package main lab-hangs 1.0 'Description: its script never ends\n' 'sleep 100000 & sleep 100000'
package main lab-asks 1.0 'Description: its script asks\n' 'read answer || answer=none; echo "answer: $answer"'
package main lab-floods 1.0 'Description: its script says too much\n' \
    'i=0; while [ $i -lt 40000 ]; do echo "flood flood flood flood flood flood flood flood"; i=$((i+1)); done'
package main lab-hostile 1.0 'Description: \033]0;owned\007\033[2J red \033[31m\n' ''
package main lab-needed 1.0 'Description: something needs it\n' ''
package main lab-needs 1.0 'Depends: lab-needed\nDescription: needs something\n' ''
package main lab-enemy 1.0 'Conflicts: lab-plain\nDescription: cannot live beside lab-plain\n' ''
package main lab-conf 1.0 'Description: has a configuration file\n' ''
index main Lab stable
package security lab-unrelated 1.0 'Description: in the security repository\n' ''
index security Debian-Security stable-security

mkdir -p /etc/apt/sources.list.d
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
{
    echo "deb [trusted=yes] copy:$top/main ./"
    echo "deb [trusted=yes] copy:$top/security ./"
} > /etc/apt/sources.list.d/lab.list
