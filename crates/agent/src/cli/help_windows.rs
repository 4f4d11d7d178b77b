//! The end of `--help` on Windows.

/// Behind the options in `--help`.
pub(super) const AFTER_HELP: &str = "\
Settings:
  Every setting can come from the configuration file, a variable or a flag; the later one wins.
  --print-config shows what holds and where it came from; docs/configuration.md lists all of them.
  At `sc control InfiniService paramchange` the file is read again: what can change at run time changes, the
  rest is reported.

Environment:
  INFINISERVICE_<SETTING>  a setting, in upper case: INFINISERVICE_MIN_BACKOFF_SECS=10
  INFINISERVICE_CONFIG     the configuration file, like --config
  INFINIBAY_VM_ID          vm_id, where INFINISERVICE_VM_ID is not set
  RUST_LOG                 log directives: a level, or module=level, separated by commas

Files:
  %ProgramData%\\InfiniService\\config.toml         settings, in TOML; may be missing
  %ProgramData%\\InfiniService\\config.toml.last-good  the last valid ones, for a start with a wrong file
  %ProgramData%\\InfiniService\\infiniservice.log   what the service logs
  \\\\.\\Global\\org.infinibay.agent                  the channel to the host

Exit codes:
  0  ended as asked; --diagnose: the channel is usable
  1  failed; --diagnose: the channel is not usable
  2  wrong arguments or settings
  3  no device, and --require-virtio was given
  1, 2 and 3 are the exit codes of the service, too.

Stopping:
  Ctrl-C, Ctrl-Break, the service manager's Stop, the system's shutdown: the agent ends in order, commands in
  flight are answered first";
