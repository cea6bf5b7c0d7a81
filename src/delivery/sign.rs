//! The signature that a robot of DingTalk asks for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// HMAC-SHA256 of `<milliseconds>\n<secret>` by the secret, in Base64.
pub fn sign(milliseconds: u64, secret: &Secret) -> String {
    let secret = secret.reveal();
    // A key of HMAC has any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{milliseconds}\n{secret}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are of Python's `hmac` and `base64`.
    #[test]
    fn a_signature_is_that_of_the_protocol() {
        let signed = |at, secret: &str| sign(at, &Secret::new(secret));
        assert_eq!(signed(1_577_262_236_757, "this is secret"), "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=");
        assert_eq!(signed(1_795_000_000_000, "SEC0123456789abcdef"), "onvVWzM466Xbx6acw5BdPtcLGdRcuhcgx2GuLRfT7WU=");
    }
}
