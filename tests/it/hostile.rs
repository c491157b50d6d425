//! What a log says may be meant for the terminal that shows it. Every command, in every form of output, on a real terminal: nothing that
//! acts on a terminal comes out of the data, of names, of messages of the server, or of what was typed.

use crate::desk::Desk;
use clap::CommandFactory as _;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::{terminal::Terminal, viewer::Viewer};
use std::{collections::BTreeSet, fmt::Write as _, fs};

const TRACE: &str = "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b";

/// Every form in which text acts on a terminal: C0, DEL, C1, sequences that begin with either, and what turns the direction of
/// writing or is invisible. `X` stands between them, so that none hides another.
fn hostile() -> String {
    let mut text = String::from("X");
    for code in (0..=0x1f).chain(0x7f..=0x9f) {
        let c = char::from_u32(code).unwrap();
        write!(text, "{c}X").unwrap();
    }
    for sequence in [
        "\x1b[2J",
        "\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b]52;c;aGk=\x1b\\",
        "\x1bP+q544e\x1b\\",
        "\x1b(0",
        "\x1bc",
        "\x1b[6n",
        "\x1b[?1049h",
        "\u{9b}2J",
        "\u{9d}0;title\u{9c}",
        "\u{90}x\u{9c}",
        "\x1b_x\x1b\\",
        "\x1b^x\x1b\\",
        "\r\nX\r",
        "\x08\x08",
        "\x0e",
        "\x05",
    ] {
        write!(text, "{sequence}X").unwrap();
    }
    for c in "\u{061c}\u{200b}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2028}\u{2029}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{fff9}\u{e0041}".chars() {
        write!(text, "{c}X").unwrap();
    }
    text
}

/// Text as ClickHouse takes it in a statement.
fn in_sql(text: &str) -> String {
    let hex: String = text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!("unhex('{hex}')")
}

/// A database whose every text is hostile.
async fn desk() -> Desk {
    let desk = Desk::new(Layout::Items).await;
    // With bytes that are no UTF-8: C1, were they characters.
    let text = format!("concat({}, unhex('9b324a9d58'))", in_sql(&hostile()));
    // A glob's `*` stops at a line's end, and a name that is no UTF-8 cannot be asked for.
    let name = in_sql(&hostile().replace('\n', ""));
    for rows in
        [include_str!("../fixtures/sql/rows/hostile_logs.sql"), include_str!("../fixtures/sql/rows/hostile_spans.sql")]
    {
        desk.execute(&rows.replace("{text}", &text).replace("{name}", &name).replace("{trace}", TRACE)).await;
    }
    desk
}

/// What acts on a terminal in `shown`, our own colours, line ends and spinner aside.
fn acting(shown: &str) -> BTreeSet<String> {
    // The terminal itself puts a return before each line's end.
    let shown = shown.replace("\r\n", "\n").replace("\r\x1b[K", "");
    let mut acting = BTreeSet::new();
    let mut rest = shown.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(length) = colour(rest) {
            rest = &rest[length..];
            continue;
        }
        let bidi = matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if (c.is_control() && c != '\n') || bidi {
            acting.insert(format!("U+{:04X}", u32::from(c)));
        }
        rest = &rest[c.len_utf8()..];
    }
    acting
}

/// How long a sequence that sets a colour is, such as `ESC [ 31 m`.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// Contexts whose every text is hostile.
fn configure(viewer: &Viewer) {
    let text: String = hostile().chars().fold(String::new(), |mut text, c| {
        write!(text, "\\U{:08X}", u32::from(c)).unwrap();
        text
    });
    let folder = viewer.home().join(".config/lambdaview");
    fs::create_dir_all(&folder).unwrap();
    let context = format!(
        "[contexts.\"{text}\"]\nurl = \"http://x\"\nuser = \"{text}\"\ndatabase = \"{text}\"\npassword = {{ keyring = \"{text}\" }}\n"
    );
    fs::write(folder.join("config.toml"), context).unwrap();
}

async fn shown(viewer: &Viewer, arguments: &[&str]) -> String {
    let mut terminal: Terminal = viewer.on_terminal(arguments);
    terminal.ended().await;
    without_sign(&terminal.shown())
}

/// Without our own sign that something takes long, which turns in its place and is taken away again.
fn without_sign(shown: &str) -> String {
    const TAKEN_AWAY: &str = "\r\x1b[K";
    const END: &str = ", Ctrl-C stops it";
    let mut left = String::new();
    let mut after_sign = true;
    for part in shown.split(TAKEN_AWAY) {
        let sign = part.split_once(END).filter(|(sign, _)| sign.contains(" reading "));
        if !after_sign && sign.is_none() {
            left.push_str(TAKEN_AWAY);
        }
        left.push_str(sign.map_or(part, |(_, rest)| rest));
        after_sign = sign.is_some();
    }
    left
}

