//! The end of `--help` on Windows.

/// Behind the options in `--help`.
pub(super) const AFTER_HELP: &str = "\
Settings:
  Each setting can come from the configuration file, a variable or a flag. A variable overrides the file,
  and a flag overrides both.
  --print-config shows the effective values and their origins; docs/configuration.md lists all settings.
  At `sc control InfiniService paramchange` the agent reads its settings again, applies those that can change
  while it runs, and logs those that need a restart.

Environment:
  INFINISERVICE_<SETTING>  a setting, in upper case: INFINISERVICE_MIN_BACKOFF_SECS=10
  INFINISERVICE_CONFIG     the configuration file, like --config
  INFINIBAY_VM_ID          vm_id, if INFINISERVICE_VM_ID is not set
  RUST_LOG                 log directives: a level, or module=level, separated by commas

Files:
  %ProgramData%\\InfiniService\\config.toml         settings, in TOML; may be missing
  %ProgramData%\\InfiniService\\config.toml.last-good  the last valid ones, used if the file is invalid at a start
  %ProgramData%\\InfiniService\\infiniservice.log   the log of the service
  \\\\.\\Global\\org.infinibay.agent                  the channel to the host

Exit codes:
  0  stopped as requested; --diagnose: the channel is usable
  1  failed; --diagnose: the channel is not usable
  2  invalid arguments or settings
  3  no device, and --require-virtio was given
  1, 2 and 3 are also the exit codes of the service.

Stopping:
  At Ctrl-C, Ctrl-Break, the service manager's Stop and the system's shutdown, the agent answers the
  commands in flight, then stops";
