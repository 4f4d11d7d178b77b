//! Windows' texts: UTF-16 that ends with a zero, as lists of them, and from anybody.

/// With the zero that ends it; a zero inside would end it early, so it is left out.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().filter(|unit| *unit != 0).chain(std::iter::once(0)).collect()
}

/// Up to the first zero, or all.
pub fn narrow(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(units.get(..end).unwrap_or(units))
}

/// A list of texts, each ended by a zero, that an empty one ends (`REG_MULTI_SZ`, dependencies of a service).
pub fn list(units: &[u16]) -> Vec<String> {
    let texts = units.split(|unit| *unit == 0).take_while(|text| !text.is_empty());
    texts.map(String::from_utf16_lossy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_ends_with_an_empty_text() {
        let units: Vec<u16> = "RpcSs\0+Network\0\0junk".encode_utf16().collect();
        assert_eq!(list(&units), ["RpcSs", "+Network"]);
        assert_eq!(list(&[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn a_text_without_zeros_comes_back(text in "[^\0]{0,40}") {
            prop_assert_eq!(narrow(&wide(&text)), text);
        }

        #[test]
        fn any_units_are_read(units: Vec<u16>) {
            let _ = (narrow(&units), list(&units));
        }
    }
}
