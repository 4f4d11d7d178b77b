//! HRESULTs that Windows' own interfaces answer with, by name and in words (`winerror.h`, `wuerror.h`, `wbemcli.h`, and the App
//! Installer's list of return codes).

use super::codes;
use super::known::Known;
use std::io;

/// `FACILITY_WIN32` with the error bit.
const WIN32: u32 = 0x8007_0000;

/// The Win32 code in an HRESULT; one of another facility comes back as it is.
pub fn win32(hresult: i32) -> u32 {
    let number = hresult.cast_unsigned();
    if number & 0xFFFF_0000 == WIN32 { number & 0xFFFF } else { number }
}

/// An error of a call as the standard library's calls tell it, by the Win32 code: only so its kind is known ([`io::ErrorKind`]).
pub fn io(hresult: i32) -> io::Error {
    io::Error::from_raw_os_error(win32(hresult).cast_signed())
}

/// `the namespace does not exist (WBEM_E_INVALID_NAMESPACE, 0x8004100E)`.
pub fn explain(hresult: i32) -> String {
    let number = hresult.cast_unsigned();
    if let Some(known) = find(number) {
        return format!("{} ({}, 0x{number:08X})", known.words, known.name);
    }
    if number & 0xFFFF_0000 == WIN32 {
        return format!("{}, HRESULT 0x{number:08X}", codes::explain(number & 0xFFFF));
    }
    format!("HRESULT 0x{number:08X}")
}

/// By number.
pub fn find(number: u32) -> Option<&'static Known> {
    super::hresult_table::ALL.iter().flat_map(|table| table.iter()).find(|known| known.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hresult_is_told_by_words_name_and_number() {
        let told = explain(0x8004_100E_u32.cast_signed());
        assert!(told.ends_with("(WBEM_E_INVALID_NAMESPACE, 0x8004100E)"), "{told}");
        assert_eq!(explain(0x8765_4321_u32.cast_signed()), "HRESULT 0x87654321");
    }

    #[test]
    fn a_win32_code_inside_one_is_found() {
        assert_eq!(
            (win32(0x8007_0005_u32.cast_signed()), win32(0x8024_0022_u32.cast_signed())),
            (5, 0x8024_0022)
        );
        assert!(explain(0x8007_0005_u32.cast_signed()).contains("access is denied"));
    }

    #[test]
    fn an_error_of_a_call_has_the_code_by_which_its_kind_is_known() {
        assert_eq!(io(0x8007_00B7_u32.cast_signed()).raw_os_error(), Some(183));
        assert_eq!(io(0x8024_0022_u32.cast_signed()).raw_os_error(), Some(0x8024_0022_u32.cast_signed()));
    }

    #[test]
    fn the_update_agents_answers_behind_policies_and_proxies_are_words() {
        for number in [0x8024_0438_u32, 0x8024_500C, 0x8024_402F, 0x8008_0005, 0x8024_500D, 0x8024_4023] {
            assert!(!explain(number.cast_signed()).starts_with("HRESULT"), "{number:X}");
        }
    }

    #[test]
    fn no_number_stands_twice() {
        let mut numbers: Vec<u32> =
            super::super::hresult_table::ALL.iter().flat_map(|t| t.iter()).map(|k| k.number).collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }
}
