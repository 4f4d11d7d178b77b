//! What `--help` tells of files and signals on Linux.

/// Behind the options in `--help`.
pub(super) const AFTER_HELP: &str = "\
Settings:
  Every setting can come from the configuration file, a variable or a flag; the later one wins.
  --print-config shows what holds and where it came from; docs/configuration.md lists all of them.
  At SIGHUP the file is read again: what can change at run time changes, the rest is reported.

Environment:
  INFINISERVICE_<SETTING>  a setting, in upper case: INFINISERVICE_MIN_BACKOFF_SECS=10
  INFINISERVICE_CONFIG     the configuration file, like --config
  INFINIBAY_VM_ID          vm_id, where INFINISERVICE_VM_ID is not set
  RUST_LOG                 log directives: a level, or module=level, separated by commas
  JOURNAL_STREAM           set by systemd: log lines then carry <N> priorities and no time

Files:
  /etc/infiniservice/config.toml                 settings, in TOML; may be missing
  /etc/infiniservice/config.toml.last-good       the last valid ones, for a start with a wrong file
  /dev/virtio-ports/org.infinibay.agent          the channel to the host
  /etc/systemd/system/infiniservice.service      the unit that runs the agent

Exit codes:
  0  ended as asked; --diagnose: the channel is usable
  1  failed; --diagnose: the channel is not usable
  2  wrong arguments or settings
  3  no device, and --require-virtio was given

Signals:
  SIGTERM, SIGINT  end in order: commands in flight are answered first
  SIGHUP           read the settings again";
