# Programs of an ordinary user, where somebody who looks for tools, versions or applications might start them. Each leaves a mark.
set -eu
useradd -m mallory
home=/home/mallory
mkdir -m 1777 /srv/lab-marks
cat > /srv/lab-trap <<'END'
#!/usr/bin/perl
my ($name) = ($ARGV[0] // "") =~ /AppImage$/ ? "appimage" : $0 =~ m,([^/]+)$,;
if (($ARGV[0] // "") ne "serve") { open(my $mark, ">>", "/srv/lab-marks/$name"); exit 0; }
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[1], Listen => 1, ReuseAddr => 1) or die;
sleep 1000;
END
chmod 755 /srv/lab-trap
tools="apt-cache apt-get bash df dnf dpkg dpkg-query flatpak journalctl needs-restarting ps rpm sh snap systemctl timedatectl"
mkdir -p $home/.local/bin $home/.local/share/applications $home/Applications /tmp/lab-path /usr/local/share/applications
for name in $tools; do
    cp /srv/lab-trap $home/.local/bin/$name
    cp /srv/lab-trap /tmp/lab-path/$name
done
# Neither is installed in this machine.
for name in flatpak snap; do cp -p /srv/lab-trap /usr/bin/$name; chown mallory /usr/bin/$name; done
for name in httpd sshd; do cp /srv/lab-trap /tmp/$name; chown mallory /tmp/$name; done
for place in $home/.local /usr/local; do
    printf '[Desktop Entry]\nType=Application\nName=Trap\nExec=/tmp/httpd\nTryExec=/tmp/httpd\n' > $place/share/applications/lab-trap.desktop
done
# An AppImage that leaves its mark whatever it is started with: the kernel gives those of this machine to the trap (binfmt_misc).
image=$home/Applications/Trap-1.0.AppImage
printf '\177ELF\2\1\1\0AI\2' > $image
modprobe binfmt_misc
grep -q ' /proc/sys/fs/binfmt_misc binfmt_misc' /proc/mounts || mount -t binfmt_misc lab /proc/sys/fs/binfmt_misc
printf '%s' ':lab-appimage:M:8:AI\x02::/srv/lab-trap:' > /proc/sys/fs/binfmt_misc/register
chown -R mallory $home /tmp/lab-path
chmod -R 755 $home /tmp/lab-path
systemd-run -q --unit=lab-trap-1 --uid=mallory /tmp/httpd serve 8099
systemd-run -q --unit=lab-trap-2 --uid=nobody /tmp/sshd serve 2222
# The agent itself is told to look there first.
mkdir -p /run/systemd/system/infiniservice.service.d
echo "[Service]
Environment=PATH=$home/.local/bin:/tmp/lab-path:/usr/bin:/usr/sbin HOME=$home" > /run/systemd/system/infiniservice.service.d/lab-path.conf
systemctl daemon-reload
systemctl restart infiniservice
