# Units, desktop entries, an AppImage and processes whose names and descriptions would act on a terminal, or fill it.
set -eu
useradd -m mallory
home=/home/mallory
mkdir -p $home/.local/share/applications $home/Applications /usr/local/share/applications
perl -e '
    my $evil = "\e[31m\e]0;owned\a\e[2J \xe2\x80\xaegpj.exe \xc2\x9b31m \xe2\x81\xa6";
    sub put { open(my $h, ">", $_[0]) or die $_[0]; print $h $_[1]; close $h; }
    my $service = "\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";
    put("/etc/systemd/system/lab-evil-long.service", "[Unit]\nDescription=$evil " . "x" x 1_000_000 . $service);
    put("/etc/systemd/system/lab-evil-bytes.service", "[Unit]\nDescription=bad \xff\xfe\xc3 $evil$service");
    my $entry = "[Desktop Entry]\nType=Application\nExec=true\nName=lab-evil";
    put("/usr/local/share/applications/lab-evil.desktop", "$entry $evil\\nlab-second\xff\n");
    put("/home/mallory/.local/share/applications/lab-evil-long.desktop", "$entry $evil" . "x" x 200_000 . "\n");
    put("/home/mallory/.local/share/applications/lab\e[2J\nname.desktop", "$entry in a file\n");
    put("/home/mallory/.local/share/applications/lab-evil-huge.desktop", "$entry too large" . "x" x 1_000_000 . "\n");
    put("/home/mallory/Applications/lab-evil\e[31m\n\xff-1.0.AppImage", "\x7fELF\2\1\1\0AI\2");
'
chown -R mallory $home
systemctl daemon-reload
# systemd takes no unit whose text is no UTF-8, and lists it all the same.
systemctl start lab-evil-long
systemd-run -q --unit lab-evil-lines --description "$(printf 'one\ntwo\033[2J\r\tthree')" -p RemainAfterExit=yes /bin/true
cat > /run/lab-evil.py <<'END'
import os, time
evil = b"\x1b[31m\x1b]0;owned\x07\n\xff \xe2\x80\xae gpj.exe \xc2\x9b31m "
# One argument may have 128 KiB: nine of them make a megabyte.
if os.fork() == 0: os.execv(b"/bin/sleep", [b"lab-evil-long " + evil] + [b"1000"] + [b"0" * 131000] * 8 + [b"0" * 1000])
with open("/proc/self/comm", "wb") as comm: comm.write(b"evil\x1b[2J\n\xff\xe2\x80\xae")
time.sleep(1000)
END
systemd-run -q --unit lab-evil-names --uid=mallory /usr/bin/python3 /run/lab-evil.py
