//! What is to change on a function, or why nothing may. Pure: what is read and what is wished in, changes or refusals out.
//!
//! Nothing that somebody else set is overwritten unless it is asked for, and what we set is marked by a tag of its own, so that
//! it can be taken away again and nothing else with it.

use std::{collections::BTreeMap, fmt};

use sha2::{Digest as _, Sha256};

use super::{
    function::{Architecture, Function, Layer, Readiness, layer_name, runs_extensions},
    policy,
};

/// What the name of our layer begins with: that of a processor may follow.
pub const LAYER: &str = "lambdaview-extension";
/// What a tag's name begins with that marks a variable as ours.
pub const MARK: &str = "lambdaview:";
/// The name of the policy that lets a role read what the extension needs.
pub const GRANT: &str = "lambdaview-secrets";
/// The variable by which a runtime starts under OpenTelemetry.
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// Lambda's limits. Source: AWS, "Lambda quotas".
const MOST_LAYERS: usize = 5;
const MOST_UNZIPPED: u64 = 250 << 20;
const MOST_ENVIRONMENT: usize = 4 << 10;
/// Tags of a function, of which each variable of ours takes one.
const MOST_TAGS: usize = 50;

/// What is wished for every function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Our layer for each processor that there is one for; its size as it is unpacked.
    pub layers: BTreeMap<Architecture, Layer>,
    /// The variables of ClickStack's guide, and any others.
    pub variables: BTreeMap<String, String>,
    /// Auto-instrumentation, by the beginning of a runtime's name.
    pub instrument: Option<Vec<Instrumentation>>,
    /// Secrets that the role is to be allowed to read.
    pub grant: Vec<String>,
    /// Whether values that somebody else set are replaced.
    pub replace: bool,
}

/// OpenTelemetry's layer for a runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instrumentation {
    /// What the runtime's name begins with: `nodejs`, `python`.
    pub runtime: String,
    /// The layer's ARN in the function's region.
    pub arn: String,
    /// The program that wraps the runtime, in the layer.
    pub wrapper: String,
}

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A layer comes behind those that are there.
    AddLayer {
        /// Its ARN.
        arn: String,
    },
    /// A layer takes the place of another.
    ReplaceLayer {
        /// The one that goes.
        before: String,
        /// The one that comes.
        after: String,
    },
    /// A layer goes.
    RemoveLayer {
        /// Its ARN.
        arn: String,
    },
    /// A variable is set.
    Set {
        /// Its name.
        name: String,
        /// What it was.
        before: Option<String>,
        /// What it is to be.
        after: String,
    },
    /// A variable goes.
    Unset {
        /// Its name.
        name: String,
    },
    /// The role gets a policy of its own.
    Grant {
        /// The role's name.
        role: String,
        /// The secrets it may read.
        secrets: Vec<String>,
    },
    /// The role loses that policy.
    Revoke {
        /// The role's name.
        role: String,
    },
}

/// Why a function is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is a container image.
    Image,
    /// Its runtime runs no extensions.
    Runtime(String),
    /// There is no layer for its processor.
    NoLayer(Architecture),
    /// There is no room for a layer.
    TooManyLayers(Vec<String>),
    /// It would be too large.
    TooLarge {
        /// What archives of it there are, in bytes, and our layer unpacked.
        bytes: u64,
    },
    /// Its variables would be too many.
    EnvironmentFull {
        /// Their size as Lambda measures it.
        bytes: usize,
    },
    /// It has no room for the tags that mark what we set.
    TooManyTags(usize),
    /// Somebody set a variable to something else.
    Taken {
        /// Its name.
        name: String,
    },
    /// Somebody is changing it.
    Changing,
    /// Its last change failed.
    Broken(String),
    /// Its variables cannot be read, and what is set replaces all of them.
    Unreadable(String),
    /// There is no instrumentation for its runtime.
    NotInstrumentable(String),
    /// A runtime has one wrapper, and another has it.
    Wrapped(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image => f.write_str(
                "it is a container image, which takes no layers: COPY the extension into /opt/extensions (extension/layer/Dockerfile shows how)",
            ),
            Self::Runtime(runtime) => write!(f, "its runtime {runtime} runs no extensions: choose a newer one"),
            Self::NoLayer(architecture) => {
                write!(f, "it runs on {architecture}, for which no layer was named: --layer ARN or --publish FOLDER with one")
            }
            Self::TooManyLayers(layers) => {
                write!(f, "it has {} layers, of five that it may have: {}; take one off", layers.len(), layers.join(", "))
            }
            Self::TooLarge { bytes } => {
                write!(f, "it would be {} MB or more, of 250 MB that it may be unpacked", bytes >> 20)
            }
            Self::EnvironmentFull { bytes } => write!(
                f,
                "its variables would be {bytes} bytes, of {MOST_ENVIRONMENT} that they may be: put some into a file of its bundle and name that by ROTEL_ENV_FILE"
            ),
            Self::TooManyTags(count) => {
                write!(f, "it has {count} tags, and what is set here is marked by tags, of {MOST_TAGS} that it may have")
            }
            Self::Taken { name } => {
                write!(f, "{name} is set to something else: leave it out, or --replace to overwrite it")
            }
            Self::Changing => f.write_str("somebody is changing it: try again when that is done"),
            Self::Broken(why) => write!(f, "its last change failed, which is to be mended first: {why}"),
            Self::Unreadable(why) => write!(f, "its variables cannot be read, and would be lost: {why}"),
            Self::NotInstrumentable(runtime) => {
                write!(f, "there is no instrumentation for its runtime {runtime}: leave --instrument out for it")
            }
            Self::Wrapped(by) => write!(f, "its runtime is wrapped already, by {by}: leave --instrument out for it"),
        }
    }
}

