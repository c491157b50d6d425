//! What people paste: ids, names, ARNs, headers, and addresses of consoles. Says what it is and which command shows it.

use crate::ask::TraceRef;

/// What was pasted, as far as its form says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// In words.
    pub what: String,
    /// The command that shows it, with its arguments.
    pub command: Vec<String>,
}

/// What cannot be recognised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(&'static str);

/// A stretch of time that an address names, in nanoseconds since 1970 or before now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stretch {
    since: Option<i64>,
    until: Option<i64>,
}

/// Recognises `text` by its form; asks nobody.
///
/// # Errors
/// When its form says nothing.
pub fn recognise(text: &str) -> Result<Thing, Unknown> {
    let text = text.trim().trim_matches(['"', '\'', '<', '>']);
    if text.is_empty() {
        return Err(Unknown("there is nothing to open"));
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return address(text);
    }
    header(text).or_else(|| id(text)).map_or_else(|| name(text), Ok)
}

/// `X-Amzn-Trace-Id: Root=..`, `traceparent: 00-..-..-01`, with or without the header's name.
fn header(text: &str) -> Option<Thing> {
    let value = text.split_once(": ").map_or(text, |(_, value)| value).trim();
    if value.contains("Root=") {
        return id(value).map(|thing| Thing { what: "an X-Ray trace header".to_owned(), ..thing });
    }
    let parts: Vec<&str> = value.split('-').collect();
    match parts[..] {
        ["00", trace, span, flags] if trace.len() == 32 && span.len() == 16 && flags.len() == 2 => {
            id(trace).map(|thing| Thing { what: "a traceparent header".to_owned(), ..thing })
        }
        _ => None,
    }
}

fn id(text: &str) -> Option<Thing> {
    let (what, id) = match text.parse::<TraceRef>().ok()? {
        TraceRef::Trace(id) if text.starts_with("1-") => ("an X-Ray trace id", id),
        TraceRef::Trace(id) => ("a trace id", id),
        TraceRef::Invocation(id) => ("a request id", id),
    };
    Some(Thing { what: what.to_owned(), command: vec!["trace".to_owned(), id] })
}

