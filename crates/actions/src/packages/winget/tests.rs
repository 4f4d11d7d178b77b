//! Tables as winget's documentation and sources lay them out (made up after them, not recorded), and what its exit codes mean.

use super::*;
use infiniservice_exec::Status;
use infiniservice_protocol::ErrorCode;
use proptest::prelude::*;

const ENGLISH: &str = "\r   - \r   \\ \r   | \r\
    Name                     Id                  Version      Available Source\n\
    ---------------------------------------------------------------------------\n\
    7-Zip 24.08 (x64)        7zip.7zip           24.08        24.09     winget\n\
    Microsoft Edge           Microsoft.Edge      131.0.2903.5           winget\n\
    A very long name of an … Some.Very.Long.Id.… 1.0                    winget\n\
    Handmade tool            ARP\\Machine\\X64\\ht  3.1\n\
    2 upgrades available.\n";
const GERMAN: &str = "Name            ID        Version Quelle\n\
    ---------------------------------------\n\
    Übungsprogramm  Übung.Eins 1.2     winget\n";
const JAPANESE: &str = "名前         ID        バージョン ソース\n\
    -----------------------------------\n\
    日本語ソフト Jp.Soft   2.0        winget\n";

fn winget() -> Winget {
    Winget { program: "winget.exe".into() }
}

fn finished(code: u32, stdout: &str) -> Finished {
    let stdout = stdout.to_owned().into();
    Finished { status: Status::Exited(code.cast_signed()), stdout, stderr: String::new().into() }
}

#[test]
fn a_table_is_read_by_its_columns_behind_progress_and_with_names_that_were_cut() {
    let rows = table::read(ENGLISH).rows;
    let told: Vec<_> =
        rows.iter().map(|r| (r.id.as_str(), r.version.as_str(), r.available.as_str())).collect();
    assert_eq!(
        told,
        [
            ("7zip.7zip", "24.08", "24.09"),
            ("Microsoft.Edge", "131.0.2903.5", ""),
            ("Some.Very.Long.Id.…", "1.0", ""),
            ("ARP\\Machine\\X64\\ht", "3.1", ""),
        ]
    );
    assert_eq!(winget().read_pending(ENGLISH, "").unwrap().rows.len(), 1);
    assert_eq!(table::read(ENGLISH).unreadable, 0);
    assert_eq!(winget().read_list(ENGLISH).rows[0].description, "7-Zip 24.08 (x64)");
}

/// Cell by cell it would take hours.
#[test]
fn a_header_of_a_hundred_thousand_words_is_no_table() {
    let rows = format!("{}\n", "x ".repeat(100_000)).repeat(20);
    assert_eq!(table::read(&format!("{}\n----------\n{rows}", "w ".repeat(100_000))).rows, []);
}

#[test]
fn headers_in_other_languages_and_wide_characters_keep_their_columns() {
    let japanese = table::read(JAPANESE).rows;
    assert_eq!(
        (japanese[0].name.as_str(), japanese[0].id.as_str(), japanese[0].version.as_str()),
        ("日本語ソフト", "Jp.Soft", "2.0")
    );
    assert_eq!(table::read(GERMAN).rows.len(), 1);
    assert_eq!(table::read("No installed package found matching input criteria.\n"), Reading::default());
}

#[test]
fn headings_of_several_words_ids_with_blanks_and_a_table_without_sources_are_read() {
    let french = "Nom du paquet   ID du paquet               Version   Version disponible\n\
        -----------------------------------------------------------------------\n\
        Firefox         ARP\\X64\\Mozilla Fox 131     131.0     132.0\n\
        Git             Git.Git                    2.46.0    2.47.1\n\
        Outil à moi     Un.Très.Long.Identif…      1         2\n\
        3 mises à niveau disponibles.\n";
    let read = table::read(french);
    let told: Vec<_> =
        read.rows.iter().map(|r| (r.id.as_str(), r.version.as_str(), r.available.as_str())).collect();
    let want = [
        ("ARP\\X64\\Mozilla Fox 131", "131.0", "132.0"),
        ("Git.Git", "2.46.0", "2.47.1"),
        ("Un.Très.Long.Identif…", "1", "2"),
    ];
    assert_eq!((told, read.unreadable), (want.to_vec(), 0));
    assert_eq!(read.rows[0].name, "Firefox");
}

#[test]
fn a_table_of_which_no_row_can_be_read_is_an_error_and_not_nothing() {
    for body in ["", "something else\n", "wordswithoutanyblankbetweenthem\n"] {
        let text = format!("Name Id Version Available Source\n--------------------------------\n{body}");
        assert!(winget().read_pending(&text, "").is_err(), "{body:?}");
        assert!(winget().read_list(&text).unreadable > 0, "{body:?}");
    }
}

#[test]
fn one_package_is_found_by_its_id_also_where_that_was_cut() {
    let of = |id: &str| winget().read_query(&PackageSpec::named(id), ENGLISH);
    assert_eq!(of("7ZIP.7zip")[0].version, "24.08");
    assert_eq!(of("Some.Very.Long.Id.Of.A.Package")[0].version, "1.0");
    assert!(of("7zip").is_empty());
}

#[test]
fn nothing_that_winget_could_take_for_an_option_or_a_query_passes() {
    let target = winget().target("7zip.7zip@24.09").unwrap();
    assert_eq!((target.name.as_str(), target.version.as_deref()), ("7zip.7zip", Some("24.09")));
    for odd in
        ["", "-h", "--all", "a b", "a;b", "a\\b", "..", "@1", "a@", "a@-1", "a\"b", "ä", "{GUID}", "a/b"]
    {
        assert!(winget().target(odd).is_err(), "{odd}");
    }
    let request = winget().change(Change::Install, &target, false, Duration::ZERO);
    let arguments: Vec<_> = request.arguments.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    assert_eq!(arguments[..6], ["install", "--id", "7zip.7zip", "--exact", "--version", "24.09"]);
    assert!(arguments.iter().any(|a| a == "--disable-interactivity"));
}

#[test]
fn success_without_a_word_is_no_success_and_the_codes_for_nothing_to_do_are_no_failures() {
    let silent = finished(0, " \r\n");
    assert!(!winget().ended_well(&silent));
    let failure = winget().failure(&silent);
    assert_eq!((failure.code(), failure.reason().contains("account")), (ErrorCode::Unsupported, true));
    assert!(winget().ended_well(&finished(0, "Successfully installed\n")));
    assert!(
        winget().ended_well(&finished(0x8A15_002B, "")) && winget().ended_well(&finished(0x8A15_0014, ""))
    );
    let locked = winget().failure(&finished(0x8A15_0102, ""));
    assert_eq!(locked.code(), ErrorCode::Busy);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC*", rows in "[ -~\n…]{0,200}") {
        let _ = (table::read(&text), table::last_words(&text).len());
        let _ = table::read(&format!("Name Id Version Available Source\n----------\n{rows}"));
    }
}
