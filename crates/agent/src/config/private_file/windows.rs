//! By an access list of its own: what its directory would have it inherit could let others read it.

use infiniservice_platform::win32::access_unsafe;
use infiniservice_platform::win32::security_unsafe::own_account;
use std::fs::File;
use std::io;
use std::path::Path;

/// Creates it; there must be none of this name. SYSTEM, Administrators and the account that runs this may open it.
pub fn create(path: &Path) -> io::Result<File> {
    let own = own_account()?.sid;
    access_unsafe::create_file(path, &format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{own})"))
}