/// What is to be done to a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What changes; nothing where everything is as it is wished.
    pub changes: Vec<Change>,
    /// What is worth knowing, and does not keep anybody from it.
    pub notes: Vec<String>,
    /// The layers as they are to be.
    pub layers: Vec<String>,
    /// The variables as they are to be.
    pub environment: BTreeMap<String, String>,
    /// Tags to set.
    pub tags: BTreeMap<String, String>,
    /// Tags to remove.
    pub untag: Vec<String>,
}

impl Plan {
    /// Whether the function's configuration itself changes.
    #[must_use]
    pub fn configures(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, Change::Grant { .. } | Change::Revoke { .. }))
    }

    /// Whether it changes the same as another, whatever else the function is like.
    #[must_use]
    pub fn same_changes(&self, other: &Self) -> bool {
        self.changes == other.changes
    }

    fn of(function: &Function) -> Self {
        Self {
            layers: function.layers.iter().map(|layer| layer.arn.clone()).collect(),
            environment: function.environment.clone(),
            ..Self::default()
        }
    }

    /// A layer, in the place of its other version or behind all.
    fn put(&mut self, arn: &str, replaces: impl Fn(&str) -> bool) {
        match self.layers.iter().position(|there| replaces(layer_name(there)) || there == arn) {
            Some(at) if self.layers[at] == arn => {}
            Some(at) => {
                let before = std::mem::replace(&mut self.layers[at], arn.to_owned());
                self.changes.push(Change::ReplaceLayer { before, after: arn.to_owned() });
            }
            None => {
                self.layers.push(arn.to_owned());
                self.changes.push(Change::AddLayer { arn: arn.to_owned() });
            }
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        let before = self.environment.insert(name.to_owned(), value.to_owned());
        self.tags.insert(format!("{MARK}{name}"), mark(value));
        self.changes.push(Change::Set { name: name.to_owned(), before, after: value.to_owned() });
    }
}

/// A value as its tag has it: enough to see that it is still ours, and not to read it.
fn mark(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What puts our layer on a function.
///
/// # Errors
/// Everything that speaks against it.
pub fn attach(function: &Function, wish: &Wish) -> Result<Plan, Vec<Refusal>> {
    let mut refusals = readiness(function);
    let mut plan = Plan::of(function);
    if function.image {
        refusals.push(Refusal::Image);
        return Err(refusals);
    }
    refusals.extend(function.runtime.clone().filter(|runtime| !runs_extensions(runtime)).map(Refusal::Runtime));
    match wish.layers.get(&function.architecture) {
        None => refusals.push(Refusal::NoLayer(function.architecture)),
        Some(layer) => plan.put(&layer.arn, |name| is_our_layer(name) || name == layer.name() || is_incumbents(name)),
    }
    refusals.extend(variables(function, wish, &mut plan));
    if let Some(known) = &wish.instrument {
        refusals.extend(instrument(function, known, &mut plan));
    }
    let granted = |policy: &String| policy::same(policy, &policy::reading(&wish.grant));
    if !wish.grant.is_empty() && !function.granted.as_ref().is_some_and(granted) {
        plan.changes.push(Change::Grant { role: function.role_name().to_owned(), secrets: wish.grant.clone() });
    }
    refusals.extend(limits(function, wish, &plan));
    if function.snap_start {
        plan.notes.push("its published versions start from snapshots made before: publish a new one".to_owned());
    }
    if refusals.is_empty() { Ok(plan) } else { Err(refusals) }
}

/// Whether our layer is on a function.
#[must_use]
pub fn is_attached(function: &Function) -> bool {
    function.layers.iter().any(|layer| is_our_layer(layer.name()))
}

fn is_our_layer(name: &str) -> bool {
    name.starts_with(LAYER)
}

/// The layer whose place ours takes: two of them would ship each line twice.
fn is_incumbents(name: &str) -> bool {
    name.starts_with("rotel-extension")
}

fn readiness(function: &Function) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = function.unreadable.clone().map(Refusal::Unreadable).into_iter().collect();
    match &function.readiness {
        Readiness::Ready => {}
        Readiness::Changing => refusals.push(Refusal::Changing),
        Readiness::Failed(why) => refusals.push(Refusal::Broken(why.clone())),
    }
    refusals
}

