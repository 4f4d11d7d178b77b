//! What Windows says of a device; plain, so that what judges it is tested everywhere.

/// One present device, as `SetupAPI` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Device instance id.
    pub instance: String,
    /// `PCI\VEN_1AF4&DEV_1043&…`, most specific first.
    pub hardware_ids: Vec<String>,
    /// Friendly name, else description.
    pub name: String,
    /// The driver's service; empty where no driver is bound.
    pub service: String,
    /// The driver's version.
    pub driver_version: Option<String>,
    /// When that was made, in steps of 100 ns since 1601.
    pub driver_date: Option<u64>,
    /// Problem code of the device manager (`CM_PROB_…`); `None`: it works.
    pub problem: Option<u32>,
}
