# What the documented exchanges find in the guest.
set -e
unit() { printf "[Unit]\nDescription=$2\n[Service]\n$3\n[Install]\nWantedBy=multi-user.target\n" > "/etc/systemd/system/$1.service"; }
unit doc-web 'A web server' 'ExecStart=/bin/sleep 100000'
unit doc-broken 'A service that fails' 'ExecStart=/bin/false'
unit doc-slow 'A service that takes its time' 'Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 6'
unit doc-logs 'A service that logs' 'Type=oneshot\nExecStart=/bin/sh -c "echo ready; echo \\"<4>the disk is nearly full\\"; echo \\"<3>the disk is full\\"; echo \\"<3>giving up\\""'
systemctl daemon-reload

mkdir -p /srv/doc
for version in 1.0 2.0; do
    tree=/srv/doc/tree
    rm -rf $tree
    mkdir -p $tree/DEBIAN
    printf "Package: doc-hello\nVersion: $version\nArchitecture: all\nMaintainer: Lab <lab@example.org>\nInstalled-Size: 4\nDescription: says hello\n" > $tree/DEBIAN/control
    dpkg-deb -Znone --root-owner-group --build $tree /srv/doc/doc-hello_$version.deb > /dev/null
done
cd /srv/doc
for file in *.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
done > Packages
printf 'Date: %s\nOrigin: Debian\nLabel: Doc\nSuite: stable\nCodename: stable\nArchitectures: all amd64\nSHA256:\n %s %s Packages\n' \
    "$(date -u -R)" "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" > Release
mkdir -p /etc/apt/sources.list.d
echo 'deb [trusted=yes] copy:/srv/doc ./' > /etc/apt/sources.list.d/doc.list
apt-get -qq update
