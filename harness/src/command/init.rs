//! `firmproof init`: the profile of a device of the user's own, from questions or options.

use std::io::{IsTerminal, Write};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use firmproof::profile::Profile;

use super::Outcome;

/// A protocol of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Mqtt,
    Http,
    Ntp,
}

/// What the device may do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Liveness {
    Reconnects,
    Runs,
    Restarted,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof init\n  firmproof init --name sensor --protocols mqtt,http --http 192.168.1.20:80 --mqtt 0.0.0.0:1883\n  \
    firmproof init --name my-client --protocols mqtt --command \"./client --broker {mqtt_host}:{mqtt_port}\" -o client.toml\n\n\
    Without --name it asks. Then: firmproof run --dut FILE"
)]
pub(super) struct Arguments {
    /// The device's name in reports
    #[arg(long)]
    name: Option<String>,
    /// What it speaks: an MQTT client, an HTTP server, an (S)NTP client
    #[arg(long, value_delimiter = ',', value_name = "mqtt,http,ntp")]
    protocols: Vec<Protocol>,
    /// The command that starts it, with placeholders such as {mqtt_port}; without one it runs already
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// Its HTTP server [default with --command: 127.0.0.1:{http_port}]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<String>,
    /// Where a device that runs already looks for its broker: an address of this machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    mqtt: Option<SocketAddrV4>,
    /// Where a device that runs already looks for its time server: an address of this machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    ntp: Option<SocketAddrV4>,
    /// What it does after an error: connects again, runs on, or may end
    #[arg(long, value_enum)]
    liveness: Option<Liveness>,
    /// Where to write the profile [default: NAME.toml]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answers {
    name: String,
    protocols: Vec<Protocol>,
    command: Vec<String>,
    http: Option<String>,
    mqtt: Option<SocketAddrV4>,
    ntp: Option<SocketAddrV4>,
    liveness: Option<Liveness>,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let answers = match &arguments.name {
        Some(name) => from_options(arguments, name)?,
        None if std::io::stdin().is_terminal() => ask()?,
        None => {
            return Err(
                "there is no terminal to ask at: give --name, --protocols and --command or --http, --mqtt, --ntp"
                    .into(),
            );
        }
    };
    let file = arguments
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.toml", answers.name)));
    let text = profile_text(&answers);
    // What is written is read before, so that nobody gets a profile that does not work.
    Profile::parse(&text, &file)?;
    write_new(&file, &text)?;
    println!("wrote {}", file.display());
    println!("next: firmproof run --dut {}", shown_path(&file));
    Ok(ExitCode::SUCCESS)
}

/// A path that `--dut` takes for one.
fn shown_path(file: &Path) -> String {
    let path = file.display().to_string();
    let is_path = path.ends_with(".toml") || path.contains('/');
    if is_path { path } else { format!("./{path}") }
}

fn write_new(file: &Path, text: &str) -> Result<(), String> {
    let opened = std::fs::File::create_new(file);
    let mut opened = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!(
            "{} is there already: choose another file with -o, or remove it first",
            file.display()
        ),
        _ => format!("{}: {error}", file.display()),
    })?;
    opened
        .write_all(text.as_bytes())
        .map_err(|error| format!("{}: {error}", file.display()))
}

fn from_options(arguments: &Arguments, name: &str) -> Result<Answers, String> {
    if arguments.protocols.is_empty() {
        return Err("--protocols: which of mqtt, http and ntp does the device speak?".into());
    }
    let command = arguments.command.as_deref().map(words).unwrap_or_default();
    Ok(Answers {
        name: valid_name(name)?,
        protocols: arguments.protocols.clone(),
        http: arguments.http.clone().or_else(|| own_port(&command)),
        command,
        mqtt: arguments.mqtt,
        ntp: arguments.ntp,
        liveness: arguments.liveness,
    })
}

fn own_port(command: &[String]) -> Option<String> {
    (!command.is_empty()).then(|| "127.0.0.1:{http_port}".into())
}

/// A name that is a file's name too.
fn valid_name(name: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(name.into());
    }
    Err(format!(
        "`{name}`: a name has letters, digits, `-`, `_` and `.` only"
    ))
}

/// The words of a command line; quotes keep one together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Asks until the answer can be used.
fn question<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    loop {
        print!("{text} ");
        let mut line = String::new();
        std::io::stdout()
            .flush()
            .and_then(|()| std::io::stdin().read_line(&mut line))
            .map_err(|error| error.to_string())?;
        if line.is_empty() {
            return Err("the questions were not answered; nothing is written".into());
        }
        match read(line.trim()) {
            Ok(answer) => return Ok(answer),
            Err(problem) => println!("{problem}"),
        }
    }
}