/// Every command that shows what others wrote, and the forms of output it has. `HOSTILE` stands for all of it as an argument.
const COMMANDS: &[(&str, &[&str])] = &[
    ("tail * --no-follow -n all", &["pretty", "json"]),
    ("tail HOSTILE --no-follow", &["pretty"]),
    ("trace TRACE --static", &["pretty", "json"]),
    ("trace TRACE --static --full", &["pretty"]),
    ("trace HOSTILE", &["pretty"]),
    ("logs * --no-pager", &["pretty", "short", "raw", "json", "logfmt", "csv", "detailed"]),
    ("logs --no-pager -q HOSTILE", &["pretty"]),
    ("logs --no-pager --filter-pattern HOSTILE", &["pretty"]),
    ("functions", &["pretty", "json", "csv"]),
    ("invocations *", &["pretty", "json", "csv"]),
    ("errors", &["pretty", "json", "csv"]),
    ("cold", &["pretty", "json", "csv"]),
    ("environments *", &["pretty", "json", "csv"]),
    ("cost", &["pretty", "json"]),
    ("patterns", &["pretty", "json", "csv"]),
    ("patterns --by function,version,level", &["pretty"]),
    ("patterns HOSTILE", &["pretty"]),
    ("sql SELECT\u{a0}*\u{a0}FROM\u{a0}otel_logs", &["pretty", "json", "csv"]),
    ("sql SELECT\u{a0}Body\u{a0}FROM\u{a0}otel_logs\u{a0}FORMAT\u{a0}RawBLOB", &["pretty"]),
    ("sql HOSTILE", &["pretty"]),
    ("sql SELECT\u{a0}throwIf(Body\u{a0}!=\u{a0}'',\u{a0}Body)\u{a0}FROM\u{a0}otel_logs", &["pretty"]),
    ("doctor", &["pretty", "json"]),
    ("doctor *", &["pretty", "json"]),
    ("doctor HOSTILE", &["pretty", "json"]),
    ("open HOSTILE", &["pretty"]),
    ("context ls", &["pretty", "json"]),
    ("context show", &["pretty", "json"]),
    ("context show HOSTILE", &["pretty"]),
    ("config show", &["pretty"]),
    ("schema plan", &["pretty", "json"]),
    ("help HOSTILE", &["pretty"]),
    ("man /dev/null/HOSTILE", &["pretty"]),
];

/// Whether what others wrote must be in it: a command that finds nothing proves nothing.
fn tells(command: &str) -> bool {
    command.contains('*')
        || ["trace TRACE", "functions", "errors", "cold", "cost", "patterns"]
            .iter()
            .any(|start| command.starts_with(start))
}

/// These show nothing that others wrote, or the same as another one (`top` draws `functions`), or have tests of their own (`ui`; what
/// `attach` and `detach` show is looked at where it is drawn).
const ELSEWHERE: &[&str] = &["top", "ui", "local", "completions", "attach", "detach"];

#[tokio::test]
async fn nothing_from_elsewhere_acts_on_the_terminal() {
    let desk = desk().await;
    let viewer = desk.viewer();
    configure(&viewer);
    // An argument cannot hold a zero byte.
    let argument = hostile().replace('\0', "");
    let mut faults = Vec::new();
    for (command, forms) in COMMANDS {
        // Only what is drawn for people has colours.
        let colours = |form: &str| if form == "pretty" { &["never", "always"][..] } else { &["always"] };
        for (form, colour) in forms.iter().flat_map(|form| colours(form).iter().map(move |colour| (form, *colour))) {
            let words: Vec<String> = command
                .split(' ')
                .map(|word| word.replace('\u{a0}', " ").replace("HOSTILE", &argument).replace("TRACE", TRACE))
                .collect();
            let flags = ["-o", form, "--color", colour].map(str::to_owned);
            // What was typed may begin with a dash or a bracket: flags stand before it.
            let words: Vec<&str> = flags.iter().chain(&words).map(String::as_str).collect();
            let shown = shown(&viewer, &words).await;
            assert!(!shown.trim().is_empty(), "{command} -o {form}: shows nothing");
            assert!(
                !tells(command) || shown.contains(['␁', '␛']) || shown.contains("\\u0001"),
                "{command} -o {form}: {shown}"
            );
            let mut acting = acting(&shown);
            if **form == *"raw" {
                // The text alone, with its tabs: these go no further than the line.
                acting.remove("U+0009");
            }
            if !acting.is_empty() {
                faults.push(format!("{command} -o {form} --color {colour}: {acting:?}"));
            }
            if colour == "never" && shown.contains('\x1b') {
                faults.push(format!("{command} -o {form} --color never: has colours"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_command_is_looked_at() {
    let looked_at: BTreeSet<&str> = COMMANDS.iter().filter_map(|(command, _)| command.split(' ').next()).collect();
    let cli = lambdaview::args::Cli::command();
    let missing: Vec<&str> = cli
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| !looked_at.contains(name) && !ELSEWHERE.contains(name))
        .collect();
    assert!(missing.is_empty(), "not looked at: {missing:?}");
}

#[test]
fn what_acts_is_found_and_our_own_colours_are_not_meant() {
    assert!(acting("\x1b[31mred\x1b[0m\r\nplain ␛[2J <U+009B>\n").is_empty());
    assert_eq!(without_sign("a\r\x1b[Kb"), "a\r\x1b[Kb");
    assert_eq!(without_sign("a\r\x1b[K⣾ reading 1s, Ctrl-C stops it\r\x1b[Kb\n"), "ab\n");
    for text in ["\x1b[2J", "\x1b]0;x\x07", "\u{9b}2J", "a\rb", "\u{202e}", "\t", "\x1b[31"] {
        assert!(!acting(text).is_empty(), "{text:?}");
    }
    assert!(hostile().chars().filter(|c| c.is_control()).collect::<BTreeSet<_>>().len() == 65);
}
