//! Layers: published from an archive, unless that very archive is the newest version already.

use std::path::{Path, PathBuf};

use aws_sdk_lambda::{
    primitives::Blob,
    types::{LayerVersionContentInput, LayerVersionContentOutput},
};
use aws_smithy_types::base64;
use sha2::{Digest as _, Sha256};

use super::{Aws, Fault, FaultKind};
use crate::attach::{
    function::{Architecture, Layer},
    plan::LAYER,
};

/// An archive as `make layer` builds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// For which processor.
    pub architecture: Architecture,
    /// Where it lies.
    pub path: PathBuf,
}

impl Archive {
    /// The archives in a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Vec<Self> {
        let archive = |architecture: Architecture| Self {
            architecture,
            path: folder.join(format!("{LAYER}-{architecture}.zip")),
        };
        Architecture::ALL.map(archive).into_iter().filter(|archive| archive.path.is_file()).collect()
    }
}

impl Archive {
    /// The layer's name.
    #[must_use]
    pub fn layer(&self) -> String {
        format!("{LAYER}-{}", self.architecture)
    }

    /// The layer before it has an ARN: its name stands for it.
    #[must_use]
    pub fn placeholder(&self) -> Layer {
        let bytes = self.path.metadata().map_or(0, |archive| archive.len());
        Layer { arn: self.layer(), bytes }
    }

    fn read(&self) -> Result<Vec<u8>, Fault> {
        std::fs::read(&self.path).map_err(|error| Fault {
            action: PUBLISH,
            kind: FaultKind::Failed,
            words: format!("{} cannot be read: {error}", self.path.display()),
        })
    }
}

const PUBLISH: &str = "lambda:PublishLayerVersion";

impl Aws {
    /// The newest version of our layer, where that holds this very archive.
    ///
    /// # Errors
    /// When the archive cannot be read, or AWS refuses.
    pub async fn published(&self, archive: &Archive) -> Result<Option<Layer>, Fault> {
        let listed = self.lambda.list_layer_versions().layer_name(archive.layer()).max_items(1).send().await;
        let listed = listed.map_err(|error| Fault::of("lambda:ListLayerVersions", &error));
        let listed = match listed {
            Err(fault) if fault.kind == FaultKind::NotFound => return Ok(None),
            listed => listed?,
        };
        let Some(newest) = listed.layer_versions().iter().max_by_key(|version| version.version()) else {
            return Ok(None);
        };
        let version = self.lambda.get_layer_version().layer_name(archive.layer()).version_number(newest.version());
        let version = version.send().await.map_err(|error| Fault::of("lambda:GetLayerVersion", &error))?;
        let Some(content) = version.content() else { return Ok(None) };
        let sha = base64::encode(Sha256::digest(archive.read()?));
        let is_it = content.code_sha256() == Some(sha.as_str());
        Ok(is_it.then(|| layer(version.layer_version_arn(), content.code_size())))
    }

    /// Publishes an archive as a version of our layer.
    ///
    /// # Errors
    /// When the archive cannot be read, or AWS refuses.
    pub async fn publish(&self, archive: &Archive) -> Result<Layer, Fault> {
        let content = LayerVersionContentInput::builder().zip_file(Blob::new(archive.read()?)).build();
        let request = self.lambda.publish_layer_version().layer_name(archive.layer()).content(content);
        let answer = request
            .compatible_architectures(archive.architecture.as_str().into())
            .description(concat!("lambdaview ", env!("CARGO_PKG_VERSION")))
            .license_info("Apache-2.0")
            .send()
            .await
            .map_err(|error| Fault::of(PUBLISH, &error))?;
        let size = answer.content().map(LayerVersionContentOutput::code_size).unwrap_or_default();
        Ok(layer(answer.layer_version_arn(), size))
    }
}

fn layer(arn: Option<&str>, size: i64) -> Layer {
    Layer { arn: arn.unwrap_or_default().to_owned(), bytes: u64::try_from(size).unwrap_or_default() }
}
