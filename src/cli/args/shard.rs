//! Which shard of a run this is: named on the command line, or told by the scheduler that runs several.

use crate::cli::error::CliError;
use crate::model::shard::MOST_SHARDS;
use crate::run::Place;

/// The value of `--shard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardChoice {
    /// As the scheduler says.
    Auto,
    /// This one.
    Named(Place),
}

/// More shards than this are a typing error.
const MOST: u32 = MOST_SHARDS;

impl std::str::FromStr for ShardChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<ShardChoice, String> {
        if text == "auto" {
            return Ok(ShardChoice::Auto);
        }
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse::<u32>().ok()?, of.parse::<u32>().ok()?)));
        let Some((index, of)) = numbers else {
            return Err("expected I/N, such as 2/5 for the second of five, or auto".to_owned());
        };
        if index == 0 || of == 0 || index > of {
            return Err(format!("there is no shard {index} of {of}: shards count from 1, such as 1/5 to 5/5"));
        }
        if of > MOST {
            return Err(format!("a run has at most {MOST} shards"));
        }
        Ok(ShardChoice::Named(Place { index: index - 1, of }))
    }
}

impl ShardChoice {
    /// The shard that is meant; `variable` looks up the environment.
    pub fn resolve(self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Place, CliError> {
        match self {
            ShardChoice::Named(place) => Ok(place),
            ShardChoice::Auto => scheduled(variable),
        }
    }
}

/// What to tell a run that is one of a scheduler's several jobs and was not asked to be a shard: in a pipeline whose author never
/// heard of shards it must measure the whole plan, and one whose author forgot `--shard` should learn of it.
pub fn unasked(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let place = scheduled(variable).ok().filter(|place| place.of > 1)?;
    Some(format!(
        "this is job {} of {}, and each of them runs the whole plan; with --shard auto, and the same --seed for all, each runs its part",
        place.index + 1,
        place.of
    ))
}

/// A scheduler that tells each of its jobs which one it is.
struct Scheduler {
    name: &'static str,
    /// Where it says which.
    index: &'static str,
    /// Where it, or whoever wrote the job, says of how many; the first one that is set counts.
    of: &'static [&'static str],
    /// Where it says what it counts from, and by what it counts on; 0 and 1 where it does not.
    first: Option<&'static str>,
    step: Option<&'static str>,
    /// What it counts from where it does not say.
    counts_from: u32,
}

const SCHEDULERS: [Scheduler; 3] = [
    // The number of completions is not passed on to the pods of an indexed Job, so the manifest has to.
    Scheduler {
        name: "a Kubernetes indexed Job",
        index: "JOB_COMPLETION_INDEX",
        of: &["STATUSGAP_SHARDS", "JOB_COMPLETIONS"],
        first: None,
        step: None,
        counts_from: 0,
    },
    Scheduler { name: "GitLab", index: "CI_NODE_INDEX", of: &["CI_NODE_TOTAL"], first: None, step: None, counts_from: 1 },
    Scheduler {
        name: "a Slurm array",
        index: "SLURM_ARRAY_TASK_ID",
        of: &["SLURM_ARRAY_TASK_COUNT"],
        first: Some("SLURM_ARRAY_TASK_MIN"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
        counts_from: 0,
    },
];

const NAME_IT: &str = "name the shard, such as --shard 2/5";

fn scheduled(variable: &dyn Fn(&str) -> Option<String>) -> Result<Place, CliError> {
    let set: Vec<&Scheduler> = SCHEDULERS.iter().filter(|scheduler| variable(scheduler.index).is_some()).collect();
    match set.as_slice() {
        [scheduler] => place(scheduler, variable),
        [] => {
            let looked: Vec<&str> = SCHEDULERS.iter().map(|scheduler| scheduler.index).collect();
            Err(CliError::usage(format!("no scheduler says which shard this is: none of {} is set", looked.join(", ")), NAME_IT))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|scheduler| scheduler.name).collect();
            Err(CliError::usage(format!("{} all say which shard this is", names.join(" and ")), NAME_IT))
        }
    }
}

