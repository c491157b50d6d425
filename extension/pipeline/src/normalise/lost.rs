//! What was in a delivery that could not be taken in, for the ledger.

use super::own;
use crate::{flow::arrival::Event, records};

/// How many log records would have been made of it. Our own lines would have been none.
#[must_use]
pub fn count_log_records(body: &[u8]) -> u64 {
    let mut records = 0;
    records::read(body, |telemetry| {
        records += u64::from(match &telemetry.event {
            Event::Extension(line) => !own::is_ours(line),
            event => matches!(event, Event::Function(_) | Event::Fault(_) | Event::Unknown(_)),
        });
    });
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_deliveries_are_counted_by_their_log_records() {
        let body = br#"[{"type":"function","record":"a"},{"type":"platform.end","record":{}},{"type":"extension","record":"b"},{"type":"x"}]"#;
        assert_eq!(count_log_records(body), 3);
    }

    #[test]
    fn a_line_of_our_own_that_comes_back_too_late_is_no_loss() {
        let body = br#"[{"type":"extension","record":"lambdaview metrics export: the backend answers again\n"}]"#;
        assert_eq!(count_log_records(body), 0);
    }
}
