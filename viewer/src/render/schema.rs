//! What can be added to the tables, for people and for programs.

use lambdaview_queries::schema::additions::Addition;
use serde_json::json;

use super::style::{Paint, Role};

/// Whether an addition is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    There,
    /// It could be.
    Absent,
    /// These tables cannot have it, and why.
    Impossible(&'static str),
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Absent => "not there",
            Self::Impossible(_) => "impossible",
        }
    }
}

/// What it is, what it costs, what it buys.
struct Words {
    what: &'static str,
    buys: &'static str,
    costs: &'static str,
}

const fn words(addition: Addition) -> Words {
    match addition {
        Addition::Functions => FUNCTIONS,
        Addition::FaasName => FAAS_NAME,
    }
}

// The figures are those of `make bench` (README, "How quick, how small").
const FUNCTIONS: Words = Words {
    what: "lambdaview_functions_5m, what each function did in each five minutes, and two views that count as rows arrive",
    buys: "functions and cost read a row for each function and five minutes instead of every record, and reach back 400 days",
    costs: "each insert is counted once more; invocations whose span was delivered twice count twice",
};

const FAAS_NAME: Words = Words {
    what: "__hdx_materialized_faas.name, the function's name in a column of its own, in otel_logs and otel_traces",
    buys: "grouping by function reads that column instead of every resource attribute; ClickStack's web UI uses it by itself",
    costs: "a byte or less a row; filling it for the rows that are there rewrites that column of every part once",
};

/// The plan for people.
#[must_use]
pub fn plan(states: &[(Addition, State)], paint: Paint) -> String {
    let mut text = String::new();
    for (addition, state) in states {
        let Words { what, buys, costs } = words(*addition);
        text.push_str(&format!("{}  {}\n", paint.paint(Role::Id, addition.as_str()), state.word()));
        if let State::Impossible(why) = state {
            text.push_str(&format!("  why    {why}\n"));
        }
        text.push_str(&format!("  adds   {what}\n  buys   {buys}\n  costs  {costs}\n"));
    }
    if states.iter().any(|(_, state)| *state == State::Absent) {
        text.push_str(
            "\n`lambdaview schema apply` adds what is not there; `schema plan --sql` prints the statements\n",
        );
    }
    text
}

/// The statements of what is not there, as one file.
#[must_use]
pub fn statements(states: &[(Addition, State)]) -> String {
    let absent = states.iter().filter(|(_, state)| *state == State::Absent);
    let steps = absent.flat_map(|(addition, _)| addition.steps());
    // Whoever runs them by hand has no parameters: from 1970 on, every insert counts.
    steps.map(|step| step.sql.replace("{start:Int64}", "0")).collect::<Vec<_>>().join("\n")
}

/// The plan for programs: one object a line.
#[must_use]
pub fn json(states: &[(Addition, State)]) -> String {
    let object = |(addition, state): &(Addition, State)| {
        let Words { what, buys, costs } = words(*addition);
        let why = if let State::Impossible(why) = state { Some(*why) } else { None };
        let object = json!({
            "addition": addition.as_str(), "state": state.word(), "why": why, "adds": what, "buys": buys, "costs": costs,
            "statements": addition.steps().iter().map(lambdaview_queries::schema::additions::Step::statement).collect::<Vec<_>>(),
        });
        format!("{object}\n")
    };
    states.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_what_is_added_what_it_buys_and_what_it_costs() {
        let states = [(Addition::Functions, State::Absent), (Addition::FaasName, State::There)];
        insta::assert_snapshot!(plan(&states, Paint::default()));
    }

    #[test]
    fn statements_for_somebody_else_hold_no_parameters_and_only_what_is_absent() {
        let states = [(Addition::Functions, State::Absent), (Addition::FaasName, State::There)];
        let statements = statements(&states);
        assert!(statements.contains("lambdaview_functions_5m") && !statements.contains("ALTER TABLE"));
        assert!(!statements.contains("{start"), "{statements}");
    }
}