fn variables(function: &Function, wish: &Wish, plan: &mut Plan) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (name, value) in &wish.variables {
        match function.environment.get(name) {
            Some(there) if there == value => {}
            Some(there) if !wish.replace && !is_ours(function, name, there) => {
                refusals.push(Refusal::Taken { name: name.clone() });
            }
            Some(there) => {
                if !is_ours(function, name, there) {
                    plan.notes.push(format!("{name} is overwritten, and `detach` cannot bring back what it was"));
                }
                plan.set(name, value);
            }
            None => plan.set(name, value),
        }
    }
    refusals
}

/// Whether a variable is as it was when we set it.
fn is_ours(function: &Function, name: &str, value: &str) -> bool {
    function.tags.get(&format!("{MARK}{name}")).is_some_and(|known| *known == mark(value))
}

fn instrument(function: &Function, known: &[Instrumentation], plan: &mut Plan) -> Option<Refusal> {
    let runtime = function.runtime.clone().unwrap_or_default();
    let Some(found) = known.iter().find(|known| runtime.starts_with(&known.runtime)) else {
        return Some(Refusal::NotInstrumentable(runtime));
    };
    match function.environment.get(WRAPPER) {
        Some(wrapper) if *wrapper != found.wrapper => return Some(Refusal::Wrapped(wrapper.clone())),
        Some(_) => {}
        None => plan.set(WRAPPER, &found.wrapper),
    }
    plan.put(&found.arn, |name| name == layer_name(&found.arn));
    None
}

fn limits(function: &Function, wish: &Wish, plan: &Plan) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if plan.layers.len() > MOST_LAYERS {
        let names = function.layers.iter().map(|layer| layer.name().to_owned()).collect();
        refusals.push(Refusal::TooManyLayers(names));
    }
    // Lambda tells the sizes of archives only: what is too large by those is too large unpacked.
    let ours = wish.layers.get(&function.architecture).map_or(0, |layer| layer.bytes);
    let kept = function.layers.iter().filter(|layer| plan.layers.contains(&layer.arn)).map(|layer| layer.bytes);
    let bytes = function.code_bytes + kept.sum::<u64>() + ours;
    if bytes > MOST_UNZIPPED {
        refusals.push(Refusal::TooLarge { bytes });
    }
    let bytes = environment_bytes(&plan.environment);
    if bytes > MOST_ENVIRONMENT && !plan.tags.is_empty() {
        refusals.push(Refusal::EnvironmentFull { bytes });
    }
    let tags = function.tags.keys().filter(|tag| !plan.tags.contains_key(*tag)).count();
    if tags + plan.tags.len() > MOST_TAGS {
        refusals.push(Refusal::TooManyTags(tags));
    }
    refusals
}

/// How large variables are to Lambda: its error for too many of them quotes them as this JSON.
fn environment_bytes(environment: &BTreeMap<String, String>) -> usize {
    serde_json::to_string(environment).map_or(usize::MAX, |json| json.len())
}

/// What takes off a function what was put on it, and nothing else.
///
/// # Errors
/// Everything that speaks against it.
pub fn detach(function: &Function) -> Result<Plan, Vec<Refusal>> {
    let refusals = readiness(function);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut plan = Plan::of(function);
    let marked = |name: &str| name.strip_prefix(MARK).map(str::to_owned);
    let wrapper_is_ours = function.environment.get(WRAPPER).is_some_and(|value| is_ours(function, WRAPPER, value));
    plan.layers.retain(|arn| {
        let goes = is_our_layer(layer_name(arn)) || (wrapper_is_ours && is_instrumentation(layer_name(arn)));
        if goes {
            plan.changes.push(Change::RemoveLayer { arn: arn.clone() });
        }
        !goes
    });
    for name in function.tags.keys().filter_map(|tag| marked(tag)) {
        match function.environment.get(&name) {
            Some(value) if is_ours(function, &name, value) => {
                plan.environment.remove(&name);
                plan.changes.push(Change::Unset { name: name.clone() });
            }
            Some(_) => plan.notes.push(format!("{name} was changed since, and stays")),
            None => {}
        }
        plan.untag.push(format!("{MARK}{name}"));
    }
    Ok(plan)
}

