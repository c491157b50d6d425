//! Identifiers that the platform hands out: request ids, X-Ray ids, extension ids.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Sixty-four random bits: the keys that the standard library draws for each of its hash maps.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// `bytes` random bytes as lower-case hexadecimal, at most sixteen of them.
pub(super) fn hex(bytes: usize) -> String {
    let digits = format!("{:016x}{:016x}", random(), random());
    digits[..bytes * 2].to_owned()
}

/// A version 4 UUID.
pub(super) fn uuid() -> String {
    let digits = hex(16);
    let variant = ["8", "9", "a", "b"][usize::try_from(random() % 4).expect("below four")];
    format!("{}-{}-4{}-{variant}{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

/// Whether `text` has a UUID's form.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The `Root` of a new X-Ray trace that began at `epoch` seconds.
pub(super) fn xray_root(epoch: i64) -> String {
    format!("1-{epoch:08x}-{}", hex(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_form_of_version_4_and_is_never_the_same_twice() {
        let (one, other) = (uuid(), uuid());
        assert!(is_uuid(&one), "{one}");
        assert_eq!(&one[14..15], "4");
        assert_ne!(one, other);
    }

    #[test]
    fn what_only_resembles_a_uuid_is_not_one() {
        assert!(!is_uuid("not-a-uuid"));
        assert!(!is_uuid("d885070d-ab6e-4b37-bc12-5f00f0db722z"));
    }

    #[test]
    fn an_xray_root_carries_its_time_in_front() {
        let root = xray_root(0x5bef_4de7);
        assert!(root.starts_with("1-5bef4de7-"), "{root}");
        assert_eq!(root.len(), 35);
    }
}
