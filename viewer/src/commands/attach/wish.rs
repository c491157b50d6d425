//! What was typed for `attach`, as what is wished for every function.

use std::collections::BTreeMap;

use super::hand::Hand;
use crate::{
    args::AttachArgs,
    attach::{
        function::{Architecture, Function, Layer, layer_name},
        instrument,
        plan::Wish,
    },
    aws::Archive,
    error::Error,
    settings::usage,
};

/// The wish, and the archives that are to be published for it.
pub(super) async fn of(
    args: &AttachArgs,
    hand: &Hand<'_>,
    functions: &[Function],
) -> Result<(Wish, Vec<Archive>), Error> {
    let (layers, unpublished) = layers(args, hand, functions).await?;
    let grant = match (&args.secret, args.grant) {
        (Some(secret), true) => vec![bare(secret).to_owned()],
        (None, true) => {
            return Err(usage("--grant lets a role read a secret, and none is named", Some("--secret ARN")));
        }
        (_, false) => Vec::new(),
    };
    let instrument = args.instrument.then(|| instrument::known(hand.region()));
    let wish = Wish { layers, variables: variables(args)?, instrument, grant, replace: args.replace };
    Ok((wish, unpublished))
}

/// The ARN without the field that is read of it.
fn bare(secret: &str) -> &str {
    secret.split('#').next().unwrap_or(secret)
}

/// The variables of ClickStack's guide, and those that were typed as they are.
fn variables(args: &AttachArgs) -> Result<BTreeMap<String, String>, Error> {
    let mut variables = BTreeMap::new();
    if let Some(endpoint) = &args.endpoint {
        variables.insert("ROTEL_OTLP_EXPORTER_ENDPOINT".to_owned(), endpoint.clone());
    }
    if let Some(secret) = &args.secret {
        if !bare(secret).starts_with("arn:") {
            return Err(usage(
                "--secret wants the ARN of a secret, not the secret itself",
                Some("`aws secretsmanager list-secrets`"),
            ));
        }
        variables.insert("ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS".to_owned(), format!("Authorization=${{{secret}}}"));
    }
    if !args.resource.is_empty() {
        args.resource.iter().try_for_each(|pair| named("--resource", pair).map(|_| ()))?;
        variables.insert("ROTEL_OTEL_RESOURCE_ATTRIBUTES".to_owned(), args.resource.join(","));
    }
    for pair in &args.set {
        let (name, value) = named("--set", pair)?;
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(variables)
}

/// `name=value`.
pub(super) fn named<'a>(flag: &str, pair: &'a str) -> Result<(&'a str, &'a str), Error> {
    let split = pair.split_once('=').filter(|(name, _)| !name.is_empty());
    split.ok_or_else(|| usage(&format!("{flag} {pair} has no name and value"), Some("NAME=VALUE")))
}

/// The layer for each processor. One that is not published yet has its name for its ARN.
async fn layers(
    args: &AttachArgs,
    hand: &Hand<'_>,
    functions: &[Function],
) -> Result<(BTreeMap<Architecture, Layer>, Vec<Archive>), Error> {
    let (mut layers, mut unpublished) = (BTreeMap::new(), Vec::new());
    for arn in &args.layers {
        let architecture = architecture(arn).ok_or_else(|| {
            usage(
                &format!("{arn} does not say for which processor it is"),
                Some("a layer whose name ends in -x86_64 or -arm64"),
            )
        })?;
        layers.insert(architecture, Layer { arn: arn.clone(), bytes: 0 });
    }
    let Some(folder) = &args.publish else { return Ok((layers, unpublished)) };
    let needed = |archive: &Archive| functions.iter().any(|function| function.architecture == archive.architecture);
    for archive in Archive::in_folder(folder).into_iter().filter(needed) {
        if let Some(layer) = hand.published(&archive).await? {
            layers.insert(archive.architecture, layer);
        } else {
            layers.insert(archive.architecture, archive.placeholder());
            unpublished.push(archive);
        }
    }
    if layers.is_empty() {
        let what = format!("{} holds no archive of the layer for these functions", folder.display());
        return Err(usage(&what, Some("`make layer` puts them into target/layer")));
    }
    Ok((layers, unpublished))
}

fn architecture(arn: &str) -> Option<Architecture> {
    let name = layer_name(arn);
    Architecture::ALL.into_iter().find(|architecture| name.ends_with(architecture.as_str()))
}
