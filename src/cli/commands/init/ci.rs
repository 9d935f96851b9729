//! The step of a pipeline that runs a gate with a target file. The texts are those of docs/ci.md, which a test runs as the build services
//! do.

use std::sync::LazyLock;

use clap::ValueEnum;
use regex::Regex;

use crate::cli::error::CliError;
use crate::model::source::Source;
use crate::target::Target;

/// Which build service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuildService {
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// Jenkins
    Jenkins,
}

/// What the texts have in the place of what is a project's own.
const FILE: &str = "ci/jobs.toml";

impl BuildService {
    fn text(self) -> &'static str {
        match self {
            BuildService::Github => include_str!("steps/github.yml"),
            BuildService::Gitlab => include_str!("steps/gitlab.yml"),
            BuildService::Jenkins => include_str!("steps/Jenkinsfile"),
        }
    }

    /// The line with the address in it, as it stands in the text.
    fn address_line(self) -> &'static str {
        match self {
            BuildService::Github | BuildService::Gitlab => "    JOBS_URL: http://127.0.0.1:8080\n",
            BuildService::Jenkins => "    JOBS_URL = 'http://127.0.0.1:8080'\n",
        }
    }

    fn variable(self, name: &str, value: &str) -> String {
        match self {
            BuildService::Github | BuildService::Gitlab => format!("    {name}: {}\n", yaml(value)),
            BuildService::Jenkins => format!("    {name} = '{}'\n", groovy(value)),
        }
    }

    /// How a secret comes into the step's environment.
    fn secret(self, name: &str) -> String {
        match self {
            BuildService::Github => format!("    {name}: ${{{{ secrets.{name} }}}}\n"),
            BuildService::Gitlab => format!("    # {name}: add it as a masked variable in Settings, CI/CD, Variables\n"),
            BuildService::Jenkins => format!("    {name} = credentials('{}')\n", name.to_ascii_lowercase().replace('_', "-")),
        }
    }

    /// The step for a target file at this path.
    pub fn step(self, path: &str, text: &str) -> Result<String, CliError> {
        // Only its form is looked at: what the variables are set to is the pipeline's business.
        let variables = Variables::of(text);
        let unset = |name: &str| variables.secrets.iter().any(|secret| secret == name).then(|| "unset".to_owned());
        Target::read(Source { file: path, text }, &unset)?;
        let mut lines = variables.address.map_or_else(String::new, |(name, value)| self.variable(&name, &value));
        for name in &variables.secrets {
            lines.push_str(&self.secret(name));
        }
        let quoted = shlex::try_quote(path)
            .map_err(|_| CliError::usage(format!("`{path:?}` cannot be the path of a pipeline"), "give the file another name"))?;
        let path = if self == BuildService::Jenkins { groovy(&quoted) } else { quoted.into_owned() };
        let step = self.text().replace(FILE, &path).replace(self.address_line(), &lines);
        // Without variables, their heading has nothing below it.
        let headings = ["  env:\n", "  variables:\n", "  environment {\n  }\n"];
        Ok(if lines.is_empty() { headings.iter().fold(step, |step, heading| step.replacen(heading, "", 1)) } else { step })
    }
}

/// The variables that a target file takes from the environment.
struct Variables {
    /// That of the address, with its default.
    address: Option<(String, String)>,
    /// Those that have no default.
    secrets: Vec<String>,
}

/// `${NAME}` and `${NAME:-default}`
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    // A constant, and a test reads it.
    Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}").expect("a pattern")
});

impl Variables {
    fn of(text: &str) -> Variables {
        let mut variables = Variables { address: None, secrets: Vec::new() };
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let is_address = line.trim_start().starts_with("base_url");
            for found in VARIABLE.captures_iter(line) {
                let name = found[1].to_owned();
                match found.get(2) {
                    Some(default) if is_address => {
                        variables.address.get_or_insert((name, default.as_str().to_owned()));
                    }
                    None if !variables.secrets.contains(&name) => variables.secrets.push(name),
                    _ => {}
                }
            }
        }
        variables
    }
}

/// A text as YAML has it.
fn yaml(value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || ":/._-".contains(c)) && !value.ends_with(':') && !value.is_empty();
    if is_plain { value.to_owned() } else { format!("'{}'", value.replace('\'', "''")) }
}

/// A text between the single quotes of Groovy.
fn groovy(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "\\'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_those_of_the_page_on_ci() {
        let page = include_str!("../../../../docs/ci.md");
        for service in BuildService::value_variants() {
            assert!(page.contains(service.text()), "{service:?}: docs/ci.md has another step");
            assert!(service.text().contains(service.address_line()) && service.text().contains(FILE), "{service:?}");
        }
    }

    const TARGET: &str = "name = 'x'\nbase_url = '${X_URL:-http://h:1}'\n[users.owner]\nheaders = { Authorization = 'Bearer ${X_TOKEN}' }\n\
        [initiate]\npath = '/j'\nid = { pointer = '/id' }\n[status]\npath = '/j/{id}'\n";

    #[test]
    fn a_step_has_the_files_own_path_and_variables() {
        for (service, wanted) in [
            (BuildService::Github, ["X_URL: http://h:1", "X_TOKEN: ${{ secrets.X_TOKEN }}", "--target ci/x.toml "]),
            (BuildService::Gitlab, ["X_URL: http://h:1", "# X_TOKEN:", "--target ci/x.toml "]),
            (BuildService::Jenkins, ["X_URL = 'http://h:1'", "X_TOKEN = credentials('x-token')", "--target ci/x.toml "]),
        ] {
            let step = service.step("ci/x.toml", TARGET).expect("a step");
            for wanted in wanted {
                assert!(step.contains(wanted), "{service:?}: no {wanted} in\n{step}");
            }
            assert!(!step.contains("JOBS_URL") && !step.contains(FILE), "{step}");
        }
        let odd = BuildService::Jenkins.step("it's mine.toml", TARGET).expect("a step");
        assert!(odd.contains(r#"--target "it\'s mine.toml" "#), "{odd}");
        let plain = TARGET.replace("${X_URL:-http://h:1}", "http://h:1").replace("${X_TOKEN}", "t");
        let step = BuildService::Github.step("x.toml", &plain).expect("a step");
        assert!(!step.contains("env:"), "{step}");
        assert!(BuildService::Github.step("x.toml", "name = 1").is_err());
    }
}
