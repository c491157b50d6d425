//! The frame of an invocation's lines: how it began, and how it ended, in a Lambda developer's words.

use lambdaview_queries::questions::invocations::{Ending, Invocation};

use super::style::Role;
use crate::format::{duration, inert, short_id};

/// The signs of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Before the first line.
    pub head: &'static str,
    /// Where it goes on.
    pub again: &'static str,
    /// Before each line.
    pub side: &'static str,
    /// After the last line.
    pub foot: &'static str,
}

impl Frame {
    /// Of boxes, or of ASCII.
    #[must_use]
    pub const fn new(ascii: bool) -> Self {
        if ascii {
            Self { head: "+ ", again: "+ ", side: "| ", foot: "` " }
        } else {
            Self { head: "┌ ", again: "├ ", side: "│ ", foot: "└ " }
        }
    }
}

/// `7f3a91c2 cold, INIT 412ms · v42`
#[must_use]
pub fn head(request_id: &str, known: Option<&Invocation>) -> String {
    let mut said = inert(&short_id(request_id)).into_owned();
    let Some(known) = known else { return said };
    let init = known.init.map(|init| format!("INIT {}", duration(init)));
    let restore = known.restore.map(|restore| format!("RESTORE {}", duration(restore)));
    let cold = (known.cold == Some(true)).then(|| "cold".to_owned());
    let version = Some(&known.version).filter(|version| !version.is_empty());
    let version = version.map(|version| if version.starts_with('$') { version.clone() } else { format!("v{version}") });
    let parts: Vec<String> = [cold, init, restore, version].into_iter().flatten().collect();
    if !parts.is_empty() {
        said.push_str("  ");
        said.push_str(&inert(&parts.join(" · ")));
    }
    said
}

/// `7f3a91c2 ERROR 501ms  billed 502ms  118/512 MB  trace 5f84c7a1  report pending (billed and memory are filled in)`
#[must_use]
pub fn foot(known: &Invocation, awaits: bool) -> String {
    let mut said = format!("{} {}", short_id(&known.request_id), ending(known));
    said.extend(known.duration.map(|took| format!(" {}", duration(took))));
    if !known.error_type.is_empty() {
        said.push_str(&format!("  {}", inert(&known.error_type)));
    }
    said.push_str(&report(known));
    if !known.trace_id.is_empty() {
        said.push_str(&format!("  trace {}", short_id(&known.trace_id)));
    }
    if awaits {
        said.push_str(PENDING);
    }
    said
}

/// What is said of an invocation whose report is to come yet.
pub const PENDING: &str = "  report pending (billed and memory are filled in)";

/// `7f3a91c2 billed 502ms  118/512 MB`: what was pending.
#[must_use]
pub fn filled(known: &Invocation) -> String {
    format!("{}{}", short_id(&known.request_id), report(known))
}

/// The colour of an invocation's end.
#[must_use]
pub const fn role(known: &Invocation) -> Role {
    match known.ending {
        Ending::Unknown | Ending::Ok => Role::Faint,
        Ending::Failed | Ending::Timeout | Ending::OutOfMemory => Role::Error,
    }
}

const fn ending(known: &Invocation) -> &'static str {
    match known.ending {
        Ending::Unknown => "end unknown",
        Ending::Ok => "OK",
        Ending::Failed => "ERROR",
        Ending::Timeout => "TIMEOUT",
        Ending::OutOfMemory => "OUT OF MEMORY",
    }
}

fn report(known: &Invocation) -> String {
    let billed = known.billed.map(|billed| format!("  billed {}", duration(billed))).unwrap_or_default();
    let memory = match (known.memory_used, known.memory_size) {
        (Some(used), Some(size)) => format!("  {}/{} MB", used >> 20, size >> 20),
        (Some(used), None) => format!("  {} MB", used >> 20),
        _ => String::new(),
    };
    billed + &memory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Invocation {
        Invocation {
            request_id: "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11".to_owned(),
            duration: Some(501_200_000),
            ending: Ending::Failed,
            error_type: "Runtime.\x1bExitError".to_owned(),
            billed: Some(502_000_000),
            memory_used: Some(118 << 20),
            memory_size: Some(512 << 20),
            cold: Some(true),
            init: Some(412_000_000),
            trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(),
            version: "42".to_owned(),
            ..Invocation::default()
        }
    }

    #[test]
    fn an_invocation_is_framed_by_how_it_began_and_how_it_ended() {
        let pending =
            Invocation { billed: None, memory_used: None, memory_size: None, error_type: String::new(), ..known() };
        let said = [
            head(&known().request_id, None),
            head(&known().request_id, Some(&known())),
            foot(&known(), false),
            foot(&pending, true),
            filled(&known()),
        ];
        insta::assert_snapshot!(said.join("\n"), @r"
        7f3a91c2
        7f3a91c2  cold · INIT 412ms · v42
        7f3a91c2 ERROR 501ms  Runtime.␛ExitError  billed 502ms  118/512 MB  trace 5f84c7a1
        7f3a91c2 ERROR 501ms  trace 5f84c7a1  report pending (billed and memory are filled in)
        7f3a91c2  billed 502ms  118/512 MB
        ");
    }
}
