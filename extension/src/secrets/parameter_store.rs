//! Parameter Store, through its one call that we need, signed by ourselves: its SDK would double the binary's share of AWS.

use super::{Fetched, Problem, Secret, http, resolver::Access};
use crate::clock::unix_now;
use ::http::{Request, StatusCode, Uri, header, uri::InvalidUri};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};
use tokio::task::JoinSet;

/// What asking needs.
const ACTION: &str = "ssm:GetParameters";

/// Gets `arns`, all of one region; each has its own outcome.
pub(super) async fn fetch(access: &Access, region: &str, arns: Vec<String>) -> Fetched {
    match ask(access, region, &arns).await {
        Ok(answer) => read(&arns, &answer),
        // One that is forbidden, or written wrongly, costs the others nothing.
        Err(Failure { problem: Problem::Denied(_) | Problem::Refused(_), status })
            if arns.len() > 1 && !status.is_server_error() =>
        {
            one_by_one(access, region, arns).await
        }
        Err(Failure { problem, .. }) => arns.into_iter().map(|arn| (arn, Err(problem.clone()))).collect(),
    }
}

async fn one_by_one(access: &Access, region: &str, arns: Vec<String>) -> Fetched {
    let mut calls = JoinSet::new();
    for arn in arns {
        let (access, region) = (access.clone(), region.to_owned());
        calls.spawn(async move {
            let arns = [arn];
            match ask(&access, &region, &arns).await {
                Ok(answer) => read(&arns, &answer),
                Err(Failure { problem, .. }) => arns.into_iter().map(|arn| (arn, Err(problem.clone()))).collect(),
            }
        });
    }
    calls.join_all().await.into_iter().flatten().collect()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetParameters<'a> {
    names: &'a [String],
    with_decryption: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    parameters: Vec<Parameter>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Parameter {
    name: String,
    #[serde(rename = "ARN")]
    arn: String,
    value: Option<String>,
    version: u64,
    selector: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    #[serde(rename = "__type")]
    code: String,
    #[serde(alias = "Message")]
    message: String,
}

struct Failure {
    problem: Problem,
    status: StatusCode,
}

impl Failure {
    fn unanswered(why: String) -> Self {
        Self { problem: Problem::Unanswered(why), status: StatusCode::SERVICE_UNAVAILABLE }
    }
}

async fn ask(access: &Access, region: &str, arns: &[String]) -> Result<Answer, Failure> {
    let request = signed(access, region, arns).map_err(Failure::unanswered)?;
    let answer = access.http.exchange(request).await.map_err(|error| Failure::unanswered(http::cause(&*error)))?;
    let status = answer.status();
    if status.is_success() {
        let unreadable = |_| Failure::unanswered("its JSON cannot be read".to_owned());
        return serde_json::from_slice(answer.body()).map_err(unreadable);
    }
    let fault: Fault = serde_json::from_slice(answer.body()).unwrap_or_default();
    let code = match fault.code.as_str() {
        "" if status == StatusCode::FORBIDDEN => "AccessDenied",
        "" => status.as_str(),
        code => code,
    };
    Err(Failure { problem: Problem::of(code, &fault.message, ACTION), status })
}

fn signed(access: &Access, region: &str, arns: &[String]) -> Result<Request<Bytes>, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let uri: Uri = url(access, region, &arns[0]).parse().map_err(|error: InvalidUri| told(&error))?;
    let body =
        serde_json::to_vec(&GetParameters { names: arns, with_decryption: true }).map_err(|error| told(&error))?;
    let mut request = Request::post(&uri)
        .header(header::HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.GetParameters")
        .body(Bytes::from(body))
        .map_err(|error| told(&error))?;
    let identity = access.credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("ssm")
        .time(std::time::UNIX_EPOCH + Duration::from_nanos(unix_now()))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| told(&error))?
        .into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let url = uri.to_string();
    let signable = SignableRequest::new("POST", url.as_str(), headers, SignableBody::Bytes(request.body()));
    let signature = sign(signable.map_err(|error| told(&error))?, &params).map_err(|error| told(&error))?;
    signature.into_parts().0.apply_to_request_http1x(&mut request);
    Ok(request)
}

/// Where the service of `region` answers, by the partition that an ARN of it names.
fn url(access: &Access, region: &str, arn: &str) -> String {
    if let Some(url) = &access.settings.parameter_store_url {
        return format!("{}/", url.trim_end_matches('/'));
    }
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    let (plain, dual_stack) = match partition {
        "aws-cn" => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        "aws-iso" => ("c2s.ic.gov", "api.aws.ic.gov"),
        "aws-iso-b" => ("sc2s.sgov.gov", "api.aws.scloud"),
        "aws-iso-e" => ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        "aws-iso-f" => ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        "aws-eusc" => ("amazonaws.eu", "api.amazonwebservices.eu"),
        _ => ("amazonaws.com", "api.aws"),
    };
    // In GovCloud the usual endpoint is the FIPS one.
    let service = if access.settings.fips && partition != "aws-us-gov" { "ssm-fips" } else { "ssm" };
    format!("https://{service}.{region}.{}/", if access.settings.dual_stack { dual_stack } else { plain })
}

/// What the answer says about each of `arns`. Whatever it does not hold is not there.
fn read(arns: &[String], answer: &Answer) -> Fetched {
    let outcome = |arn: &String| {
        let found = answer.parameters.iter().find(|parameter| parameter.answers(arn));
        let value = found.ok_or(Problem::NotFound)?.value.clone();
        value.map(Secret::new).ok_or(Problem::NoText)
    };
    arns.iter().map(|arn| (arn.clone(), outcome(arn))).collect::<HashMap<_, _>>()
}

impl Parameter {
    /// Whether it is what was asked for as `asked`: an ARN, and perhaps `:version` or `:label` behind it.
    fn answers(&self, asked: &str) -> bool {
        let rest = [&self.arn, &self.name]
            .into_iter()
            .find_map(|own| asked.strip_prefix(own.as_str()).filter(|_| !own.is_empty()));
        match rest {
            Some("") => self.selector.as_deref().unwrap_or_default().is_empty(),
            Some(rest) => {
                let by_version = rest.strip_prefix(':').and_then(|version| version.parse().ok()) == Some(self.version);
                by_version || self.selector.as_deref() == Some(rest)
            }
            None => false,
        }
    }
}
