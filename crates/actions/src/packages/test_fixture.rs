//! Recorded output of real tools, for tests.

use infiniservice_exec::{Captured, Finished, Status};

/// A program that ended with `code` and wrote this.
pub(crate) fn finished(code: i32, stdout: &str, stderr: &str) -> Finished {
    let captured = |text: &str| Captured::from(text.to_owned());
    Finished { status: Status::Exited(code), stdout: captured(stdout), stderr: captured(stderr) }
}

/// The recorded output `fixtures/NAME.VERSION.{stdout,stderr}` of a program that ended with `code`.
macro_rules! recorded {
    ($code:expr, $name:literal) => {
        $crate::packages::test_fixture::finished(
            $code,
            include_str!(concat!("fixtures/", $name, ".stdout")),
            include_str!(concat!("fixtures/", $name, ".stderr")),
        )
    };
}
pub(crate) use recorded;
