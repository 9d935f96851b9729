//! The exit codes as help tells them. They are the same everywhere; a command tells those that it can end with.

/// Of a command that measures, or judges what was measured.
pub const OF_A_VERDICT: &str = "\
Exit codes:
  0    all expectations held
  1    an expectation failed: the gap is back
  2    wrong usage, or a wrong scenario, target or configuration file
  3    inconclusive: it could not be measured, or the target's first answers show that it cannot be
  130  interrupted; the log is kept and a partial report written";

const OF_A_WATCH: &str = "\
Exit codes:
  0    passed when --rounds or --for was over
  1    the verdict turned to fail, or was fail at the end
  2    wrong usage, or a wrong scenario, target or configuration file
  3    inconclusive at the end: it could not be measured
  130  interrupted; the logs are kept and the report written";

const OF_A_LOG: &str = "\
Exit codes:
  0  all expectations held
  1  an expectation failed
  2  wrong usage, or a log that cannot be read
  3  inconclusive: it could not be measured";

const OF_A_COMPARISON: &str = "\
Exit codes:
  0  nothing got worse
  1  something got worse
  2  wrong usage, or a file that cannot be read
  3  the two cannot be compared, or there is too little to compare";

const OF_A_TEXT: &str = "\
Exit codes:
  0  done
  2  wrong usage, or a wrong file";

const OF_A_DRAFT: &str = "\
Exit codes:
  0  done, or not wanted
  2  wrong usage, or something that only you can decide
  3  the service's answers cannot be used, such as a POST that it refuses";

const OF_A_CHECK: &str = "\
Exit codes:
  0  done
  2  wrong usage, or a wrong file
  3  --live: the target's answers cannot be used with the file";

const OF_A_SERVICE: &str = "\
Exit codes:
  0  stopped by SIGTERM or Ctrl-C
  1  serving failed
  2  wrong usage, or settings, a store or a port that cannot be used";

const OF_THE_MATRIX: &str = "\
Exit codes:
  0  everything was found that had to be, and nothing else
  1  a disagreement
  2  wrong usage";

/// What the help of a command says about its exit codes.
pub fn of(command: &str) -> &'static str {
    match command {
        "report" | "diagnose" | "merge" => OF_A_LOG,
        "compare" => OF_A_COMPARISON,
        "watch" => OF_A_WATCH,
        "serve" => OF_A_SERVICE,
        "matrix" => OF_THE_MATRIX,
        "check" => OF_A_CHECK,
        "init" => OF_A_DRAFT,
        "completions" | "config" | "explain" | "import" | "man" | "schema" => OF_A_TEXT,
        _ => OF_A_VERDICT,
    }
}
