//! What a role is allowed for our sake: one inline policy of a fixed name, which holds nothing else.

use percent_encoding::percent_decode_str;

use super::{Aws, Fault, FaultKind};
use crate::attach::{plan::GRANT, policy};

impl Aws {
    /// Lets a role read these secrets.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn grant(&self, role: &str, secrets: &[String]) -> Result<(), Fault> {
        let request =
            self.iam.put_role_policy().role_name(role).policy_name(GRANT).policy_document(policy::reading(secrets));
        request.send().await.map(|_| ()).map_err(|error| Fault::of("iam:PutRolePolicy", &error))
    }

    /// The policy that a role has of us; nothing where it has none.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn granted(&self, role: &str) -> Result<Option<String>, Fault> {
        let answer = self.iam.get_role_policy().role_name(role).policy_name(GRANT).send().await;
        match answer.map_err(|error| Fault::of("iam:GetRolePolicy", &error)) {
            // IAM writes it as a part of a URL.
            Ok(answer) => Ok(Some(percent_decode_str(answer.policy_document()).decode_utf8_lossy().into_owned())),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Takes it away again.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn revoke(&self, role: &str) -> Result<(), Fault> {
        let answer = self.iam.delete_role_policy().role_name(role).policy_name(GRANT).send().await;
        match answer.map_err(|error| Fault::of("iam:DeleteRolePolicy", &error)) {
            Err(fault) if fault.kind != FaultKind::NotFound => Err(fault),
            _ => Ok(()),
        }
    }
}
