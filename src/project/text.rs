//! From bytes to text.

/// Why bytes are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    /// They hold a zero byte at this offset.
    Binary(usize),
    /// They start with the byte order mark of UTF-16.
    Utf16,
    /// They are not UTF-8 from this offset on.
    Utf8(usize),
}

/// The text of a file, without a byte order mark.
pub fn decode(mut bytes: Vec<u8>) -> Result<String, (NotText, Vec<u8>)> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err((NotText::Utf16, bytes));
    }
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        return Err((NotText::Binary(zero), bytes));
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        (NotText::Utf8(at), error.into_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8]) -> NotText {
        decode(bytes.to_vec()).expect_err("not text").0
    }

    #[test]
    fn a_byte_order_mark_is_dropped_and_line_ends_stay() {
        assert_eq!(decode(b"\xef\xbb\xbfa\r\nb".to_vec()), Ok("a\r\nb".to_owned()));
        assert_eq!(decode(Vec::new()), Ok(String::new()));
    }

    #[test]
    fn what_is_not_text_tells_where() {
        assert_eq!(reason(b"ab\0c"), NotText::Binary(2));
        assert_eq!(reason(b"\xff\xfea\0"), NotText::Utf16);
        assert_eq!(reason(b"metric \xff"), NotText::Utf8(7));
    }
}
