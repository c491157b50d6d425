//! The settings that go with every question, as far as the user may send them.

use clickhouse::query::Query;

use super::{Fault, FaultKind, session::Tag};

/// What is sent with every question.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    sent: Vec<(&'static str, String)>,
    dropped: Vec<&'static str>,
}

impl Settings {
    /// What would best be sent.
    pub(super) fn best(tag: &Tag) -> Self {
        let sent = vec![
            // A question stops with its connection only when it is read-only.
            ("readonly", "2".to_owned()),
            ("cancel_http_readonly_queries_on_client_close", "1".to_owned()),
            ("max_execution_time", tag.limit.as_secs().to_string()),
            ("max_result_rows", MOST_ROWS.to_string()),
            ("max_threads", "4".to_owned()),
            ("log_comment", tag.comment.clone()),
        ];
        Self { sent, dropped: Vec::new() }
    }

    /// The query with them.
    pub(super) fn send_with(&self, query: Query) -> Query {
        self.sent.iter().fold(query, |query, (name, value)| query.with_setting(*name, value))
    }

    /// The query with all of them but the one whose value for this user is asked for.
    pub(super) fn try_with(&self, query: Query) -> Query {
        let tried = self.sent.iter().filter(|(name, _)| *name != "readonly");
        tried.fold(query, |query, (name, value)| query.with_setting(*name, value))
    }

    /// Leaves out what the server refuses; says whether that is a reason to ask again.
    pub(super) fn leave_out(&mut self, fault: &Fault) -> bool {
        if fault.kind != FaultKind::ReadOnly {
            return false;
        }
        let words: Vec<&str> = fault.message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
        // A user of `readonly = 1` may change none; a limit on a setting is about that one.
        let all = fault.message.contains("readonly mode") || !self.sent.iter().any(|(name, _)| words.contains(name));
        let (dropped, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sent).into_iter().partition(|(name, _)| all || words.contains(name));
        self.dropped.extend(dropped.iter().map(|(name, _)| *name));
        self.sent = kept;
        !dropped.is_empty()
    }

    pub(super) fn dropped(&self) -> &[&'static str] {
        &self.dropped
    }
}

/// An answer of more rows than these is a mistake, and breaks off with a fault. No screen and no pipe is asked to take it.
const MOST_ROWS: u64 = 50_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn best() -> Settings {
        Settings::best(&Tag { comment: "c".to_owned(), query_id: "q".to_owned(), limit: Duration::from_secs(30) })
    }

    fn refused(message: &str) -> Fault {
        Fault::new(FaultKind::ReadOnly, message)
    }

    #[test]
    fn a_user_who_may_change_nothing_is_sent_no_setting() {
        let mut settings = best();
        assert!(settings.leave_out(&refused("Cannot modify 'readonly' setting in readonly mode. (READONLY)")));
        assert_eq!((settings.sent.len(), settings.dropped().len()), (0, 6));
        assert!(!settings.leave_out(&refused("again")), "there is nothing left to leave out");
    }

    #[test]
    fn a_limit_on_a_setting_costs_that_one() {
        let mut settings = best();
        assert!(settings.leave_out(&refused("Setting max_execution_time shouldn't be greater than 5.")));
        assert_eq!(settings.dropped(), ["max_execution_time"]);
    }

    #[test]
    fn any_other_fault_is_no_reason_to_ask_again() {
        assert!(!best().leave_out(&Fault::new(FaultKind::Denied, "max_threads")));
    }
}
