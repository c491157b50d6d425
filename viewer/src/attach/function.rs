//! A function and its layers as Lambda describes them, as far as something is decided by it.

use std::{collections::BTreeMap, fmt};

/// The processor that a function runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Architecture {
    /// `x86_64`.
    #[default]
    X86_64,
    /// `arm64`.
    Arm64,
}

impl Architecture {
    /// Both.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Arm64];

    /// As Lambda writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A version of a layer on a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// `arn:aws:lambda:eu-west-1:123456789012:layer:name:7`.
    pub arn: String,
    /// Its archive's size.
    pub bytes: u64,
}

impl Layer {
    /// The layer's name, which it has in all its versions; what is no ARN of a layer is its own name.
    #[must_use]
    pub fn name(&self) -> &str {
        layer_name(&self.arn)
    }
}

/// The name within the ARN of a layer or of its version.
#[must_use]
pub fn layer_name(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

/// Whether a function can be changed now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    #[default]
    Ready,
    /// Somebody is changing it.
    Changing,
    /// Its last change failed: Lambda's reason.
    Failed(String),
}

/// A function, unpublished (`$LATEST`), which alone can be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its ARN, unqualified.
    pub arn: String,
    /// Its processor.
    pub architecture: Architecture,
    /// Its managed runtime; a container image has none.
    pub runtime: Option<String>,
    /// Whether it is a container image, which takes no layers.
    pub image: bool,
    /// Whether published versions start from a snapshot.
    pub snap_start: bool,
    /// Whether it can be changed now.
    pub readiness: Readiness,
    /// Its layers, in the order in which they are unpacked.
    pub layers: Vec<Layer>,
    /// The size of its own archive.
    pub code_bytes: u64,
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// The ARN of its role.
    pub role: String,
    /// Changes with every change: who changes it names the one that was read, so that nobody's change is lost.
    pub revision: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Why its variables cannot be read: a key of one's own that whoever asks may not use.
    pub unreadable: Option<String>,
    /// The policy that its role has for our sake, where somebody asked for it.
    pub granted: Option<String>,
}

impl Function {
    /// The role's name, without its path.
    #[must_use]
    pub fn role_name(&self) -> &str {
        self.role.rsplit('/').next().unwrap_or(&self.role)
    }
}

/// Whether extensions run beside a managed runtime: not on those of Amazon Linux 1, of before extensions.
///
/// Source: AWS, "Augment Lambda functions using Lambda extensions", its list of runtimes; what is newer than this list runs them.
#[must_use]
pub fn runs_extensions(runtime: &str) -> bool {
    const WITHOUT: [&str; 14] = [
        "nodejs",
        "nodejs4.3",
        "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10",
        "python2.7",
        "python3.6",
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "ruby2.5",
        "java8",
        "go1.x",
        "provided",
    ];
    !WITHOUT.contains(&runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_known_by_its_name_in_every_version_and_region() {
        for arn in [
            "arn:aws:lambda:eu-west-1:123456789012:layer:lambdaview-extension:7",
            "arn:aws-cn:lambda:cn-north-1:1:layer:lambdaview-extension:8",
        ] {
            assert_eq!(layer_name(arn), "lambdaview-extension");
        }
        assert_eq!(layer_name("odd"), "odd");
    }

    #[test]
    fn a_role_is_named_without_its_path() {
        let function =
            Function { role: "arn:aws:iam::123456789012:role/service-role/orders".into(), ..Function::default() };
        assert_eq!(function.role_name(), "orders");
    }

    #[test]
    fn what_stands_on_the_first_amazon_linux_runs_no_extensions() {
        assert!(!runs_extensions("go1.x") && !runs_extensions("java8") && !runs_extensions("provided"));
        assert!(runs_extensions("provided.al2023") && runs_extensions("java8.al2") && runs_extensions("python3.14"));
    }
}