fn name(text: &str) -> Result<Thing, Unknown> {
    if text.starts_with("arn:") {
        let function = function_of_arn(text)?;
        return Ok(of_function("the ARN of", &function, Stretch::default()));
    }
    if let Some(name) = text.strip_prefix("/aws/lambda/") {
        return Ok(of_function("the log group of", name.trim_end_matches(":*"), Stretch::default()));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Unknown("neither an id, a name, an ARN nor an address that is known here"));
    }
    Ok(of_function("the name of", text, Stretch::default()))
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER`, `arn:aws:logs:REGION:ACCOUNT:log-group:/aws/lambda/NAME:*`
fn function_of_arn(arn: &str) -> Result<String, Unknown> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "lambda", _, _, "function", name, ..] if !name.is_empty() => Ok(name.to_owned()),
        ["arn", _, "logs", _, _, "log-group", group, ..] => {
            let name = group.strip_prefix("/aws/lambda/").filter(|name| !name.is_empty());
            name.map(str::to_owned).ok_or(Unknown("the ARN of a log group that is not a function's"))
        }
        _ => Err(Unknown("the ARN of something that is neither a function nor its log group")),
    }
}

fn of_function(what: &str, name: &str, stretch: Stretch) -> Thing {
    let what = format!("{what} function {name}");
    let Stretch { since, until } = stretch;
    if since.is_none() && until.is_none() {
        return Thing { what, command: vec!["tail".to_owned(), name.to_owned()] };
    }
    let mut command = vec!["logs".to_owned(), name.to_owned()];
    for (flag, time) in [("--since", since), ("--until", until)] {
        if let Some(time) = time {
            command.extend([flag.to_owned(), moment(time)]);
        }
    }
    Thing { what, command }
}

/// A time that is negative is so long ago.
fn moment(time: i64) -> String {
    if time < 0 { format!("{}s", time.unsigned_abs() / 1_000_000_000) } else { crate::format::rfc3339(time) }
}

fn address(url: &str) -> Result<Thing, Unknown> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if is_aws_console(host) { console(rest) } else { web_ui(rest) }
}

fn is_aws_console(host: &str) -> bool {
    ["console.aws.amazon.com", "console.amazonaws-us-gov.com", "console.amazonaws.cn"]
        .iter()
        .any(|console| host.strip_suffix(console).is_some_and(|region| region.is_empty() || region.ends_with('.')))
}

/// CloudWatch Logs, X-Ray and Lambda in AWS's console.
fn console(rest: &str) -> Result<Thing, Unknown> {
    let plain = decoded(rest);
    let stretch = Stretch { since: parameter(&plain, "start"), until: parameter(&plain, "end") };
    if let Some(trace) = plain.split_once("traces/").and_then(|(_, trace)| id(word(trace))) {
        return Ok(Thing { what: "an address of X-Ray".to_owned(), ..trace });
    }
    if let Some((_, group)) = plain.split_once("/aws/lambda/") {
        let group = group.split("/log-events").next().unwrap_or_default();
        return Ok(of_function("an address in CloudWatch of", word(group), stretch));
    }
    match plain.split_once("/functions/") {
        Some((_, function)) if !word(function).is_empty() => {
            Ok(of_function("an address in Lambda's console of", word(function), Stretch::default()))
        }
        _ => Err(Unknown("an address of AWS's console that names neither a function nor a trace")),
    }
}

/// ClickStack's web UI: a trace, or a search in a stretch of time.
fn web_ui(rest: &str) -> Result<Thing, Unknown> {
    let plain = decoded(rest);
    let hex = |part: &&str| part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(trace) = plain.split(|c: char| !c.is_ascii_alphanumeric()).find(hex).and_then(id) {
        return Ok(Thing { what: "an address of ClickStack that names a trace".to_owned(), ..trace });
    }
    let stretch = Stretch { since: parameter(&plain, "from"), until: parameter(&plain, "to") };
    let function = ["faas.name", "ServiceName", "service"].iter().find_map(|key| value_after(&plain, key));
    match function {
        Some(function) => Ok(of_function("an address of ClickStack about", function, stretch)),
        None => Err(Unknown("an address that names neither a trace nor a function")),
    }
}

/// `faas.name:"checkout"`, `ResourceAttributes['faas.name'] = 'checkout'`, `ServiceName:checkout`.
fn value_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(key)?;
    let value = rest.trim_start_matches(['\'', '"', ']', ' ', '+', '=', ':']);
    let value = word(value);
    (value.len() < rest.len() && !value.is_empty()).then_some(value)
}

/// Up to what cannot be in a function's name or an id.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
    &text[..end]
}

/// `start=1732284000000` in milliseconds, or `start=-3600000` before now; in nanoseconds.
fn parameter(text: &str, name: &str) -> Option<i64> {
    text.split(['?', '&', '~', '#']).find_map(|pair| {
        let value = pair.strip_prefix(name)?.trim_start_matches(['=', '~', '\'']);
        value.parse::<i64>().ok()?.checked_mul(1_000_000)
    })
}

/// Percent signs, CloudWatch's `$25` and Logs Insights' `*2f`, undone until nothing changes: consoles escape what they escaped.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let next = decoded_once(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn decoded_once(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = matches!(byte, b'%' | b'$' | b'*').then(|| bytes.get(at + 1..at + 3)).flatten().and_then(hex);
        match code {
            Some(code) => {
                plain.push(code);
                at += 3;
            }
            None => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let code = u8::from_str_radix(text, 16).ok()?;
    // No console escapes a control character: `$0a` is a variable's name.
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(code).filter(|code| *code >= b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "trace 5759e988bd862e3fe1be46a994272793";
    const REQUEST: &str = "trace 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";

    fn opened(text: &str) -> String {
        recognise(text).map_or_else(|error| error.to_string(), |thing| thing.command.join(" "))
    }

    #[test]
    fn ids_and_headers_are_traces() {
        for (text, command) in [
            ("5759e988bd862e3fe1be46a994272793", TRACE),
            ("1-5759e988-bd862e3fe1be46a994272793", TRACE),
            ("X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", TRACE),
            ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", TRACE),
            ("traceparent: 00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", TRACE),
            ("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", TRACE),
            ("  7F3A91C2-3f0e-4a53-9d0c-0a6d6c4f1b11\n", REQUEST),
            ("\"7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11\"", REQUEST),
        ] {
            assert_eq!(opened(text), command, "{text}");
        }
    }

    #[test]
    fn names_and_arns_are_functions() {
        for text in [
            "checkout",
            "/aws/lambda/checkout",
            "arn:aws:lambda:eu-west-1:123456789012:function:checkout",
            "arn:aws:lambda:eu-west-1:123456789012:function:checkout:42",
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:checkout:live",
            "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/checkout:*",
        ] {
            assert_eq!(opened(text), "tail checkout", "{text}");
        }
        assert_eq!(opened("pay-*"), "tail pay-*");
        assert_eq!(opened("/pay.*/"), "tail /pay.*/");
    }

    #[test]
    fn addresses_of_awss_consoles_are_what_they_name() {
        let console = "https://eu-west-1.console.aws.amazon.com";
        for (path, command) in [
            (
                "/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout",
                "tail checkout",
            ),
            (
                "/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout/log-events/2026$252F11$252F22$252F$255B$2524LATEST$255D0f1e$3Fstart$3D1795356131204$26end$3D1795356191204",
                "logs checkout --since 2026-11-22T14:02:11.204000000Z --until 2026-11-22T14:03:11.204000000Z",
            ),
            (
                "/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout/log-events$3Fstart$3D-3600000",
                "logs checkout --since 3600s",
            ),
            (
                "/cloudwatch/home?region=eu-west-1#logsV2:logs-insights$3FqueryDetail$3D~(end~0~start~-3600~source~(~'*2faws*2flambda*2fcheckout))",
                "tail checkout",
            ),
            ("/cloudwatch/home?region=eu-west-1#xray:traces/1-5759e988-bd862e3fe1be46a994272793", TRACE),
            ("/xray/home?region=eu-west-1#/traces/1-5759e988-bd862e3fe1be46a994272793?timeRange=PT5M", TRACE),
            ("/lambda/home?region=eu-west-1#/functions/checkout?tab=monitoring", "tail checkout"),
            ("/lambda/home?region=eu-west-1#/functions/checkout/versions/42?tab=code", "tail checkout"),
        ] {
            assert_eq!(opened(&format!("{console}{path}")).replace("--until 0s", "").trim_end(), command, "{path}");
        }
    }

    #[test]
    fn addresses_of_clickstack_are_what_they_name() {
        for (path, command) in [
            ("/trace?traceId=5759e988bd862e3fe1be46a994272793", TRACE),
            ("/search?source=logs&where=TraceId%3A%225759e988bd862e3fe1be46a994272793%22", TRACE),
            (
                "/search?where=ServiceName%3A%22checkout%22&from=1795356131204&to=1795356191204",
                "logs checkout --since 2026-11-22T14:02:11.204000000Z --until 2026-11-22T14:03:11.204000000Z",
            ),
            ("/search?where=ResourceAttributes%5B%27faas.name%27%5D+%3D+%27checkout%27", "tail checkout"),
        ] {
            assert_eq!(opened(&format!("https://hyperdx.example:8080{path}")), command, "{path}");
        }
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for text in [
            "",
            "  ",
            "two words",
            "https://example.com/",
            "arn:aws:s3:::bucket",
            "https://eu-west-1.console.aws.amazon.com/s3",
        ] {
            assert!(recognise(text).is_err(), "{text}");
        }
        let error = recognise("https://console.aws.amazon.com.evil.example/lambda#/functions/x").unwrap_err();
        assert!(error.to_string().contains("neither a trace nor a function"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_pasted_is_too_odd(text: String) {
            let _ = recognise(&text);
            let _ = recognise(&format!("https://console.aws.amazon.com/{text}"));
        }
    }
}
