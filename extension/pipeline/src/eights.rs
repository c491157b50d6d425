//! A text's bytes looked at eight at a time, as one number: where hardly a byte is what is sought, to tell that none of eight is
//! costs no more than to tell it of one.
//!
//! Compilers make such code of plain loops, but only where a program is linked for speed, and ours is linked to be small (the
//! release profile in Cargo.toml says why).

/// A one in each of eight bytes.
const EACH: u64 = u64::MAX / 0xff;
/// The highest bit of each.
const HIGH: u64 = EACH * 0x80;

/// Whether there is a control character: a byte below a space.
pub(crate) fn has_control(text: &[u8]) -> bool {
    let (eights, rest) = text.as_chunks();
    eights.iter().any(|eight| is_control_in(u64::from_ne_bytes(*eight))) || rest.iter().any(|c| *c < b' ')
}

/// Of a byte that is smaller the subtraction takes the highest bit, which it did not have before.
const fn is_control_in(eight: u64) -> bool {
    eight.wrapping_sub(EACH * b' ' as u64) & !eight & HIGH != 0
}

/// Where the first of ASCII's capital letters stands.
pub(crate) fn first_capital(text: &[u8]) -> Option<usize> {
    let (eights, _) = text.as_chunks();
    let without = eights.iter().take_while(|eight| !is_capital_in(u64::from_ne_bytes(**eight))).count() * 8;
    text[without..].iter().position(u8::is_ascii_uppercase).map(|at| without + at)
}

/// Of the lower seven bits of each byte the sums tell in the highest bit what is at least `A`, and what is beyond `Z`.
const fn is_capital_in(eight: u64) -> bool {
    let lower = eight & !HIGH;
    let from_a = lower + EACH * (0x80 - b'A' as u64);
    let beyond_z = lower + EACH * (0x7f - b'Z' as u64);
    from_a & !beyond_z & !eight & HIGH != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_told_wherever_it_stands_among_others() {
        for byte in 0..=u8::MAX {
            for (at, other) in (0..19).flat_map(|at| [(at, b'a'), (at, 0xff), (at, b' '), (at, 0x80), (at, b'[')]) {
                let mut text = [other; 19];
                text[at] = byte;
                assert_eq!(has_control(&text), byte < b' ', "{byte} at {at} among {other}");
                assert_eq!(
                    first_capital(&text),
                    byte.is_ascii_uppercase().then_some(at),
                    "{byte} at {at} among {other}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_told_of_eight_is_told_of_each(text in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(has_control(&text), text.iter().any(|c| *c < b' '));
            prop_assert_eq!(first_capital(&text), text.iter().position(u8::is_ascii_uppercase));
        }
    }
}
