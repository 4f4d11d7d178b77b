//! What `--help` tells of files and signals on Linux.

/// Behind the options in `--help`.
pub(super) const AFTER_HELP: &str = "\
Settings:
  Each setting can come from the configuration file, a variable or a flag. A variable overrides the file,
  and a flag overrides both.
  --print-config shows the effective values and their origins; docs/configuration.md lists all settings.
  At SIGHUP the agent reads its settings again, applies those that can change while it runs, and logs those
  that need a restart. With reload_on_change it does this whenever the file changes.

Environment:
  INFINISERVICE_<SETTING>  a setting, in upper case: INFINISERVICE_MIN_BACKOFF_SECS=10
  INFINISERVICE_CONFIG     the configuration file, like --config
  INFINIBAY_VM_ID          vm_id, if INFINISERVICE_VM_ID is not set
  RUST_LOG                 log directives: a level, or module=level, separated by commas
  JOURNAL_STREAM           set by systemd: log lines then have <N> priorities and no time

Files:
  /etc/infiniservice/config.toml                 settings, in TOML; may be missing
  /etc/infiniservice/config.toml.last-good       the last valid ones, used if the file is invalid at a start
  /dev/virtio-ports/org.infinibay.agent          the channel to the host
  /etc/systemd/system/infiniservice.service      the unit that runs the agent

Exit codes:
  0  stopped as requested; --diagnose: the channel is usable
  1  failed; --diagnose: the channel is not usable
  2  invalid arguments or settings
  3  no device, and --require-virtio was given

Signals:
  SIGTERM, SIGINT  answer the commands in flight, then stop
  SIGHUP           read the settings again";
