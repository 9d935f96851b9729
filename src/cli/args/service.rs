//! The options that choose and adjust a reference service; several commands take them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::redaction::without_password;
use crate::run::ReferenceService;
use crate::service::{Durations, Settings, SettingsError};

/// Which reference service, and how it differs from its preset.
#[derive(Debug, Clone, Args)]
pub struct ServiceArgs {
    /// Preset of the reference service (`statusgap serve --list-presets` explains each)
    #[arg(long, value_name = "PRESET", default_value = "deferred")]
    pub service: String,
    /// Number of workers behind the one port, each with its own memory [default: the preset's, mostly 1]
    #[arg(long, value_name = "N", value_parser = some_workers)]
    pub workers: Option<usize>,
    /// Database that all workers share: memory, embedded, or redis://host:port/db [default: memory]
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,
    /// Directory of the embedded store
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Set a knob on top of the preset; may be repeated (`statusgap serve --list-knobs` explains each)
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Durations of the background work [default: the preset's]
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,
    /// A user and the bearer token that identifies them; replaces the default users; may be repeated
    #[arg(long = "user", value_name = "NAME:TOKEN")]
    pub users: Vec<String>,
}

fn some_workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("0 is not in 1..: a service has at least one worker".to_owned()),
        workers => workers.map_err(|error: std::num::ParseIntError| error.to_string()),
    }
}

/// A set of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// First snapshot at 2 s, result after about 6 s
    Default,
    /// First snapshot at 2 s, result after 160 to 174 s, as measured in production
    Production,
}

impl ServiceArgs {
    /// A preset with so many workers, and nothing else changed.
    pub fn preset(service: &str, workers: usize) -> ServiceArgs {
        ServiceArgs {
            service: service.to_owned(),
            workers: Some(workers),
            store: None,
            data_dir: None,
            set: Vec::new(),
            profile: None,
            users: Vec::new(),
        }
    }

    /// The service to be started.
    pub fn choice(&self) -> Result<ReferenceService, SettingsError> {
        let settings = self.settings()?;
        Ok(ReferenceService { note: self.describe(&settings), name: self.service.clone(), settings })
    }

    /// The choice in words, for the log. A store's address may carry a password, and users' tokens are secrets: neither is told.
    fn describe(&self, settings: &Settings) -> String {
        let mut words = vec![
            format!("preset {}", self.service),
            format!("{} worker{}", settings.workers, if settings.workers == 1 { "" } else { "s" }),
        ];
        words.push(format!("{} store", settings.store.kind()));
        if self.profile == Some(Profile::Production) {
            words.push("production durations".to_owned());
        }
        words.extend(self.set.iter().cloned());
        words.join(", ")
    }

    /// The settings: preset, then profile, then the named options, then each `--set` in order.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        self.read().map_err(without_secrets)
    }

    fn read(&self) -> Result<Settings, SettingsError> {
        let mut settings = Settings::preset(&self.service)?;
        match self.profile {
            Some(Profile::Production) => settings.durations = Durations::production(),
            Some(Profile::Default) => settings.durations = Durations::short(),
            None => {}
        }
        if let Some(workers) = self.workers {
            settings.set("workers", &workers.to_string())?;
        }
        if let Some(store) = &self.store {
            settings.set("store", store)?;
        }
        if let Some(dir) = &self.data_dir {
            settings.data_dir = Some(dir.clone());
        }
        for assignment in &self.set {
            let Some((knob, value)) = assignment.split_once('=') else {
                return Err(SettingsError::Malformed { given: assignment.clone(), form: "NAME=VALUE" });
            };
            settings.set(knob.trim(), value.trim())?;
        }
        if !self.users.is_empty() {
            settings.users.clear();
        }
        for user in &self.users {
            match user.split_once(':') {
                Some((name, token)) if !name.is_empty() && !token.is_empty() => {
                    settings.users.insert(token.to_owned(), name.to_owned());
                }
                _ => {
                    return Err(SettingsError::Malformed { given: "--user".to_owned(), form: "NAME:TOKEN" });
                }
            }
        }
        Ok(settings)
    }
}

/// What is wrong, without quoting a store's password.
fn without_secrets(error: SettingsError) -> SettingsError {
    match error {
        SettingsError::BadValue { name, value, form, nearest } => {
            SettingsError::BadValue { name, value: without_password(&value).into_owned(), form, nearest }
        }
        SettingsError::Malformed { given, form } => SettingsError::Malformed { given: without_password(&given).into_owned(), form },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        service: ServiceArgs,
    }

    fn settings(args: &[&str]) -> Result<Settings, String> {
        let cli = Cli::try_parse_from(["statusgap"].iter().chain(args)).map_err(|error| error.to_string())?;
        cli.service.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn later_and_more_specific_options_win() {
        let settings =
            settings(&["--service", "zoo-b", "--workers", "2", "--set", "workers=3", "--profile", "production", "--user", "bob:b"]);
        let settings = settings.expect("good options");
        assert_eq!((settings.preset.as_str(), settings.workers), ("zoo-b", 3));
        assert_eq!(settings.durations, Durations::production());
        assert_eq!(settings.users.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "bob".to_owned())]);
    }

    #[test]
    fn wrong_options_are_refused_with_what_was_expected() {
        for (args, message) in [
            (["--service", "soundd"], "there is no preset `soundd`; did you mean `sound`?"),
            (["--set", "workers"], "`workers` is not NAME=VALUE"),
            (["--user", "s3cret"], "`--user` is not NAME:TOKEN"),
            (["--store", "rediss:/u:pw@h"], "knob `store`: `rediss:/u:***@h` is not memory, embedded, or redis://host:port/db"),
            (["--set", "store=redis:u:pw@h"], "knob `store`: `redis:***@h` is not memory, embedded, or redis://host:port/db"),
            (["--store", "mysql"], "knob `store`: `mysql` is not memory, embedded, or redis://host:port/db"),
        ] {
            assert_eq!(settings(&args).err().as_deref(), Some(message));
        }
    }
}
