//! Statements that were made before. Of equal plans, in the same dialect with the same options, a statement is the same: it
//! need not be lowered, printed and read back again.
//!
//! A memo outlives the process as bytes, which only the same build of the compiler may read.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// All that a statement is made from, as a hash that has no collisions in practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of what `feed` feeds. Every input of the statement must be fed.
    pub fn new(feed: impl FnOnce(&mut KeyHasher)) -> Key {
        let mut hasher = KeyHasher(Vec::with_capacity(1024));
        feed(&mut hasher);
        hasher.key()
    }
}

/// Takes the inputs of a statement.
pub struct KeyHasher(Vec<u8>);

impl KeyHasher {
    fn key(&self) -> Key {
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(&self.0)[..16]);
        Key(key)
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        let Key([a, b, c, d, e, f, g, h, ..]) = self.key();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Statements by what they are made from.
#[derive(Debug, Default)]
pub struct Memo {
    known: FxHashMap<Key, Arc<str>>,
    /// Those of this process: taken from `known` or made.
    used: Mutex<Vec<(Key, Arc<str>)>>,
}

impl Memo {
    /// The statement of a key: a known one, or what `make` makes. Failures are not kept.
    pub fn statement<E>(&self, key: Key, make: impl FnOnce() -> Result<String, E>) -> Result<Arc<str>, E> {
        let text = match self.known.get(&key) {
            Some(text) => Arc::clone(text),
            None => make()?.into(),
        };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.push((key, Arc::clone(&text)));
        Ok(text)
    }

    /// What was used, for a process to come: the same bytes whatever the order of use.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.sort_unstable();
        used.dedup();
        let size = used.iter().map(|(_, text)| text.len() + 20).sum();
        let mut bytes = Vec::with_capacity(size);
        for (Key(key), text) in used.iter() {
            // A statement of 4 GiB is not kept.
            let Ok(length) = u32::try_from(text.len()) else { continue };
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// Reads what [`Memo::to_bytes`] wrote; none if it was not.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Memo> {
        let mut known = FxHashMap::default();
        while !bytes.is_empty() {
            let (key, rest) = bytes.split_first_chunk::<16>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            known.insert(Key(*key), std::str::from_utf8(text).ok()?.into());
            bytes = rest;
        }
        Some(Memo { known, used: Mutex::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(of: impl Hash) -> Key {
        Key::new(|hasher| of.hash(hasher))
    }

    #[test]
    fn what_differs_has_another_key() {
        assert_eq!(key(("a", 1)), key(("a", 1)));
        let different = [key(("a", 1)), key(("a", 2)), key(("b", 1)), key(("ab", "c")), key(("a", "bc"))];
        let unique: std::collections::BTreeSet<Key> = different.into_iter().collect();
        assert_eq!(unique.len(), different.len());
    }

    #[test]
    fn a_memo_outlives_its_process() {
        let first = Memo::default();
        let made = |memo: &Memo, of: &str, text: &str| memo.statement(key(of), || Ok::<_, ()>(text.to_owned()));
        assert_eq!(made(&first, "b", "SELECT 2"), Ok("SELECT 2".into()));
        assert_eq!(made(&first, "a", "SELECT 1"), Ok("SELECT 1".into()));
        assert_eq!(first.statement(key("c"), || Err(3)), Err(3));

        let second = Memo::from_bytes(&first.to_bytes()).expect("readable");
        assert_eq!(second.statement(key("a"), || Err(())), Ok("SELECT 1".into()));
        assert_eq!(second.statement(key("c"), || Err(3)), Err(3));
        // What was not asked for is forgotten.
        let third = Memo::from_bytes(&second.to_bytes()).expect("readable");
        assert_eq!(third.statement(key("b"), || Err(3)), Err(3));
        assert_eq!(third.statement(key("a"), || Err(())), Ok("SELECT 1".into()));
    }

    #[test]
    fn damaged_bytes_are_no_memo() {
        let memo = Memo::default();
        memo.statement(key("a"), || Ok::<_, ()>("活".to_owned())).expect("made");
        let bytes = memo.to_bytes();
        for end in 1..bytes.len() {
            assert!(Memo::from_bytes(&bytes[..end]).is_none());
        }
    }
}
