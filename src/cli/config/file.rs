//! The file `statusgap.toml`: where it is, and what it says about a command's options.

use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::Value;

use super::{PROBING, is_flag, is_list, is_path, is_shared, key, refusal};
use crate::model::source::{InputError, Source, nearest};

/// The file's name.
pub const NAME: &str = "statusgap.toml";

/// A configuration file that was read and found right for a parser.
pub struct ConfigFile {
    /// The file as it is told, relative to the working directory if it was found.
    pub path: String,
    text: String,
    table: toml::Table,
}

/// What the file says about one option.
pub struct Said {
    /// The values as they would be typed.
    pub values: Vec<String>,
    /// The line of the value, from 1.
    pub line: usize,
    /// Whether it stands in the command's own table rather than at the top.
    pub own: bool,
}

/// The nearest file, in a folder or in a parent within the same repository, as a path that begins at the folder. Outside of
/// a repository only the folder itself counts: what lies further up belongs to somebody else.
pub fn find(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().position(|above| above.join(".git").exists()).unwrap_or(0);
    let up = folder.ancestors().take(root + 1).position(|above| above.join(NAME).is_file())?;
    Some(std::iter::repeat_n(Path::new(".."), up).chain([Path::new(NAME)]).collect())
}

impl ConfigFile {
    /// Reads a file, and checks every key and value of it, also those that the present command does not take.
    pub fn read(path: String, text: String, parser: &Command) -> Result<ConfigFile, InputError> {
        let table = Source { file: &path, text: &text }.read::<toml::Table>()?;
        let file = ConfigFile { path, text, table };
        file.check(parser)?;
        Ok(file)
    }

    /// What it says about an option of a command.
    pub fn says(&self, command: &str, arg: &Arg) -> Option<Said> {
        let key = key(arg)?;
        let own = self.table.get(command).and_then(Value::as_table).and_then(|table| Some((format!("{command}.{key}"), table.get(&key)?)));
        let top = || is_shared(command, arg).then(|| Some((key.clone(), self.table.get(&key)?))).flatten();
        let is_own = own.is_some();
        let (place, value) = own.or_else(top)?;
        // Every value was checked on reading.
        let values = values(arg, value).unwrap_or_default();
        Some(Said { values: values.into_iter().map(|value| self.located(arg, value)).collect(), line: self.line(&place), own: is_own })
    }

    /// A path in the file is relative to the file.
    fn located(&self, arg: &Arg, value: String) -> String {
        let folder = Path::new(&self.path).parent().unwrap_or(Path::new(""));
        if !is_path(arg) || value.contains("://") || folder.as_os_str().is_empty() {
            return value;
        }
        let joined = folder.join(&value);
        // What has no flag may also be the name of something that is built in.
        if arg.is_positional() && !joined.exists() { value } else { joined.display().to_string() }
    }

    fn source(&self) -> Source<'_> {
        Source { file: &self.path, text: &self.text }
    }

    fn line(&self, place: &str) -> usize {
        self.source().complain(place, "", None).place.map_or(1, |place| place.line)
    }

    fn check(&self, parser: &Command) -> Result<(), InputError> {
        let commands: Vec<&Command> = parser.get_subcommands().collect();
        let probing = commands.iter().filter(|command| PROBING.contains(&command.get_name()));
        let shared: Vec<&Arg> = probing.flat_map(|command| command.get_arguments()).collect();
        for (name, value) in &self.table {
            let command = commands.iter().find(|command| command.get_name() == name);
            if let (Some(command), Value::Table(table)) = (command, value) {
                let args: Vec<&Arg> = command.get_arguments().collect();
                for (key, value) in table {
                    self.check_key(&format!("{name}.{key}"), key, value, &args, &[])?;
                }
            } else {
                self.check_key(name, name, value, &shared, &commands)?;
            }
        }
        Ok(())
    }

    /// Checks one key and its value; `commands` are those whose tables could be meant instead.
    fn check_key(&self, place: &str, name: &str, value: &Value, args: &[&Arg], commands: &[&Command]) -> Result<(), InputError> {
        match args.iter().find(|arg| key(arg).as_deref() == Some(name)) {
            Some(arg) => self.check_value(place, name, arg, value),
            None => Err(self.unknown(place, name, args, commands)),
        }
    }

    fn check_value(&self, place: &str, name: &str, arg: &Arg, value: &Value) -> Result<(), InputError> {
        let complain = |message: String| self.source().complain(place, message, None);
        let values = values(arg, value).map_err(|what| complain(format!("`{name}` must be {what}")))?;
        match values.iter().find_map(|value| if is_flag(arg) { None } else { refusal(arg, value) }) {
            Some(why) => Err(complain(format!("`{name}` is wrong: {why}"))),
            None => Ok(()),
        }
    }

    /// A key that nothing here is called by.
    fn unknown(&self, place: &str, name: &str, args: &[&Arg], commands: &[&Command]) -> InputError {
        let keys: Vec<String> = args.iter().filter_map(|arg| key(arg)).collect();
        let owner = commands.iter().find(|command| command.get_arguments().any(|arg| key(arg).as_deref() == Some(name)));
        let plain = name.replace('-', "_");
        let hint = match (owner, nearest(&plain, keys.iter().map(String::as_str).chain(commands.iter().map(|command| command.get_name()))))
        {
            (Some(owner), _) => format!("it is a key of `{0}`: put it below [{0}]", owner.get_name()),
            (None, Some(meant)) => format!("did you mean `{meant}`?"),
            (None, None) => "`statusgap config` lists the keys; each is an option's name with _ for -".to_owned(),
        };
        self.source().complain_of_key(place, format!("unknown key `{name}`"), Some(hint))
    }
}

