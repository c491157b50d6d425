//! What must hold after a run, and what did not. Pure.
//!
//! Bounds in time are such that a slow machine does not break them; the figures are printed for who reads them.

use crate::{
    lane::{Evidence, Health},
    plan::Character,
};
use lambdaview_tests::{
    backend::{Behaviour, Copies, Kind},
    ledger::Account,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Nobody is held longer, whatever the backend does: the extension's own bound is two seconds, the rest is the machine's.
const LONGEST_HOLD: Duration = Duration::from_millis(3_500);
/// What counts as having waited for a dead backend.
const WAITED: Duration = Duration::from_secs(1);
/// Requests of one process that the backend can have kept and that it has no answer to: one of each kind.
const ON_THEIR_WAY: u64 = Kind::ALL.len() as u64;
/// So many invocations of an outage may have waited for it, before nobody does.
const WAITS: usize = 4;

/// Sums over a lane's processes.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) accounts: BTreeMap<&'static str, Account>,
    pub(crate) missing: usize,
    pub(crate) excused: usize,
    pub(crate) copies: u64,
}

/// Everything that does not hold.
pub(crate) fn violations(character: Character, evidence: &Evidence) -> Vec<String> {
    let checks: [fn(Character, &Evidence) -> Vec<String>; 9] =
        [invocations, resets, holds, ledgers, losses, reasons, duplicates, ties, sums_agree];
    checks.into_iter().flat_map(|check| check(character, evidence)).collect()
}

/// No invocation ended otherwise than the plan had it, and no request was unreadable.
fn invocations(_: Character, evidence: &Evidence) -> Vec<String> {
    let odd = evidence.surprises.iter().map(|surprise| format!("an invocation ended unasked: {surprise}"));
    odd.chain(evidence.store.faults().iter().map(|fault| format!("an unreadable request: {fault}"))).collect()
}

/// The environment was reset only by what the plan did to it; else an extension overran a deadline.
fn resets(_: Character, evidence: &Evidence) -> Vec<String> {
    let (planned, seen) = (evidence.falls, evidence.shutdowns.len() as u64 - 1);
    if planned == seen { Vec::new() } else { vec![format!("{seen} resets, of which {planned} were asked for")] }
}

fn holds(character: Character, evidence: &Evidence) -> Vec<String> {
    let background = character.flush.starts_with("background");
    let limit = if background { LONGEST_HOLD / 2 } else { LONGEST_HOLD };
    let mut found: Vec<String> = evidence
        .holds
        .iter()
        .filter(|hold| hold.held > limit)
        .map(|hold| format!("held for {:?} while the backend was {:?}", hold.held, hold.health))
        .collect();
    let waited = evidence.holds.iter().filter(|hold| matches!(hold.health, Health::Dead(_)) && hold.held > WAITED);
    let (waited, allowed) = (waited.count(), WAITS * usize::try_from(evidence.dead_outages).expect("few"));
    if waited > allowed {
        found.push(format!("{waited} invocations waited for a dead backend in {} outages", evidence.dead_outages));
    }
    found
}

/// The invocations that waited for a dead backend: in which of its outage, and for how long.
pub(crate) fn waits(evidence: &Evidence) -> BTreeMap<Behaviour, Vec<String>> {
    let mut waits = BTreeMap::<_, Vec<String>>::new();
    for hold in evidence.holds.iter().filter(|hold| hold.held > WAITED) {
        if let Health::Dead(nth) = hold.health {
            waits.entry(hold.behaviour).or_default().push(format!("#{nth} {:.1} s", hold.held.as_secs_f64()));
        }
    }
    waits
}

/// Processes that the platform had to kill at the end of their two seconds.
fn outlived(evidence: &Evidence) -> u64 {
    evidence.shutdowns.iter().filter(|shutdown| !shutdown.killed.is_empty()).count() as u64
}

fn ledgers(_: Character, evidence: &Evidence) -> Vec<String> {
    let unbalanced = evidence.ledgers.iter().filter(|ledger| !ledger.balanced());
    let mut found: Vec<String> = unbalanced.map(|ledger| format!("an unbalanced ledger: {ledger:?}")).collect();
    let (processes, told) = (evidence.shutdowns.len() as u64, evidence.ledgers.len() as u64);
    let (killed, outlived) = (evidence.kills, outlived(evidence));
    if told + killed + outlived < processes {
        found.push(format!("{told} ledgers of {processes} processes, {killed} of which were killed by us"));
    }
    if outlived > processes / 10 {
        found.push(format!("{outlived} of {processes} processes outlived their two seconds"));
    }
    found
}

/// Every line and span is there, was counted as dropped, or was in a process that was killed.
fn losses(_: Character, evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let lost_lines: Vec<&str> = missing(evidence).filter(|(_, excused)| !excused).map(|(body, _)| body).collect();
    let counted = account(evidence, Kind::Logs).dropped;
    if lost_lines.len() as u64 > counted {
        let some = &lost_lines[..lost_lines.len().min(5)];
        found.push(format!("{} lines are lost and {counted} counted, among them {some:?}", lost_lines.len()));
    }
    let there = |span: &str| evidence.store.spans().contains_key(span);
    let lost_spans = evidence.spans.iter().filter(|(span, excused)| !**excused && !there(span)).count() as u64;
    let counted = account(evidence, Kind::Traces).dropped;
    if lost_spans > counted {
        found.push(format!("{lost_spans} spans are lost and {counted} counted"));
    }
    found
}

