//! What Windows' own tool for templates, `sysprep`, is given and leaves: the answer file and the state of the image.

use infiniservice_platform::win32::record::Record;

/// Class and property that tell how often this installation may still be generalized.
pub(crate) const LICENSING: (&str, &[&str]) = ("SoftwareLicensingService", &["RemainingWindowsReArmCount"]);
/// Where Windows Setup notes how far an image is.
pub(crate) const STATE_KEY: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State";
/// The value of that.
pub(crate) const STATE: &str = "ImageState";
/// A copy's first boot asks for an owner, and shows nothing else that nobody sits there to answer.
pub(crate) const ANSWERS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend">
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64"
        publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <OOBE>
        <HideEULAPage>true</HideEULAPage>
        <HideOEMRegistrationScreen>true</HideOEMRegistrationScreen>
        <HideOnlineAccountScreens>true</HideOnlineAccountScreens>
        <HideWirelessSetupInOOBE>true</HideWirelessSetupInOOBE>
        <ProtectYourPC>3</ProtectYourPC>
      </OOBE>
    </component>
  </settings>
</unattend>
"#;

/// Why the licence forbids it; `None` where it does not. What cannot be read forbids nothing: sysprep itself refuses then.
pub(crate) fn refused_by_licence(records: &[Record]) -> Option<String> {
    let left = records.first().and_then(|record| record.number("RemainingWindowsReArmCount"));
    (left == Some(0))
        .then(|| "no rearm is left: this installation of Windows cannot be generalized again".into())
}

/// Whether the image is a template now; else in which state it is.
pub(crate) fn is_generalized(state: Option<&str>) -> Result<(), String> {
    match state {
        Some("IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE") => Ok(()),
        Some(other) => Err(format!("Windows reports the state {other} after sysprep")),
        None => Err("Windows reports no state of the image after sysprep".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::win32::record::Value;

    #[test]
    fn without_a_rearm_it_is_refused_and_what_is_unknown_refuses_nothing() {
        let left =
            |count| vec![Record([("RemainingWindowsReArmCount".to_owned(), Value::Number(count))].into())];
        assert!(refused_by_licence(&left(0)).is_some_and(|why| why.contains("no rearm")));
        assert_eq!((refused_by_licence(&left(3)), refused_by_licence(&[])), (None, None));
    }

    #[test]
    fn only_the_state_of_a_template_counts() {
        assert_eq!(is_generalized(Some("IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE")), Ok(()));
        assert!(is_generalized(Some("IMAGE_STATE_COMPLETE")).is_err_and(|why| why.contains("COMPLETE")));
        assert!(is_generalized(None).is_err());
    }
}
