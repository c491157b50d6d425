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

/// The service takes no more.
const NAMES_A_CALL: usize = 10;

/// Gets `arns`, all of one region; each has its own outcome.
pub(super) async fn fetch(access: &Access, region: &str, arns: Vec<String>) -> Fetched {
    match ask(access, region, &arns).await {
        // One that is forbidden, or written wrongly, costs the others nothing.
        Err(failure) if arns.len() > 1 && failure.may_be_of_one() => one_by_one(access, region, arns).await,
        answer => outcomes(access, region, arns, answer).await,
    }
}

async fn one_by_one(access: &Access, region: &str, arns: Vec<String>) -> Fetched {
    let mut calls = JoinSet::new();
    for arn in arns {
        let (access, region, arns) = (access.clone(), region.to_owned(), vec![arn]);
        calls.spawn(async move {
            let answer = ask(&access, &region, &arns).await;
            outcomes(&access, &region, arns, answer).await
        });
    }
    calls.join_all().await.into_iter().flatten().collect()
}

/// What became of each of `arns`.
///
/// What is not found by its ARN is looked for by its name: emulators of the service know names only. Whatever is found has to
/// have the ARN all the same.
async fn outcomes(access: &Access, region: &str, arns: Vec<String>, answer: Result<Answer, Failure>) -> Fetched {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Failure { problem, .. }) => return arns.into_iter().map(|arn| (arn, Err(problem.clone()))).collect(),
    };
    let mut fetched = read(&arns, &answer);
    let lost: Vec<String> = arns.into_iter().filter(|arn| fetched.get(arn) == Some(&Err(Problem::NotFound))).collect();
    let names: Vec<String> = lost.iter().flat_map(|arn| names(arn)).collect();
    for names in names.chunks(NAMES_A_CALL) {
        if let Ok(answer) = ask(access, region, names).await {
            fetched.extend(read(&lost, &answer).into_iter().filter(|(_, outcome)| outcome.is_ok()));
        }
    }
    fetched
}

/// What the parameter of this ARN may be called: `/team/key`, or one without a path with and without its slash.
fn names(arn: &str) -> Vec<String> {
    let Some((_, name)) = arn.split_once(":parameter/") else { return Vec::new() };
    if name.contains('/') { vec![format!("/{name}")] } else { vec![name.to_owned(), format!("/{name}")] }
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
    /// Whether one of several may have caused it.
    fn may_be_of_one(&self) -> bool {
        matches!(self.problem, Problem::Denied(_) | Problem::Refused(_)) && !self.status.is_server_error()
    }

    fn unanswered(why: String) -> Self {
        Self { problem: Problem::Unanswered(why), status: StatusCode::SERVICE_UNAVAILABLE }
    }
}

/// Asks for up to ten parameters by ARN or by name.
async fn ask(access: &Access, region: &str, names: &[String]) -> Result<Answer, Failure> {
    let request = signed(access, region, names).map_err(Failure::unanswered)?;
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

fn signed(access: &Access, region: &str, names: &[String]) -> Result<Request<Bytes>, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let uri: Uri = url(access, region).parse().map_err(|error: InvalidUri| told(&error))?;
    let body = serde_json::to_vec(&GetParameters { names, with_decryption: true }).map_err(|error| told(&error))?;
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

/// Where the service of `region` answers: the region's name tells its partition.
fn url(access: &Access, region: &str) -> String {
    const PARTITIONS: [(&str, &str, &str); 6] = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ];
    if let Some(url) = &access.settings.parameter_store_url {
        return format!("{}/", url.trim_end_matches('/'));
    }
    let partition = PARTITIONS.iter().find(|(beginning, ..)| region.starts_with(beginning));
    let (plain, dual_stack) = partition.map_or(("amazonaws.com", "api.aws"), |(_, plain, dual)| (*plain, *dual));
    // In GovCloud the usual endpoint is the FIPS one.
    let service = if access.settings.fips && !region.starts_with("us-gov-") { "ssm-fips" } else { "ssm" };
    format!("https://{service}.{region}.{}/", if access.settings.dual_stack { dual_stack } else { plain })
}

/// What the answer says about each of `arns`. Whatever it does not hold is not there.
fn read(arns: &[String], answer: &Answer) -> Fetched {
    let outcome = |arn: &String| {
        // The newest is meant where no version is, and where an emulator leaves out which of them was asked for.
        let answers = answer.parameters.iter().filter(|parameter| parameter.answers(arn));
        let found = answers.max_by_key(|parameter| parameter.version);
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

#[cfg(test)]
mod tests {
    use super::{super::http::Http, *};
    use crate::config::AwsSettings;
    use aws_credential_types::Credentials;

    const ARN: &str = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/key";

    fn access(settings: AwsSettings) -> Access {
        let credentials = Credentials::new("AKIDEXAMPLE", "s3cr3t", Some("token".to_owned()), None, "test");
        Access { settings, http: Http::new(), credentials }
    }

    #[test]
    fn each_partition_has_its_own_endpoint_and_one_that_is_set_wins() {
        let at =
            |region, fips, dual_stack| url(&access(AwsSettings { fips, dual_stack, ..AwsSettings::default() }), region);
        assert_eq!(at("eu-west-1", false, false), "https://ssm.eu-west-1.amazonaws.com/");
        assert_eq!(at("us-east-1", true, false), "https://ssm-fips.us-east-1.amazonaws.com/");
        assert_eq!(at("us-gov-west-1", true, false), "https://ssm.us-gov-west-1.amazonaws.com/");
        assert_eq!(at("cn-north-1", false, false), "https://ssm.cn-north-1.amazonaws.com.cn/");
        assert_eq!(at("eu-west-1", false, true), "https://ssm.eu-west-1.api.aws/");
        let own =
            AwsSettings { parameter_store_url: Some("http://localhost:4566/".to_owned()), ..AwsSettings::default() };
        assert_eq!(url(&access(own), "eu-west-1"), "http://localhost:4566/");
    }

    #[test]
    fn a_request_is_signed_for_its_region_and_asks_for_decryption() {
        let request = signed(&access(AwsSettings::default()), "eu-west-1", &[ARN.to_owned()]).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
        assert!(header("authorization").contains("/eu-west-1/ssm/aws4_request"));
        assert!(
            header("authorization")
                .contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target")
        );
        assert_eq!(header("x-amz-security-token"), "token");
        assert_eq!(request.body(), &format!(r#"{{"Names":["{ARN}"],"WithDecryption":true}}"#));
        assert!(!format!("{request:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_parameter_answers_to_its_arn_its_version_and_its_label() {
        let parameter = |selector: Option<&str>| Parameter {
            arn: ARN.to_owned(),
            name: "/team/key".to_owned(),
            version: 3,
            selector: selector.map(str::to_owned),
            ..Parameter::default()
        };
        assert!(parameter(None).answers(ARN) && parameter(Some(":3")).answers(&format!("{ARN}:3")));
        assert!(parameter(Some(":live")).answers(&format!("{ARN}:live")));
        assert!(!parameter(Some(":3")).answers(ARN), "its newest may be another");
        assert!(!parameter(None).answers(&format!("{ARN}2")) && !parameter(None).answers(&format!("{ARN}:4")));
        assert!(!Parameter::default().answers(ARN));
    }

    #[test]
    fn a_name_has_a_slash_where_it_has_a_path() {
        assert_eq!(names(&format!("{ARN}:3")), ["/team/key:3"]);
        assert_eq!(names("arn:aws:ssm:r:1:parameter/key"), ["key", "/key"]);
    }
}