/// Lines that the backend neither has nor has rejected, and whether a killed process may have had them.
fn missing(evidence: &Evidence) -> impl Iterator<Item = (&str, bool)> {
    let there = |body: &str| {
        evidence.store.lines().get(body).is_some_and(|line| line.copies.kept > 0 || line.copies.rejected > 0)
    };
    let lines = evidence.lines.iter().filter(move |(body, _)| !there(body));
    lines.map(|(body, line)| (body.as_str(), line.excused))
}

/// What was dropped had a reason that this lane can give: with room in the buffer nothing is lost.
fn reasons(character: Character, evidence: &Evidence) -> Vec<String> {
    let mut allowed = BTreeSet::from(["rejected", "empty"]);
    if character.falls || character.kills {
        allowed.insert("shutdown");
    }
    if character.memory_limit.is_some() {
        allowed.insert("buffer_full");
    }
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let reasons = account(evidence, kind).reasons;
        let odd = reasons.iter().filter(|(reason, _)| !allowed.contains(reason.as_str()));
        found.extend(odd.map(|(reason, count)| format!("{count} {} dropped for {reason}", kind.as_str())));
    }
    found
}

/// Copies that neither a lost answer nor the end of a process explains.
///
/// A process may end before it has the answer to a request: it has one of each kind on its way, to each of which the answer may
/// be on its own. The next process has to send those again.
fn unexplained(evidence: &Evidence, copies: Copies) -> u32 {
    let last = |end: u64| end.saturating_sub(ON_THEIR_WAY) + 1..=end;
    let was_on_its_way = |request: &&u64| evidence.ends.iter().any(|end| last(*end).contains(*request));
    let ended = copies.requests.iter().filter(was_on_its_way).count();
    copies.unexplained().saturating_sub(u32::try_from(ended).expect("there are eight"))
}

/// Nothing is there twice but for a lost answer of the backend's, a repetition of the platform's, or a process that ended.
fn duplicates(character: Character, evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let repeated = |body: &str| evidence.repeated.get(body).copied().unwrap_or(0);
    let lines = evidence.store.lines().iter();
    let twice: Vec<_> = lines
        .filter(|(body, line)| {
            evidence.lines.contains_key(*body) && unexplained(evidence, line.copies) > repeated(body)
        })
        .collect();
    if let Some((body, line)) = twice.first() {
        found.push(format!("{} lines are there too often, among them {body:?}: {:?}", twice.len(), line.copies));
    }
    // A process that is killed after it sent a span cannot keep the next from sending it again when the platform repeats.
    let again = |span: &str| character.kills && evidence.ended_twice.contains(&span[..span.find(':').unwrap_or(0)]);
    let spans =
        evidence.store.spans().iter().filter(|(span, copies)| unexplained(evidence, **copies) > 0 && !again(span));
    let twice: Vec<_> = spans.collect();
    if let Some((span, copies)) = twice.first() {
        found.push(format!("{} spans are there too often, among them {span}: {copies:?}", twice.len()));
    }
    found
}

/// Lines are tied to their own invocation and its trace, if to any; to none only where a process came in between.
fn ties(character: Character, evidence: &Evidence) -> Vec<String> {
    let (mut wrong, mut none) = (Vec::new(), Vec::new());
    for (body, line) in evidence.store.lines() {
        let Some(expected) = evidence.lines.get(body) else { continue };
        let Some(request_id) = &expected.request_id else { continue };
        let wrong_trace = !line.trace_id.is_empty() && line.trace_id != expected.trace_id;
        match &line.invocation {
            Some(id) if id == request_id && !wrong_trace => {}
            None if !wrong_trace => none.push(body),
            _ => wrong.push((body, line)),
        }
    }
    let mut found = Vec::new();
    if let Some((body, line)) = wrong.first() {
        found.push(format!("{} lines are tied to another invocation, among them {body:?}: {line:?}", wrong.len()));
    }
    if !none.is_empty() && !character.kills && !character.falls {
        found.push(format!("{} lines are tied to no invocation, among them {:?}", none.len(), none[0]));
    }
    found
}

/// Where every process told its ledger, they and the backend agree.
fn sums_agree(character: Character, evidence: &Evidence) -> Vec<String> {
    if character.kills || outlived(evidence) > 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let (ours, theirs) = (account(evidence, kind), evidence.store.sums(kind));
        let fewest = theirs.kept.saturating_sub(theirs.unanswered);
        if ours.delivered < fewest || ours.delivered > theirs.kept {
            let what = kind.as_str();
            found.push(format!("{} {what} delivered, {} to {} were taken", ours.delivered, fewest, theirs.kept));
        }
        let rejected = ours.reasons.get("rejected").copied().unwrap_or(0);
        if rejected != theirs.rejected {
            found.push(format!("{rejected} {} counted as rejected, {} were", kind.as_str(), theirs.rejected));
        }
    }
    found
}

/// One kind's account over every process of the lane that told it.
fn account(evidence: &Evidence, kind: Kind) -> Account {
    let mut sum = Account::default();
    for account in evidence.ledgers.iter().map(|ledger| ledger.of(kind.as_str())) {
        sum.received += account.received;
        sum.delivered += account.delivered;
        sum.pending += account.pending;
        sum.dropped += account.dropped;
        for (reason, count) in account.reasons {
            *sum.reasons.entry(reason).or_default() += count;
        }
    }
    sum
}

/// The sums that are printed.
pub(crate) fn sums(evidence: &Evidence) -> Sums {
    let accounts = Kind::ALL.into_iter().map(|kind| (kind.as_str(), account(evidence, kind))).collect();
    let copies = evidence.store.lines().values().map(|line| u64::from(line.copies.kept.saturating_sub(1))).sum();
    let (excused, missing): (Vec<_>, Vec<_>) = missing(evidence).partition(|(_, excused)| *excused);
    Sums { accounts, missing: missing.len(), excused: excused.len(), copies }
}