fn place(scheduler: &Scheduler, variable: &dyn Fn(&str) -> Option<String>) -> Result<Place, CliError> {
    let number = |name: &str| -> Result<Option<u32>, CliError> {
        let Some(text) = variable(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| CliError::usage(format!("{name} is `{text}`, which is not a number"), NAME_IT))
    };
    let optional = |name: Option<&'static str>| name.map_or(Ok(None), number);
    let task = number(scheduler.index)?.unwrap_or_default();
    let mut of = None;
    for name in scheduler.of {
        of = of.or(number(name)?);
    }
    let Some(of) = of else {
        return Err(CliError::usage(
            format!("{} says which shard this is ({}), but not of how many", scheduler.name, scheduler.index),
            format!("set {} to the number of jobs", scheduler.of[0]),
        ));
    };
    let first = optional(scheduler.first)?.unwrap_or(scheduler.counts_from);
    let step = optional(scheduler.step)?.unwrap_or(1).max(1);
    // An array like 1,5,9 without a step leaves numbers beyond the count: then nothing says which place a task has.
    let index = task.checked_sub(first).filter(|past| past % step == 0).map(|past| past / step).filter(|index| *index < of);
    index.filter(|_| of <= MOST).map(|index| Place { index, of }).ok_or_else(|| {
        CliError::usage(format!("{} numbers this job {task}, of {of} from {first} on: that is none of them", scheduler.name), NAME_IT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        ShardChoice::Auto.resolve(&variable).map(|place| place.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_scheduler_is_understood() {
        for (variables, shard) in [
            (&[("JOB_COMPLETION_INDEX", "0"), ("STATUSGAP_SHARDS", "4")][..], "1/4"),
            (&[("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "4")], "4/4"),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "4")], "1/4"),
            (&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")], "4/4"),
            (&[("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_MIN", "1")], "1/4"),
            (&[("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_MIN", "0")], "4/4"),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "14"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                    ("SLURM_ARRAY_TASK_MIN", "10"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                ],
                "3/3",
            ),
        ] {
            assert_eq!(told(variables).as_deref(), Ok(shard), "{variables:?}");
        }
    }

    #[test]
    fn what_no_scheduler_or_too_many_say_is_refused_with_a_way_out() {
        for (variables, why) in [
            (&[][..], "no scheduler says which shard this is"),
            (&[("JOB_COMPLETION_INDEX", "0")], "not of how many"),
            (&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "4")], "none of them"),
            (&[("CI_NODE_INDEX", "one"), ("CI_NODE_TOTAL", "4")], "is not a number"),
            (&[("SLURM_ARRAY_TASK_ID", "9"), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "1")], "none of them"),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2"), ("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_COUNT", "2")], "all say"),
        ] {
            let error = told(variables).expect_err("no shard");
            assert!(error.contains(why), "{variables:?}: {error}");
        }
    }

    #[test]
    fn one_of_several_jobs_that_was_not_asked_to_be_a_shard_is_told() {
        let told = |index: &'static str, of: &'static str| {
            unasked(&move |name| match name {
                "CI_NODE_INDEX" => Some(index.to_owned()),
                "CI_NODE_TOTAL" => Some(of.to_owned()),
                _ => None,
            })
        };
        assert!(told("2", "3").is_some_and(|note| note.contains("job 2 of 3") && note.contains("--shard auto")));
        assert_eq!(told("1", "1"), None);
        assert_eq!(told("4", "3"), None);
        assert_eq!(unasked(&|_| None), None);
    }

    #[test]
    fn shards_are_named_from_one_on() {
        assert_eq!("2/5".parse(), Ok(ShardChoice::Named(Place { index: 1, of: 5 })));
        for wrong in ["0/5", "6/5", "1/0", "2", "a/b", "1/100000", ""] {
            assert!(wrong.parse::<ShardChoice>().is_err(), "{wrong}");
        }
    }
}
