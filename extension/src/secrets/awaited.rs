//! The secrets that the configuration waits for: which are known, which are being asked for, when to ask again.
//!
//! Pure: the time is an argument, and the asking is the driver's. What is known is kept only until everything is: by then it
//! has gone to where it is needed.

use super::{Reference, Resolution, Secret};
use crate::flow::UnixNanos;
use std::{collections::HashMap, time::Duration};

/// The secrets that the configuration waits for.
#[derive(Debug, Default)]
pub struct Awaited {
    references: Vec<Reference>,
    known: HashMap<Reference, Secret>,
    phase: Phase,
    /// Attempts in a row that did not bring everything.
    failures: u32,
    /// What was said last about those that are missing.
    told: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Everything is known, and has been handed over.
    #[default]
    Settled,
    /// Asked, and not answered yet.
    Asking,
    /// To be asked for, at this time.
    Due(UnixNanos),
}

impl Awaited {
    /// All of `references`, due at once.
    #[must_use]
    pub fn new(references: Vec<Reference>) -> Self {
        let phase = if references.is_empty() { Phase::Settled } else { Phase::Due(0) };
        Self { references, phase, ..Self::default() }
    }

    /// What to ask for now, once; nothing while an attempt is on its way or a backoff runs.
    pub fn ask(&mut self, now: UnixNanos) -> Option<Vec<Reference>> {
        match self.phase {
            Phase::Due(at) if at <= now => {
                self.phase = Phase::Asking;
                Some(self.missing())
            }
            _ => None,
        }
    }

    fn missing(&self) -> Vec<Reference> {
        self.references.iter().filter(|reference| !self.known.contains_key(reference)).cloned().collect()
    }

    /// When the next attempt is due.
    #[must_use]
    pub fn wake_at(&self) -> Option<UnixNanos> {
        match self.phase {
            Phase::Due(at) => Some(at),
            Phase::Settled | Phase::Asking => None,
        }
    }

    /// There will be no later: whatever the backoff was, what is missing is due now.
    pub fn hurry(&mut self) {
        if let Phase::Due(at) = &mut self.phase {
            *at = 0;
        }
    }

    /// What was known may be old: everything is asked for again, as after the restore of a snapshot.
    ///
    /// An attempt that is on its way began before the restore; what it brings is not believed.
    pub fn renew(&mut self) {
        *self = Self::new(std::mem::take(&mut self.references));
    }

    /// What an attempt brought; `backoff` tells how long to wait after so many failures. Gives what to say about it, unless
    /// it was said before.
    pub fn answered(
        &mut self,
        resolution: Resolution,
        now: UnixNanos,
        backoff: impl FnOnce(u32) -> Duration,
    ) -> Option<String> {
        if !self.is_asking() {
            return None;
        }
        self.known.extend(resolution.known);
        if self.missing().is_empty() {
            self.phase = Phase::Settled;
            self.failures = 0;
            return (!std::mem::take(&mut self.told).is_empty()).then(|| "every secret is known now".to_owned());
        }
        self.failures = self.failures.saturating_add(1);
        let wait = u64::try_from(backoff(self.failures).as_nanos()).unwrap_or(u64::MAX);
        self.phase = Phase::Due(now.saturating_add(wait));
        let missing: Vec<String> =
            resolution.missing.iter().map(|(reference, problem)| format!("{reference}: {problem}")).collect();
        let told = format!("export waits for secrets, asked for again and again: {}", missing.join("; "));
        (self.told != told).then(|| {
            self.told.clone_from(&told);
            told
        })
    }

