//! Problem codes of the device manager (`CM_PROB_…` in `cfg.h`; Microsoft's "Error codes in Device Manager").

/// What a code means, in a sentence.
pub fn meaning(code: u32) -> &'static str {
    match code {
        1 => "It is not configured: no driver has been chosen for it.",
        3 => "Its driver may be damaged, or there is not enough memory.",
        10 => "It cannot start.",
        12 => "There are no free resources for it.",
        14 => "It works only after a reboot.",
        18 => "Its driver must be installed again.",
        19 => "Its registry entries are damaged.",
        21 => "Windows is removing it.",
        22 => "It is disabled.",
        24 => "It is not present, or does not work properly.",
        28 => "No driver is installed for it.",
        29 => "Its firmware did not give it the required resources.",
        31 => "Windows cannot load its driver.",
        32 => "Its driver's service is disabled.",
        37 => "Its driver failed to start.",
        38 => "An older instance of its driver is still loaded.",
        39 => "Its driver is damaged or missing.",
        43 => "It was stopped because it reported problems.",
        45 => "It is not connected.",
        48 => "Its driver was blocked because it is known to cause problems.",
        52 => "Its driver's signature cannot be verified.",
        _ => "It does not work; see the device manager.",
    }
}

/// What to do about it.
pub fn fix(code: u32) -> &'static str {
    match code {
        14 | 21 | 38 => "restart the machine",
        22 | 32 => "enable it in the device manager",
        _ => "install the virtio-win guest tools (their driver is vioserial), then run the diagnosis again",
    }
}
