#!/bin/sh
# Makes repositories of tiny Debian packages below $1, in two states: old, and new with second versions of some. Each has
# main, and security with the origin of Debian's own. Nothing uses them until a test points apt at them.
set -eu
top=$1
work=$(mktemp -d)
architecture=all

# package STATE/REPOSITORY NAME VERSION FIELDS POSTINST; more of its tree may stand in $work/NAME already
package() {
    tree=$work/$2
    mkdir -p "$tree/DEBIAN" "$tree/usr/share/$2" "$top/$1"
    echo "$3" > "$tree/usr/share/$2/version"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: %s\n' "$2" "$3" "$architecture"
        printf 'Maintainer: Lab <lab@example.org>\n'
        printf 'Installed-Size: 4\n'
        printf '%b' "$4"
    } > "$tree/DEBIAN/control"
    if [ -n "$5" ]; then
        printf '#!/bin/sh\n%s\n' "$5" > "$tree/DEBIAN/postinst"
        chmod 755 "$tree/DEBIAN/postinst"
    fi
    dpkg-deb -Znone --root-owner-group --build "$tree" "$top/$1/$2_$3.deb" > /dev/null
    rm -r "$tree"
}

# configured STATE/REPOSITORY VERSION SETTING: lab-conf, whose configuration file says SETTING
configured() {
    mkdir -p "$work/lab-conf/etc" "$work/lab-conf/DEBIAN"
    echo "setting=$3" > "$work/lab-conf/etc/lab.conf"
    echo /etc/lab.conf > "$work/lab-conf/DEBIAN/conffiles"
    package "$1" lab-conf "$2" 'Description: has a configuration file\n' ''
}

# index STATE/REPOSITORY LABEL SUITE
index() {
    cd "$top/$1"
    for file in *.deb; do
        dpkg-deb --field "$file"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' \
            "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
    done > Packages
    {
        printf 'Date: %s\nOrigin: Debian\nLabel: %s\nSuite: %s\nCodename: %s\n' "$(date -u -R)" "$2" "$3" "$3"
        printf 'Version: 12\nArchitectures: all amd64\nSHA256:\n'
        printf ' %s %s Packages\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"
    } > Release
}

both() {
    index "$1/main" Lab stable
    index "$1/security" Debian-Security stable-security
}

package old/main lab-plain 1.0 'Description: a plain one\n A second line.\n' ''
package old/main lab-plain+ 1.0 'Description: a name that apt could read as an order\n' ''
package old/main lab-fixed 1.0 'Description: closed a hole in its second version\n' ''
package old/main lab-broken 1.0 'Depends: lab-absent (>= 2)\nDescription: needs what nobody has\n' ''
package old/main lab-fails 1.0 'Description: its script fails\n' 'echo "lab-fails: no such frobnicator" >&2; exit 3'
package old/main lab-hangs 1.0 'Description: its script hangs until it may go on\n' \
    '[ -e /run/lab-go-on ] || { sleep 100000 & sleep 100000; }'
package old/main lab-asks 1.0 'Description: its script asks\n' 'read answer || answer=none; echo "answer: $answer"'
package old/main lab-floods 1.0 'Description: its script says too much\n' \
    'yes flood flood flood flood flood flood flood | head -n 50000'
package old/main lab-restarts 1.0 'Description: its script restarts the agent, as one of the agent itself does\n' \
    'echo before; systemctl restart infiniservice; echo after; touch /run/lab-restarted'
package old/main lab-enemy 1.0 'Conflicts: lab-plain\nDescription: cannot live beside lab-plain\n' ''
configured old/main 1.0 one
architecture=amd64
package old/main lab-native 1.0 'Multi-Arch: same\nDescription: of one architecture\n' ''
architecture=all
# What a terminal obeys, bytes that are no UTF-8, a megabyte on one line, and a second line that looks like dpkg-query's.
package old/main lab-hostile 1.0 "Description: \033]0;owned\007\033[2J red \033[31m \0377\0376 $(head -c 1000000 /dev/zero | tr '\0' x)\n installed\tlab-forged\t6.6\tall\t4\tforged\n" ''
package old/security lab-unrelated 1.0 'Description: in the security repository\n' ''
both old

cp -r "$top/old" "$top/new"
package new/main lab-plain 2.0 'Description: a plain one, improved\n' ''
package new/main lab-fixed 1.5 'Description: closed no hole yet\n' ''
package new/security lab-fixed 2.0 'Description: closed a hole\n' ''
configured new/main 2.0 two
both new
rm -r "$work"
