use super::*;

#[test]
fn a_mistake_names_file_line_key_and_what_is_allowed() {
    let text = "name = \"x\"\nkind = \"host\"\ncapabilities = [\"mqtt\", \"telepathy\"]\n";
    let error = Profile::parse(text, Path::new("x.toml")).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn an_unknown_key_is_named_with_the_known_ones() {
    let text = "name = \"x\"\nkind = \"host\"\ncapabilities = []\npower = true\n";
    let error = Profile::parse(text, Path::new("x.toml")).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn a_host_device_may_be_another_program_without_arguments() {
    let profile = |start: &str| {
        let text = format!("name = \"x\"\nkind = \"host\"\ncapabilities = []\n{start}");
        Profile::parse(&text, Path::new("x.toml"))
    };
    let program = |start| profile(start).unwrap().host_program().unwrap();
    assert_eq!(program(""), std::env::current_exe().unwrap());
    assert_eq!(
        program("[start]\ncommand = [\"./other\"]"),
        Path::new("./other")
    );
    for start in [
        "command = [\"a\", \"b\"]",
        "command = [\"a\"]\nready_line = \"up\"",
        "command = [\"a\"]\n[start.files]\na = \"b\"",
    ] {
        let error = profile(&format!("[start]\n{start}")).unwrap_err();
        assert!(error.to_string().contains("and nothing else"), "{error}");
    }
}

/// Everything after `kind = "external"` and a name.
fn refused(rest: &str) -> String {
    let text = format!("name = \"x\"\nkind = \"external\"\n{rest}");
    let error = Profile::parse(&text, Path::new("x.toml")).unwrap_err();
    error.to_string()
}

#[test]
fn mistakes_in_the_profile_of_a_foreign_program_name_line_and_what_is_allowed() {
    let started = "capabilities = [\"mqtt\"]\n[start]\ncommand = [\"a\"]\n";
    let mistakes = [
        "capabilities = [\"mqtt\"]\n[start]\ncommand = []\n".into(),
        "capabilities = [\"mqtt\"]\n".into(),
        "capabilities = [\"http\"]\n[start]\ncommand = [\"a\"]\n".into(),
        "capabilities = [\"power\"]\n[at]\nmqtt = \"0.0.0.0:1883\"\n".into(),
        "capabilities = [\"lab.frames\"]\n[start]\ncommand = [\"a\"]\n".into(),
        "capabilities = [\"mqtt\"]\n[at]\nmqtt = \"my-laptop\"\n".into(),
        format!("{started}command = [\"b\"]\n"),
        format!("{started}shell = true\n"),
        format!("{started}deadline_s = \"soon\"\n"),
        format!("{started}[start.files]\n\"../a\" = \"\"\n"),
        format!("{started}[start.settings]\nqos = [\"-q\"]\n"),
        format!("{started}[observe]\nmessage = \"got it\"\n"),
        format!("{started}[power]\nreset = []\n"),
        format!("liveness = \"reconnects\"\nreconnect_s = 600\n{started}"),
        format!("liveness = \"runs\"\nreconnect_s = 30\n{started}"),
        format!("{started}[observe.clock.topic]\nname = \"a/#\"\nunix_s = \"/t\"\n"),
        "capabilities = [\"ntp\"]\n[start]\ncommand = [\"a\"]\n[observe]\n\
         clock = { topic = { name = \"a\", unix_s = \"/t\" } }\n"
            .into(),
    ];
    let shown: Vec<String> = mistakes.iter().map(|rest: &String| refused(rest)).collect();
    insta::assert_snapshot!(shown.join("\n----\n"));
}

#[test]
fn a_device_that_is_not_started_is_judged_one_case_at_a_time() {
    let profile = |rest: &str| {
        let text = format!("name = \"x\"\nkind = \"external\"\ncapabilities = [\"http\"]\n{rest}");
        Profile::parse(&text, Path::new("x.toml")).unwrap()
    };
    let running = "[at]\nhttp = \"192.0.2.7:80\"\n";
    assert_eq!(profile(running).most_jobs(), Some(1));
    assert_eq!(
        profile(&format!("jobs = 4\n{running}")).most_jobs(),
        Some(4)
    );
    let started = "[at]\nhttp = \"127.0.0.1:{http_port}\"\n[start]\ncommand = [\"a\"]\n";
    assert_eq!(profile(started).most_jobs(), None);
    let own = profile(&format!("{started}network = \"own\"\n"));
    assert!(own.most_jobs() == Some(1) && own.has(Capability::LabAddresses));
}

#[test]
fn every_profile_of_the_repository_is_one_and_has_its_file_s_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/duts");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let profile = Profile::read(&path).unwrap();
        assert_eq!(Some(std::ffi::OsStr::new(&profile.name)), path.file_stem());
        count += 1;
    }
    assert!(count >= 11, "{count}");
}

#[test]
fn settings_of_qemu_are_refused_for_another_kind() {
    let text = "name = \"x\"\nkind = \"host\"\ncapabilities = []\n[qemu]\nelf = \"a.elf\"";
    let error = Profile::parse(text, Path::new("x.toml")).unwrap_err();
    assert!(error.to_string().contains("of kind \"host\""), "{error}");
    let mut host = Profile::find("host").unwrap();
    let error = host.set_elf("a.elf".into()).unwrap_err();
    assert!(error.contains("`host` is of kind host"), "{error}");
}

#[test]
fn the_built_in_profiles_are_profiles() {
    for (name, text) in BUILT_IN {
        assert_eq!(Profile::parse(text, Path::new(name)).unwrap().name, name);
    }
}