fn ask() -> Result<Answers, String> {
    let name = question("Name of the device?", valid_name)?;
    let protocols = question(
        "What does it speak? mqtt (client), http (server), ntp (client), with commas:",
        |line| {
            let read = |part: &str| Protocol::from_str(part.trim(), true);
            line.split(',').map(read).collect::<Result<Vec<_>, _>>()
        },
    )?;
    let command = question(
        "Command that starts it, with {mqtt_host} {mqtt_port} {ntp_host} {ntp_port} {http_port}; empty when it runs already:",
        |line| Ok(words(line)),
    )?;
    let running = command.is_empty();
    let speaks = |protocol| protocols.contains(&protocol);
    let address = |line: &str| {
        line.parse::<SocketAddrV4>()
            .map(Some)
            .map_err(|_| format!("`{line}`: an IPv4 address and a port, such as 0.0.0.0:1883"))
    };
    let http = match (speaks(Protocol::Http), running) {
        (true, true) => {
            let at = question("Address and port of its HTTP server?", address)?;
            at.map(|at| at.to_string())
        }
        (true, false) => own_port(&command),
        (false, _) => None,
    };
    let mut mqtt = None;
    let mut ntp = None;
    if running && speaks(Protocol::Mqtt) {
        mqtt = question(
            "Where does it look for its broker (address of this machine)?",
            address,
        )?;
    }
    if running && speaks(Protocol::Ntp) {
        ntp = question(
            "Where does it look for its time server (address of this machine)?",
            address,
        )?;
    }
    let liveness = question(
        "After an error it: reconnects, runs (on), or may be restarted; empty when you do not know:",
        |line| match line {
            "" => Ok(None),
            other => Liveness::from_str(other, true).map(Some),
        },
    )?;
    Ok(Answers {
        name,
        protocols,
        command,
        http,
        mqtt,
        ntp,
        liveness,
    })
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

fn profile_text(answers: &Answers) -> String {
    let speaks = |protocol| answers.protocols.contains(&protocol);
    let protocols: Vec<String> = [
        (Protocol::Mqtt, "mqtt"),
        (Protocol::Http, "http"),
        (Protocol::Ntp, "ntp"),
    ]
    .into_iter()
    .filter(|(protocol, _)| speaks(*protocol))
    .map(|(_, name)| quoted(name))
    .collect();
    let mut text = format!(
        "# The profile of one device under test; every key: harness/docs/interfaces.md, \"Profile\".\n\
         name = {}\nkind = \"external\"\ndescription = \"\"\n\
         # What it can do; cases that need more are skipped by name. `firmproof list --json` shows what each needs.\n\
         capabilities = [{}]\n",
        quoted(&answers.name),
        protocols.join(", "),
    );
    text += "# What it does after an error: \"reconnects\", \"runs\" on, or may end and be \"restarted\". Without it only a\n\
             # crash fails.\n";
    text += &match answers.liveness {
        Some(liveness) => format!(
            "liveness = \"{}\"\n",
            format!("{liveness:?}").to_lowercase()
        ),
        None if speaks(Protocol::Mqtt) => "# liveness = \"reconnects\"\n".into(),
        None => "# liveness = \"runs\"\n".into(),
    };
    if speaks(Protocol::Mqtt) && answers.liveness == Some(Liveness::Reconnects) {
        text += "# Seconds within which its MQTT client connects again, when it may take more than 10.\n\
                 # reconnect_s = 30\n";
    }
    let fixed: Vec<String> = [
        answers
            .http
            .as_ref()
            .filter(|_| speaks(Protocol::Http))
            .map(|http| {
                format!(
                    "http = {}\n# A resource there that answers GET, if \"/\" does not.\n# path = \"/index.html\"\n",
                    quoted(http)
                )
            }),
        answers.mqtt.map(|at| {
            format!(
                "# Where it looks for its broker. Set `subscribes` when it subscribes to fp/probe/# at QoS 2.\n\
                 mqtt = \"{at}\"\nsubscribes = false\n"
            )
        }),
        answers
            .ntp
            .map(|at| format!("# Where it looks for its time server.\nntp = \"{at}\"\n")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !fixed.is_empty() {
        text += &format!("\n[at]\n{}", fixed.concat());
    }
    if answers.command.is_empty() {
        text += "# Seconds that it may take to come.\nwait_s = 30\n";
        text += "\n# Commands that reset it before each case, or switch its power (then list `power` above).\n\
                 # [power]\n# reset = [\"./reset.sh\"]\n# on = [\"./power.sh\", \"on\"]\n# off = [\"./power.sh\", \"off\"]\n";
    } else {
        let command: Vec<String> = answers.command.iter().map(|word| quoted(word)).collect();
        text += &format!(
            "\n[start]\n# Braces of its own are doubled. `{{folder}}` is a folder of its own for each case.\n\
             command = [{}]\n\
             # A part of the console line that means \"ready\"; without it an open HTTP port does.\n\
             # ready_line = \"started\"\n",
            command.join(", ")
        );
        text += "# Fixed ports such as 123 and 1883, in a network namespace of the run:\n# network = \"own\"\n";
        if speaks(Protocol::Mqtt) {
            text += "\n# Arguments that tell it a setting, when a case needs one; what is missing is skipped by name.\n\
                     [start.settings]\n\
                     # client_id = [\"-i\", \"{client_id}\"]\n\
                     # subscription = [\"-t\", \"{filter}\", \"-q\", \"{qos}\"]\n\
                     # keep_alive = [\"-k\", \"{keep_alive}\"]\n\
                     # persistent_session = [\"-c\"]\n\
                     # user_name = [\"-u\", \"{user_name}\"]\n\
                     # password = [\"-P\", \"{password}\"]\n";
        }
        text += "\n# Files that are written before each start, by their path in the bench's folder.\n\
                 # [start.files]\n# \"my.conf\" = \"port = {http_port}\\n\"\n";
    }
    text += "\n# Where its state can be seen.\n# [observe]\n";
    if speaks(Protocol::Ntp) {
        text += "# clock = { console = \"clock set, unix time {unix_s}\" }\n\
                 # clock = { http = { path = \"/status\", unix_s = \"/time/unix_s\" } }\n";
    }
    if speaks(Protocol::Ntp) && speaks(Protocol::Mqtt) {
        text += "# clock = { topic = { name = \"my/state\", unix_s = \"/time/unix_s\" } }\n";
    }
    if speaks(Protocol::Mqtt) {
        text += "# message = \"message: {payload_hex}\"\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(command: &str) -> Answers {
        let command = words(command);
        let running = command.is_empty();
        Answers {
            name: "sensor".into(),
            protocols: vec![Protocol::Ntp, Protocol::Mqtt, Protocol::Http],
            http: Some(if running {
                "192.0.2.7:80".into()
            } else {
                "127.0.0.1:{http_port}".into()
            }),
            mqtt: running.then(|| SocketAddrV4::new([0, 0, 0, 0].into(), 1883)),
            ntp: running.then(|| SocketAddrV4::new([0, 0, 0, 0].into(), 123)),
            command,
            liveness: Some(Liveness::Reconnects),
        }
    }

    /// The profile with every comment that is a key or a table turned on.
    fn with_all(text: &str) -> String {
        let is_key = |line: &str| line.starts_with('[') || line.contains(" = ");
        text.lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(key)
                    if is_key(key)
                        && !key.contains("http = {")
                        && !key.contains("topic = {")
                        && !key.contains("network") =>
                {
                    key
                }
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn what_is_written_is_a_profile_and_so_is_every_comment_in_it() {
        for command in ["./sensor --broker {mqtt_host}:{mqtt_port} 'a b'", ""] {
            let text = profile_text(&answers(command));
            let profile = Profile::parse(&text, Path::new("sensor.toml")).unwrap();
            assert_eq!(profile.name, "sensor");
            assert_eq!(profile.start.is_none(), command.is_empty());
            let all = with_all(&text);
            let profile = Profile::parse(&all, Path::new("sensor.toml")).unwrap();
            assert!(profile.observe.clock.is_some() && profile.observe.message.is_some());
        }
    }

    #[test]
    fn the_profile_of_a_device_that_runs_already() {
        insta::assert_snapshot!(profile_text(&answers("")));
    }

    #[test]
    fn a_command_line_is_read_as_a_shell_would_without_its_expansions() {
        assert_eq!(
            words("a 'b c'  \"d\" e\\f ''"),
            ["a", "b c", "d", "e\\f", ""]
        );
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sensor.toml");
        write_new(&file, "mine").unwrap();
        let error = write_new(&file, "yours").unwrap_err();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
}