    /// Whether an attempt is on its way whose outcome counts.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.phase == Phase::Asking
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.phase == Phase::Settled
    }

    /// One secret, while it is kept.
    #[must_use]
    pub fn secret(&self, reference: &Reference) -> Option<Secret> {
        self.known.get(reference).cloned()
    }

    /// Forgets what is known, now that it has gone to where it is needed; what is needed stays noted.
    pub fn forget(&mut self) {
        if self.is_settled() {
            self.known = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Problem, *};

    const SECOND: UnixNanos = 1_000_000_000;

    fn reference(name: &str) -> Reference {
        Reference::parse(&format!("arn:aws:ssm:r:1:parameter/{name}")).unwrap()
    }

    fn brought(names: &[&str], missing: &[&str]) -> Resolution {
        Resolution {
            known: names.iter().map(|name| (reference(name), Secret::new(format!("value of {name}")))).collect(),
            missing: missing.iter().map(|name| (reference(name), Problem::NotFound)).collect(),
        }
    }

    fn backoff(failures: u32) -> Duration {
        Duration::from_secs(failures.into())
    }

    #[test]
    fn nothing_is_asked_for_twice_at_a_time_and_nothing_that_is_known() {
        let mut awaited = Awaited::new(vec![reference("a"), reference("b")]);
        assert_eq!(awaited.ask(7).unwrap().len(), 2);
        assert_eq!((awaited.ask(8), awaited.wake_at()), (None, None));
        assert!(awaited.answered(brought(&["a"], &["b"]), 8, backoff).unwrap().contains("parameter/b: not found"));
        assert_eq!((awaited.wake_at(), awaited.ask(9)), (Some(8 + SECOND), None));
        assert_eq!(awaited.ask(8 + SECOND), Some(vec![reference("b")]));
    }

    #[test]
    fn what_is_missing_is_said_once_and_again_when_it_changes() {
        let mut awaited = Awaited::new(vec![reference("a"), reference("b")]);
        let mut attempt = |names: &[&str], missing: &[&str]| {
            awaited.hurry();
            awaited.ask(1).unwrap();
            awaited.answered(brought(names, missing), 1, backoff)
        };
        assert!(attempt(&[], &["a", "b"]).is_some());
        assert_eq!(attempt(&[], &["a", "b"]), None);
        assert!(attempt(&["a"], &["b"]).is_some());
        assert_eq!(attempt(&["b"], &[]).as_deref(), Some("every secret is known now"));
    }

    #[test]
    fn secrets_are_kept_until_all_are_known_and_then_forgotten() {
        let mut awaited = Awaited::new(vec![reference("a"), reference("b")]);
        awaited.ask(0).unwrap();
        awaited.answered(brought(&["a"], &["b"]), 0, backoff);
        awaited.forget();
        assert!(awaited.secret(&reference("a")).is_some() && !awaited.is_settled());
        awaited.ask(SECOND).unwrap();
        assert_eq!(
            awaited.answered(brought(&["b"], &[]), SECOND, backoff).as_deref(),
            Some("every secret is known now")
        );
        assert_eq!(awaited.secret(&reference("b")).unwrap().reveal(), "value of b");
        awaited.forget();
        assert!(awaited.secret(&reference("a")).is_none() && awaited.is_settled() && awaited.wake_at().is_none());
    }

    #[test]
    fn after_a_restore_everything_is_asked_for_again_and_an_older_answer_is_not_believed() {
        let mut awaited = Awaited::new(vec![reference("a")]);
        awaited.ask(0).unwrap();
        awaited.renew();
        assert_eq!(awaited.answered(brought(&["a"], &[]), 1, backoff), None);
        assert!(!awaited.is_settled() && awaited.secret(&reference("a")).is_none());
        assert_eq!(awaited.ask(1), Some(vec![reference("a")]));
        awaited.answered(brought(&["a"], &[]), 1, backoff);
        awaited.forget();
        awaited.renew();
        assert_eq!(awaited.ask(2), Some(vec![reference("a")]));
    }

    #[test]
    fn without_references_there_is_nothing_to_wait_for() {
        let mut awaited = Awaited::new(Vec::new());
        assert!(awaited.is_settled() && awaited.ask(1).is_none());
    }

    #[test]
    fn no_secret_is_printed_by_debug() {
        let mut awaited = Awaited::new(vec![reference("a")]);
        awaited.ask(0).unwrap();
        awaited.answered(brought(&["a"], &[]), 0, backoff);
        assert!(!format!("{awaited:?}").contains("value of"));
    }
}
