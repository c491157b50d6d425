//! The ids of traces and spans, and the two headers in which they travel.

use std::fmt;

/// W3C's trace id: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// W3C's span id: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// Of raw bytes; `None` unless they are 16 and not all zero.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; 16]>::try_from(bytes).ok().filter(|id| *id != [0; 16]).map(Self)
    }

    /// Of 32 hexadecimal digits; dashes (a UUID's, or X-Ray's without its `1-`) are passed over.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::<16>(text).map(Self)
    }

    /// Of X-Ray's `1-5bef4de7-ad49b0e87f6ef6c87fc2e700`.
    #[must_use]
    pub fn from_xray(root: &str) -> Option<Self> {
        Self::from_hex(root.strip_prefix("1-")?)
    }

    /// The bytes, as OTLP carries them.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl SpanId {
    /// Of raw bytes; `None` unless they are 8 and not all zero.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; 8]>::try_from(bytes).ok().filter(|id| *id != [0; 8]).map(Self)
    }

    /// Of 16 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::<8>(text).map(Self)
    }

    /// The bytes, as OTLP carries them.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut digits = 0;
    for c in text.bytes().filter(|c| *c != b'-') {
        let digit = u8::try_from(char::from(c).to_digit(16)?).expect("a hexadecimal digit is below 16");
        *bytes.get_mut(digits / 2)? |= if digits % 2 == 0 { digit << 4 } else { digit };
        digits += 1;
    }
    (digits == 2 * N && bytes != [0; N]).then_some(bytes)
}

/// What an invocation was called with: the trace it belongs to, and the span that called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The caller's span, when the header names one.
    pub parent: Option<SpanId>,
    /// Whether the caller records this trace.
    pub sampled: bool,
}

impl TraceContext {
    /// Of X-Ray's header: `Root=1-..;Parent=..;Sampled=1`, keys in any order, only `Root` required.
    #[must_use]
    pub fn from_xray(header: &str) -> Option<Self> {
        let field = |name: &str| {
            let fields = header.split(';').filter_map(|field| field.trim().split_once('='));
            fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
        };
        Some(Self {
            trace_id: TraceId::from_xray(field("Root")?)?,
            parent: field("Parent").and_then(SpanId::from_hex),
            sampled: field("Sampled") == Some("1"),
        })
    }

    /// Of W3C's header: `00-<trace>-<span>-<flags>`.
    #[must_use]
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (_version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            trace_id: TraceId::from_hex(trace)?,
            parent: Some(SpanId::from_hex(span)?),
            sampled: u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1),
        })
    }

    /// W3C's trace flags.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        self.sampled as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "5bef4de7ad49b0e87f6ef6c87fc2e700";

    #[test]
    fn an_xray_header_is_read_in_any_order_and_without_its_optional_keys() {
        let whole =
            TraceContext::from_xray("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1");
        assert_eq!(
            whole,
            Some(TraceContext {
                trace_id: TraceId::from_hex(TRACE).unwrap(),
                parent: SpanId::from_hex("9a9197af755a6419"),
                sampled: true
            })
        );
        let turned = "Lineage=1:a:0;Sampled=0;Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700";
        let turned = TraceContext::from_xray(turned).unwrap();
        assert_eq!((format!("{:?}", turned.trace_id).as_str(), turned.parent, turned.sampled), (TRACE, None, false));
    }

    #[test]
    fn a_traceparent_is_read() {
        let context = TraceContext::from_traceparent(&format!("00-{TRACE}-9a9197af755a6419-01")).unwrap();
        assert_eq!((context.parent, context.flags()), (SpanId::from_hex("9a9197af755a6419"), 1));
    }

    #[test]
    fn ids_that_are_zero_short_or_not_hexadecimal_are_none() {
        for bad in ["", "5bef", &"0".repeat(32), &"g".repeat(32), &"a".repeat(33), "é"] {
            assert_eq!(TraceId::from_hex(bad), None, "{bad}");
        }
        assert_eq!(SpanId::from_bytes(&[0; 8]), None);
        assert_eq!(TraceContext::from_xray("Parent=9a9197af755a6419"), None);
        assert_eq!(TraceContext::from_traceparent("00-xyz"), None);
    }
}
