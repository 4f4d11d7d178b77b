//! Prints the report of `infiniservice --diagnose`; an argument is the configured device.

use infiniservice::communication::diagnose::{DiagnoseOptions, run};

fn main() {
    let report = run(&DiagnoseOptions::new(std::env::args_os().nth(1).map(Into::into)));
    print!("{}", report.to_text());
    std::process::exit(i32::from(!report.usable()));
}
