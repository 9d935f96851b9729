//! Undoes the compression of what exporters send, within bounds: a few bytes can be made to unpack to gigabytes.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

/// The most that a request may unpack to.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// Why a body cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Compressed in a way that is not known.
    Encoding,
    /// Not what it says it is.
    Broken,
    /// Larger than anybody sends.
    TooLarge,
}

/// The body as it was before it was compressed.
pub fn unpacked<'b>(encoding: Option<&str>, body: &'b [u8]) -> Result<Cow<'b, [u8]>, Unusable> {
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(Cow::Borrowed(body)),
        Some("gzip") => {
            let mut plain = Vec::new();
            let read = MultiGzDecoder::new(body).take(LARGEST + 1).read_to_end(&mut plain).map_err(|_| Unusable::Broken)?;
            if read as u64 > LARGEST { Err(Unusable::TooLarge) } else { Ok(Cow::Owned(plain)) }
        }
        Some(_) => Err(Unusable::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    #[test]
    fn what_was_compressed_is_read_and_a_bomb_is_not() {
        assert_eq!(unpacked(None, b"plain").as_deref(), Ok(b"plain".as_slice()));
        assert_eq!(unpacked(Some("gzip"), &gzip(b"packed")).as_deref(), Ok(b"packed".as_slice()));
        assert_eq!(unpacked(Some("gzip"), b"not gzip"), Err(Unusable::Broken));
        assert_eq!(unpacked(Some("zstd"), b""), Err(Unusable::Encoding));
        let bomb = gzip(&vec![0; LARGEST as usize + 1]);
        assert!(bomb.len() < 1_000_000);
        assert_eq!(unpacked(Some("gzip"), &bomb), Err(Unusable::TooLarge));
    }
}
