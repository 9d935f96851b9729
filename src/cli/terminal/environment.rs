//! What kind of place this process runs in: a terminal, a build machine, and what they say about colour.

use std::io::IsTerminal;

/// Variables by which build services make themselves known.
const CI: [&str; 9] =
    ["CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "TF_BUILD", "TEAMCITY_VERSION", "CIRCLECI", "BITBUCKET_BUILD_NUMBER"];

/// How progress can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Somebody is watching, and a line can be drawn over.
    Terminal,
    /// A log: a build service, a pipe or a file. What is written stays.
    Log,
}

/// Where standard error goes. A build service may offer a terminal that nobody watches: it is a log all the same.
pub fn place() -> Place {
    place_of(std::io::stderr().is_terminal(), &environment)
}

fn place_of(terminal: bool, lookup: &dyn Fn(&str) -> Option<String>) -> Place {
    if terminal && !is_ci(lookup) && !is_dumb(lookup) { Place::Terminal } else { Place::Log }
}

/// Whether standard output is to be coloured when nobody said so.
pub fn wants_colour() -> bool {
    wants_colour_of(std::io::stdout().is_terminal(), &environment)
}

/// <https://no-color.org> (set and not empty) comes before <https://bixense.com/clicolors> (set and not 0).
fn wants_colour_of(terminal: bool, lookup: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name| lookup(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if let Some(force) = set("CLICOLOR_FORCE") {
        return force != "0";
    }
    terminal && !is_dumb(lookup) && set("CLICOLOR").is_none_or(|value| value != "0")
}

fn is_ci(lookup: &dyn Fn(&str) -> Option<String>) -> bool {
    CI.iter().any(|name| lookup(name).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false")))
}

fn is_dumb(lookup: &dyn Fn(&str) -> Option<String>) -> bool {
    lookup("TERM").is_some_and(|value| value == "dumb")
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn a_build_machine_is_a_log_even_if_it_offers_a_terminal() {
        for (terminal, variables, place) in [
            (true, &[][..], Place::Terminal),
            (false, &[], Place::Log),
            (true, &[("CI", "true")], Place::Log),
            (true, &[("CI", "false")], Place::Terminal),
            (true, &[("JENKINS_URL", "http://builds/")], Place::Log),
            (true, &[("TERM", "dumb")], Place::Log),
        ] {
            assert_eq!(place_of(terminal, &among(variables)), place, "{terminal} {variables:?}");
        }
    }

    #[test]
    fn no_colour_is_stronger_than_forced_colour_and_that_than_the_terminal() {
        for (terminal, variables, wanted) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (true, &[("CLICOLOR_FORCE", "0")], false),
            (true, &[("CLICOLOR", "0")], false),
            (true, &[("TERM", "dumb")], false),
        ] {
            assert_eq!(wants_colour_of(terminal, &among(variables)), wanted, "{terminal} {variables:?}");
        }
    }
}
