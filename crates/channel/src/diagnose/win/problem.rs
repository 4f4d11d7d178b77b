//! Problem codes of the device manager (`CM_PROB_…` in `cfg.h`; Microsoft's "Error codes in Device Manager").

/// What a code means, in a sentence.
pub fn meaning(code: u32) -> &'static str {
    match code {
        1 => "It is not configured: no driver has been chosen for it.",
        3 => "Its driver may be damaged, or memory is short.",
        10 => "It cannot start.",
        12 => "It finds no free resources.",
        14 => "It works only after a restart of the machine.",
        18 => "Its driver has to be installed again.",
        19 => "Its registry entries are damaged.",
        21 => "Windows is removing it.",
        22 => "It is disabled.",
        24 => "It is not present, or works wrongly.",
        28 => "No driver is installed for it.",
        29 => "Its firmware keeps resources from it.",
        31 => "Windows cannot load its driver.",
        32 => "Its driver's service is disabled.",
        37 => "Its driver fails at its start.",
        38 => "An older instance of its driver is still loaded.",
        39 => "Its driver is damaged or missing.",
        43 => "It was stopped, as it reported problems.",
        45 => "It is not connected.",
        48 => "Its driver was blocked, as it is known to cause problems.",
        52 => "Its driver's signature cannot be verified.",
        _ => "It does not work; the device manager tells more.",
    }
}

/// What to do about it.
pub fn fix(code: u32) -> &'static str {
    match code {
        14 | 21 | 38 => "restart the machine",
        22 | 32 => "enable it in the device manager",
        _ => "install the virtio-win guest tools (their driver is vioserial), then look again",
    }
}
