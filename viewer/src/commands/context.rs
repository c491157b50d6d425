//! `lambdaview context`: the servers in the configuration file.

use std::io::Write as _;

use super::write;
use crate::{
    args::{AddArgs, Cli, ContextAction, Output},
    error::Error,
    format::inert,
    render::{context as render, style::Paint},
    settings::{self, Config, Context, Environment, Named, PasswordSource, config, put_into_keyring, usage},
};

/// `lambdaview context`.
///
/// # Errors
/// When the file cannot be read, written or understood, or there is no such context.
pub fn context(action: &ContextAction, cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    match action {
        ContextAction::Ls => ls(cli, environment),
        ContextAction::Use { name } => use_it(name, environment),
        ContextAction::Add(args) => add(args, cli, environment),
        ContextAction::Show { name } => show(name.as_deref(), cli, environment),
    }
}

fn ls(cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    let config = Config::load(environment)?;
    let current = settings::context(&cli.connection, &config, environment)?.map(|(name, ..)| name);
    let rows: Vec<render::Row<'_>> = config
        .contexts
        .iter()
        .map(|(name, context)| render::Row { name, context, current: current.as_ref() == Some(name) })
        .collect();
    if cli.display.output == Some(Output::Json) {
        return write(&rows.iter().map(render::json).collect::<String>());
    }
    if rows.is_empty() {
        say("there is no context yet; `lambdaview context add NAME --url URL --user NAME --keyring` makes one");
        return Ok(());
    }
    write(&render::table(&rows, Paint { colour: settings::look(&cli.display, &config, environment).colour }))
}

fn use_it(name: &str, environment: &impl Environment) -> Result<(), Error> {
    let path = config::path(environment)?;
    let text = config::text(&path)?.unwrap_or_default();
    Config::parse(&text, &path)?.named(name)?;
    let text = config::with_current(&text, name).map_err(|error| usage(&error.to_string(), None))?;
    config::write(&path, &text)?;
    say(&format!("context {name} is used when nothing else is said"));
    Ok(())
}

fn add(args: &AddArgs, cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    let AddArgs { name, .. } = args;
    let path = config::path(environment)?;
    let text = config::text(&path)?.unwrap_or_default();
    let known = Config::parse(&text, &path)?;
    if known.contexts.contains_key(name) && !args.replace {
        return Err(usage(&format!("there is a context {name} already"), Some("--replace, or another name")));
    }
    let context = described(args, cli)?;
    if let Some(PasswordSource::Keyring(entry)) = &context.password {
        put_into_keyring(entry)?;
    }
    let changed = config::with_context(&text, name, &context)
        .and_then(|text| if args.use_it { config::with_current(&text, name) } else { Ok(text) });
    config::write(&path, &changed.map_err(|error| usage(&error.to_string(), None))?)?;
    say(&format!("context {name} stands in {}; try: lambdaview -c {name} doctor", path.display()));
    Ok(())
}

/// The context that the flags describe.
fn described(args: &AddArgs, cli: &Cli) -> Result<Context, Error> {
    let flags = &cli.connection;
    let url =
        flags.url.as_deref().ok_or_else(|| usage("a context needs an address", Some("--url https://HOST:8443")))?;
    let password = match (&args.keyring, &args.password_command, &flags.password_file) {
        (Some(entry), ..) => {
            let entry = entry.clone().unwrap_or_else(|| format!("lambdaview/{}", args.name));
            Some(PasswordSource::Keyring(entry))
        }
        (_, Some(command), _) => Some(PasswordSource::Command(command.split_whitespace().map(str::to_owned).collect())),
        (.., Some(file)) => Some(PasswordSource::File(std::path::absolute(file)?)),
        _ => flags.ask_password.then_some(PasswordSource::Prompt),
    };
    Ok(Context {
        url: Some(settings::checked_url(url)?),
        user: flags.user.clone(),
        password,
        database: flags.database.clone(),
        ca: flags.ca.as_ref().map(std::path::absolute).transpose()?,
        fn_attr: args.fn_attr.clone(),
        hyperdx: args.hyperdx.as_deref().map(settings::checked_url).transpose()?,
    })
}

fn show(name: Option<&str>, cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    let config = Config::load(environment)?;
    let mut flags = cli.connection.clone();
    flags.context = name.map(str::to_owned).or(flags.context);
    let context = settings::context(&flags, &config, environment)?;
    let origin = settings::origin(&flags, &config, environment)?;
    if cli.display.output == Some(Output::Json) {
        return write(&render::origin_json(&origin, context.as_ref().map(|(name, ..)| name.as_str())));
    }
    let title = context.map_or_else(String::new, |(name, _, named)| match named {
        Named::Asked => format!("context {name}"),
        Named::Usual => format!("context {name}, the one used when nothing else is said"),
    });
    write(&render::origin(&title, &origin, Paint { colour: settings::look(&cli.display, &config, environment).colour }))
}

fn say(text: &str) {
    // Nobody may be listening on stderr, which is no reason to fail.
    let _ = writeln!(std::io::stderr(), "lambdaview: {}", inert(text));
}
