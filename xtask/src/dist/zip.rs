//! A zip archive, which every Windows opens by itself. The files are stored as they are: no library, and the same bytes
//! each time (APPNOTE.TXT of PKWARE, 4.3).

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// 1980-01-01, the first day of the format: no time of this machine is in it.
const DATE: u16 = 0x21;

/// `NAME.zip` in `directory`, with all its other files below `NAME/`.
pub fn of_directory(directory: &Path, name: &str) -> Result<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "zip"));
    let mut names = Vec::new();
    for path in &paths {
        names.push(path.file_name().context("a file has a name")?.to_string_lossy().into_owned());
    }
    names.sort();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    of_files(directory, name, &files)
}

/// `NAME.zip` in `directory`, with these files of it: each by its name, and the path below `NAME/` that it gets.
pub fn of_files(directory: &Path, name: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
    let zip = directory.join(name).with_added_extension_zip();
    let mut contents = Vec::new();
    for (file, inside) in files {
        let path = directory.join(file);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        contents.push((format!("{name}/{inside}"), bytes));
    }
    fs::write(&zip, archive(&contents)?)?;
    Ok(zip)
}

/// A version's points are no extension.
trait Zip {
    fn with_added_extension_zip(self) -> PathBuf;
}

impl Zip for PathBuf {
    fn with_added_extension_zip(self) -> PathBuf {
        let mut name = self.into_os_string();
        name.push(".zip");
        name.into()
    }
}

fn archive(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let (offset, size) = (u32::try_from(out.len())?, u32::try_from(bytes.len())?);
        let common = common(name, crc32(bytes), size)?;
        out.extend(*b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.bytes());
        out.extend(bytes);
        directory.extend(*b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let (count, size, offset) =
        (u16::try_from(files.len())?, u32::try_from(directory.len())?, u32::try_from(out.len())?);
    out.extend(directory);
    out.extend(*b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([size.to_le_bytes(), offset.to_le_bytes()].concat());
    out.extend([0, 0]);
    Ok(out)
}

/// What a file's header and its entry in the directory have in common: version, flags, method, time, date, sizes, name.
fn common(name: &str, crc: u32, size: u32) -> Result<Vec<u8>> {
    ensure!(name.is_ascii(), "{name}: only ASCII names");
    let mut common: Vec<u8> =
        [20_u16, 0, 0, 0, DATE].iter().flat_map(|number| number.to_le_bytes()).collect();
    common.extend([crc, size, size].iter().flat_map(|number| number.to_le_bytes()));
    common.extend(u16::try_from(name.len())?.to_le_bytes());
    common.extend(0_u16.to_le_bytes());
    Ok(common)
}

/// ISO 3309, by a table of 256 remainders.
fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let table: Vec<u32> = (0..256).map(|byte| (0..8).fold(byte, |crc, _| step(crc))).collect();
    !data.iter().fold(!0, |crc, byte| (crc >> 8) ^ table[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_the_same_each_time_and_has_its_parts_where_it_says() {
        let files = [("x-1.0/a.txt".to_owned(), b"123456789".to_vec()), ("x-1.0/b".to_owned(), Vec::new())];
        let bytes = archive(&files).expect("made");
        assert_eq!(bytes, archive(&files).expect("made"));
        assert_eq!(bytes[14..18], 0xcbf4_3926_u32.to_le_bytes());
        let end = bytes.len() - 22;
        assert_eq!(bytes[end..end + 4], *b"PK\x05\x06");
        let offset = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().expect("four")) as usize;
        assert_eq!(bytes[offset..offset + 4], *b"PK\x01\x02");
    }

    #[test]
    fn a_directory_becomes_an_archive_that_python_reads() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("infinictl.exe"), "program").expect("written");
        let zip = of_directory(directory.path(), "x-0.1.0").expect("made");
        assert!(zip.ends_with("x-0.1.0.zip"));
        let Ok(read) =
            std::process::Command::new("/usr/bin/python3").args(["-m", "zipfile", "-t"]).arg(&zip).output()
        else {
            return;
        };
        assert!(read.status.success(), "{read:?}");
    }
}
