//! The resource attributes that every signal of this environment carries.

use bytes::Bytes;
use opentelemetry_proto::tonic::{common::v1::AnyValue, resource::v1::Resource};

use super::{
    Settings,
    attributes::{add_if_missing, attribute, int, text, text_of, texts},
};
use crate::flow::head;

/// What is known of this execution environment, growing while it starts.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    settings: Settings,
    account_id: Option<String>,
    function_arn: Option<String>,
    log_stream: Option<String>,
    made: Resource,
    head: Bytes,
}

impl Environment {
    pub(super) fn new(settings: Settings) -> Self {
        let mut new = Self {
            settings,
            account_id: None,
            function_arn: None,
            log_stream: None,
            made: Resource::default(),
            head: Bytes::new(),
        };
        new.make();
        new
    }

    pub(super) fn set_account(&mut self, account_id: Option<String>) {
        self.account_id = account_id;
        self.make();
    }

    /// The log stream, whose name is the instance's.
    pub(super) fn set_instance(&mut self, instance_id: &str) {
        self.log_stream = Some(instance_id.to_owned());
        self.make();
    }

    /// The log stream's name, where it is known.
    pub(super) fn log_stream(&self) -> &str {
        self.log_stream.as_deref().unwrap_or_default()
    }

    /// The ARN that was called; its alias is not the function's.
    pub(super) fn set_invoked(&mut self, invoked_arn: &str) {
        if self.function_arn.is_none() {
            let parts: Vec<&str> = invoked_arn.split(':').collect();
            let Some(unqualified) = parts.get(..7) else { return };
            self.function_arn = Some(unqualified.join(":"));
            self.account_id.get_or_insert_with(|| parts[4].to_owned());
            self.make();
        }
    }

    /// The resource of what we originate, encoded.
    pub(super) fn head(&self) -> Bytes {
        self.head.clone()
    }

    /// Adds what is missing to the resource of an SDK's signal; what the user set for all signals replaces.
    pub(super) fn enrich(&self, resource: &mut Option<Resource>) {
        let attributes = &mut resource.get_or_insert_default().attributes;
        // The SDK's word for "nobody told me".
        if text_of(attributes, "service.name").is_some_and(|name| name.starts_with("unknown_service")) {
            attributes.retain(|attribute| attribute.key != "service.name");
        }
        attributes.retain(|attribute| !self.settings.every_signal.iter().any(|(key, _)| *key == attribute.key));
        for own in &self.made.attributes {
            if !own.key.starts_with("telemetry.distro.") {
                add_if_missing(attributes, &own.key, || own.value.clone().unwrap_or_default());
            }
        }
    }

    fn make(&mut self) {
        let settings = &self.settings;
        let mut attributes: Vec<_> =
            settings.every_signal.iter().map(|(key, value)| attribute(key, text(value))).collect();
        for (key, value) in &settings.originated {
            add_if_missing(&mut attributes, key, || text(value));
        }
        let mut add = |key: &str, value: Option<AnyValue>| {
            if let Some(value) = value {
                add_if_missing(&mut attributes, key, || value);
            }
        };
        add("service.name", Some(text(&settings.function_name)));
        add("faas.name", Some(text(&settings.function_name)));
        add("faas.version", settings.function_version.as_ref().map(text));
        add("faas.instance", self.log_stream.as_ref().map(text));
        add("faas.max_memory", settings.max_memory_bytes.map(int));
        add("cloud.provider", Some(text("aws")));
        add("cloud.platform", Some(text("aws_lambda")));
        add("cloud.region", settings.region.as_ref().map(text));
        add("cloud.account.id", self.account_id.as_ref().map(text));
        add("cloud.resource_id", self.resource_id().map(text));
        add("aws.log.group.names", Some(texts([settings.log_group.clone()])));
        add("aws.log.stream.names", self.log_stream.clone().map(|stream| texts([stream])));
        add("telemetry.distro.name", Some(text("lambdaview")));
        add("telemetry.distro.version", Some(text(env!("CARGO_PKG_VERSION"))));
        self.made = Resource { attributes, ..Resource::default() };
        self.head = head(Some(&self.made), "");
    }

    /// The function's ARN with its version in place of an alias; `$LATEST` is the unqualified one.
    fn resource_id(&self) -> Option<String> {
        let arn = self.function_arn.clone().or_else(|| {
            let (region, account) = (self.settings.region.as_ref()?, self.account_id.as_ref()?);
            let name = &self.settings.function_name;
            Some(format!("arn:{}:lambda:{region}:{account}:function:{name}", partition(region)))
        })?;
        let version = self.settings.function_version.as_ref().filter(|version| *version != "$LATEST");
        Some(version.map_or_else(|| arn.clone(), |version| format!("{arn}:{version}")))
    }
}

fn partition(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::settings, *};

    fn value<'a>(resource: &'a Resource, key: &str) -> Option<&'a str> {
        text_of(&resource.attributes, key)
    }

    #[test]
    fn an_alias_is_replaced_by_the_version() {
        let mut environment = Environment::new(Settings { function_version: Some("7".into()), ..settings() });
        environment.set_invoked("arn:aws:lambda:eu-west-1:123456789012:function:orders:live");
        let resource = &environment.made;
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7";
        assert_eq!(value(resource, "cloud.resource_id"), Some(arn));
        assert_eq!(value(resource, "cloud.account.id"), Some("123456789012"));
    }

    #[test]
    fn the_arn_is_known_before_the_first_invocation_where_the_account_is() {
        let mut environment = Environment::new(settings());
        assert_eq!(value(&environment.made, "cloud.resource_id"), None);
        environment.set_account(Some("1".into()));
        let arn = "arn:aws:lambda:eu-west-1:1:function:orders";
        assert_eq!(value(&environment.made, "cloud.resource_id"), Some(arn));
    }

    #[test]
    fn an_sdks_resource_keeps_its_own_but_yields_to_the_users() {
        let users = vec![("deployment.environment.name".to_owned(), "prod".to_owned())];
        let environment = Environment::new(Settings { every_signal: users, ..settings() });
        let own = |key, value: &str| attribute(key, text(value));
        let mut resource = Some(Resource {
            attributes: vec![
                own("service.name", "checkout"),
                own("deployment.environment.name", "dev"),
                own("telemetry.distro.name", "theirs"),
            ],
            ..Resource::default()
        });
        environment.enrich(&mut resource);
        let resource = resource.unwrap();
        assert_eq!(value(&resource, "service.name"), Some("checkout"));
        assert_eq!(value(&resource, "deployment.environment.name"), Some("prod"));
        assert_eq!(value(&resource, "faas.name"), Some("orders"));
        assert_eq!(value(&resource, "telemetry.distro.name"), Some("theirs"));
    }

    #[test]
    fn the_users_names_for_what_we_originate_stand_above_ours_and_below_those_for_every_signal() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let environment = Environment::new(Settings {
            every_signal: vec![pair("team", "a")],
            originated: vec![pair("service.name", "checkout"), pair("team", "b")],
            ..settings()
        });
        let resource = &environment.made;
        assert_eq!((value(resource, "service.name"), value(resource, "team")), (Some("checkout"), Some("a")));
    }

    #[test]
    fn a_service_that_no_one_named_gets_ours() {
        let attributes = vec![attribute("service.name", text("unknown_service:python"))];
        let mut resource = Some(Resource { attributes, ..Resource::default() });
        Environment::new(settings()).enrich(&mut resource);
        assert_eq!(value(&resource.unwrap(), "service.name"), Some("orders"));
    }
}
