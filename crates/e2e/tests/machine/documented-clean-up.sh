# Undoes documented-set-up.sh.
systemctl stop doc-web doc-broken doc-slow
rm -f /etc/systemd/system/doc-*.service /etc/systemd/system/multi-user.target.wants/doc-*
systemctl daemon-reload
systemctl reset-failed 'doc-*'
dpkg --purge doc-hello
rm -rf /srv/doc /etc/apt/sources.list.d/doc.list /var/lib/apt/lists/*doc*