/// OpenTelemetry's layers, as its project names them.
fn is_instrumentation(layer: &str) -> bool {
    layer.starts_with("opentelemetry-") && !layer.starts_with("opentelemetry-collector")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:lambdaview-extension:3";

    fn other(nth: usize) -> Layer {
        Layer { arn: format!("arn:aws:lambda:eu-west-1:123456789012:layer:other-{nth}:1"), bytes: 1 << 20 }
    }

    fn function() -> Function {
        Function {
            name: "orders".into(),
            runtime: Some("python3.13".into()),
            role: "arn:aws:iam::1:role/orders".into(),
            ..Function::default()
        }
    }

    fn wish() -> Wish {
        let endpoint = ("ROTEL_OTLP_EXPORTER_ENDPOINT".to_owned(), "https://clickstack:4317".to_owned());
        let layer = Layer { arn: OURS.into(), bytes: 6 << 20 };
        Wish { layers: [(Architecture::X86_64, layer)].into(), variables: [endpoint].into(), ..Wish::default() }
    }

    /// The function after a plan was carried out.
    fn after(function: &Function, plan: &Plan) -> Function {
        let mut tags = function.tags.clone();
        tags.extend(plan.tags.clone());
        tags.retain(|name, _| !plan.untag.contains(name));
        let layers = plan.layers.iter().map(|arn| Layer { arn: arn.clone(), bytes: 1 }).collect();
        Function { layers, environment: plan.environment.clone(), tags, ..function.clone() }
    }

    #[test]
    fn the_layer_comes_behind_those_that_are_there_and_the_variables_are_marked() {
        let function = Function { layers: vec![other(1)], ..function() };
        let plan = attach(&function, &wish()).unwrap();
        assert_eq!(plan.layers, [other(1).arn, OURS.to_owned()]);
        assert_eq!(plan.environment["ROTEL_OTLP_EXPORTER_ENDPOINT"], "https://clickstack:4317");
        assert_eq!(plan.tags.keys().collect::<Vec<_>>(), ["lambdaview:ROTEL_OTLP_EXPORTER_ENDPOINT"]);
        assert!(!plan.tags.values().any(|tag| tag.contains("clickstack")), "values are not to be read in tags");
    }

    #[test]
    fn what_was_attached_is_not_attached_again_and_detaching_leaves_what_was_there_before() {
        let before = Function {
            layers: vec![other(1)],
            environment: [("TABLE".to_owned(), "orders".to_owned())].into(),
            tags: [("team".to_owned(), "shop".to_owned())].into(),
            ..function()
        };
        let attached = after(&before, &attach(&before, &wish()).unwrap());
        assert_eq!(attach(&attached, &wish()).unwrap().changes, []);
        let detached = after(&attached, &detach(&attached).unwrap());
        assert_eq!(
            (detached.environment, detached.tags, detached.layers.len()),
            (before.environment, before.tags, before.layers.len())
        );
    }

    #[test]
    fn another_version_and_the_incumbents_layer_are_replaced_in_their_place() {
        for name in ["lambdaview-extension:2", "rotel-extension-amd64-alpha:29"] {
            let old = Layer { arn: format!("arn:aws:lambda:eu-west-1:1:layer:{name}"), bytes: 1 };
            let function = Function { layers: vec![old, other(1)], ..function() };
            assert_eq!(attach(&function, &wish()).unwrap().layers, [OURS.to_owned(), other(1).arn], "{name}");
        }
    }

    #[test]
    fn what_somebody_else_set_stays_unless_it_is_to_be_replaced() {
        let name = "ROTEL_OTLP_EXPORTER_ENDPOINT";
        let function = Function { environment: [(name.to_owned(), "https://else".to_owned())].into(), ..function() };
        assert_eq!(attach(&function, &wish()), Err(vec![Refusal::Taken { name: name.into() }]));
        let plan = attach(&function, &Wish { replace: true, ..wish() }).unwrap();
        assert_eq!((plan.environment[name].as_str(), plan.notes.len()), ("https://clickstack:4317", 1));
    }

    #[test]
    fn a_variable_that_we_set_may_be_set_anew_and_one_that_was_changed_since_stays_when_detached() {
        let name = "ROTEL_OTLP_EXPORTER_ENDPOINT";
        let attached = after(&function(), &attach(&function(), &wish()).unwrap());
        let moved = Wish { variables: [(name.to_owned(), "https://new".to_owned())].into(), ..wish() };
        assert_eq!(attach(&attached, &moved).unwrap().environment[name], "https://new");
        let edited = Function { environment: [(name.to_owned(), "https://by-hand".to_owned())].into(), ..attached };
        let plan = detach(&edited).unwrap();
        assert_eq!((plan.environment.len(), plan.notes.len(), plan.layers.len()), (1, 1, 0));
    }

    #[test]
    fn every_limit_refuses_and_all_are_told_together() {
        let five: Vec<Layer> = (0..5).map(other).collect();
        let full = [("A".to_owned(), "x".repeat(4_096))].into();
        let function = Function { layers: five, environment: full, code_bytes: 260 << 20, ..function() };
        let refusals = attach(&function, &wish()).unwrap_err();
        assert!(
            matches!(
                &refusals[..],
                [Refusal::TooManyLayers(_), Refusal::TooLarge { .. }, Refusal::EnvironmentFull { .. }]
            ),
            "{refusals:?}"
        );
    }

    #[test]
    fn a_sixth_layer_is_none_where_it_replaces_another_version_of_itself() {
        let mut layers: Vec<Layer> = (0..4).map(other).collect();
        layers.push(Layer { arn: OURS.replace(":3", ":2"), bytes: 1 });
        assert!(attach(&Function { layers, ..function() }, &wish()).is_ok());
    }

    #[test]
    fn images_old_runtimes_other_processors_and_functions_that_change_are_refused() {
        let refused = |function: Function| attach(&function, &wish()).unwrap_err();
        assert_eq!(refused(Function { image: true, ..function() }), [Refusal::Image]);
        assert_eq!(
            refused(Function { runtime: Some("go1.x".into()), ..function() }),
            [Refusal::Runtime("go1.x".into())]
        );
        let arm = Function { architecture: Architecture::Arm64, ..function() };
        assert_eq!(refused(arm), [Refusal::NoLayer(Architecture::Arm64)]);
        assert_eq!(refused(Function { readiness: Readiness::Changing, ..function() }), [Refusal::Changing]);
        assert!(detach(&Function { readiness: Readiness::Changing, ..function() }).is_err());
    }

    #[test]
    fn variables_that_cannot_be_read_are_never_written_over() {
        let sealed = Function { unreadable: Some("the key may not be used".into()), ..function() };
        assert_eq!(attach(&sealed, &wish()), Err(vec![Refusal::Unreadable("the key may not be used".into())]));
        assert!(detach(&sealed).is_err());
    }

    #[test]
    fn what_the_role_may_read_already_is_not_granted_again() {
        let secret = vec!["arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf".to_owned()];
        let wish = Wish { grant: secret.clone(), ..wish() };
        let grants = |function: &Function| {
            attach(function, &wish).unwrap().changes.iter().any(|change| matches!(change, Change::Grant { .. }))
        };
        assert!(grants(&function()) && grants(&Function { granted: Some("{}".into()), ..function() }));
        assert!(!grants(&Function { granted: Some(policy::reading(&secret)), ..function() }));
    }

    #[test]
    fn instrumentation_wraps_the_runtime_and_goes_with_the_rest() {
        let python = Instrumentation {
            runtime: "python".into(),
            arn: "arn:aws:lambda:eu-west-1:184161586896:layer:opentelemetry-python-0_13_0:1".into(),
            wrapper: "/opt/otel-instrument".into(),
        };
        let wish = Wish { instrument: Some(vec![python.clone()]), ..wish() };
        let attached = after(&function(), &attach(&function(), &wish).unwrap());
        assert_eq!(attached.environment[WRAPPER], "/opt/otel-instrument");
        assert_eq!(attached.layers.iter().map(|layer| layer.arn.as_str()).collect::<Vec<_>>(), [OURS, &python.arn]);
        assert_eq!(attach(&attached, &wish).unwrap().changes, []);
        let detached = after(&attached, &detach(&attached).unwrap());
        assert_eq!((detached.layers.len(), detached.environment.len()), (0, 0));
        let wrapped = Function { environment: [(WRAPPER.to_owned(), "/opt/mine".to_owned())].into(), ..function() };
        assert_eq!(attach(&wrapped, &wish), Err(vec![Refusal::Wrapped("/opt/mine".into())]));
        let dotnet = Function { runtime: Some("dotnet8".into()), ..function() };
        assert_eq!(attach(&dotnet, &wish), Err(vec![Refusal::NotInstrumentable("dotnet8".into())]));
    }
}
