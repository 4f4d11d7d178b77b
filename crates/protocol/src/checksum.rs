//! CRC-32 of ISO 3309, as gzip has it: of compressed lines, and of a hub's ledger.

/// Remainders of each byte.
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// The checksum of `data`.
pub fn crc32(data: &[u8]) -> u32 {
    let remainder = |byte: u32| TABLE.get((byte & 0xff) as usize).copied().unwrap_or_default();
    !data.iter().fold(!0, |crc: u32, byte| (crc >> 8) ^ remainder(crc ^ u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