/// A value as it would be typed: one word, or several for a list; none for a flag that is off. What it must be if it is not.
fn values(arg: &Arg, value: &Value) -> Result<Vec<String>, &'static str> {
    if is_flag(arg) {
        let on = value.as_bool().ok_or("true or false")?;
        return Ok(if on { vec![String::new()] } else { Vec::new() });
    }
    match value {
        Value::Array(items) if is_list(arg) => items.iter().map(|item| word(item).ok_or("a list of strings or numbers")).collect(),
        Value::Array(_) => Err("one value, not a list"),
        one => word(one).map(|word| vec![word]).ok_or("a string or a number"),
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Datetime(date) => Some(date.to_string()),
        Value::Boolean(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::parser::parser;

    fn read(text: &str) -> Result<ConfigFile, InputError> {
        let mut parser = parser();
        parser.build();
        ConfigFile::read(NAME.to_owned(), text.to_owned(), &parser)
    }

    #[test]
    fn it_is_found_in_a_parent_up_to_the_repositorys_root_and_no_further() {
        let top = tempfile::tempdir().expect("a folder");
        let deep = top.path().join("repository/ci/jobs");
        std::fs::create_dir_all(&deep).expect("folders");
        std::fs::write(top.path().join(NAME), "").expect("a file");
        assert_eq!(find(&deep), None, "there is no repository");
        std::fs::create_dir(top.path().join("repository/.git")).expect("a folder");
        assert_eq!(find(&deep), None, "what lies above the repository is not its own");
        std::fs::write(top.path().join("repository").join(NAME), "").expect("a file");
        assert_eq!(find(&deep), Some(PathBuf::from("../../statusgap.toml")));
        std::fs::write(deep.join(NAME), "").expect("a file");
        assert_eq!(find(&deep), Some(PathBuf::from(NAME)), "the nearest counts");
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_place_and_a_way_out() {
        for (text, told) in [
            ("# x\nmax_rsp = 3\n", &["statusgap.toml:2:1: unknown key `max_rsp`", "did you mean `max_rps`?"][..]),
            ("max-rps = 3\n", &["statusgap.toml:1:1", "did you mean `max_rps`?"]),
            ("[rum]\nseed = 1\n", &["unknown key `rum`", "did you mean `run`?"]),
            ("[run]\ntimeuot = \"3s\"\n", &["statusgap.toml:2:1", "did you mean `timeout`?"]),
            ("port = 80\n", &["below [serve]"]),
            ("timeout = 5\n", &["statusgap.toml:1:11: `timeout` is wrong"]),
            ("max_scans = \"many\"\n", &["statusgap.toml:1:13: `max_scans` is wrong"]),
            ("color = \"sometimes\"\n", &["statusgap.toml:1:9", "always, never"]),
            ("quiet = \"yes\"\n", &["must be true or false"]),
            ("service = [\"sound\"]\n", &["one value, not a list"]),
            ("seed = true\n", &["must be a string or a number"]),
            ("dry_run = true\n", &["unknown key `dry_run`"]),
            ("max_rps = \n", &["statusgap.toml:1"]),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text}: not refused")).to_string();
            assert!(told.iter().all(|told| error.contains(told)), "{text}: {error}");
        }
    }
}
