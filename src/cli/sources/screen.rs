//! Lines that tell what was read, asked and answered, each with a word in front, within 80 columns.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::cli::terminal::output;
use crate::draft::infer::{IdPlace, Poll, Unknown};
use crate::draft::{Draft, Finished, Readings};
use crate::model::call::Answered;
use crate::model::wording::{age, counted};
use crate::report::wrap;
use crate::run::learn::{LearnNote, quoted};

/// The narrowest terminal in use.
const COLUMNS: usize = 80;

/// The word in front, with the blanks behind it.
const WORD: usize = 9;

/// So many polls are shown; the answers of the others are in what is made of them.
const POLLS_SHOWN: u32 = 8;

/// Where lines go, if anywhere.
#[derive(Debug)]
pub struct Screen {
    is_quiet: bool,
    last: RefCell<Option<(u16, String)>>,
    polls: Cell<u32>,
    /// The job's id, which is shortened where an answer repeats it.
    id: RefCell<String>,
}

impl Screen {
    /// Lines on standard error, unless nobody wants them.
    pub fn new(is_quiet: bool) -> Screen {
        Screen { is_quiet, last: RefCell::new(None), polls: Cell::new(0), id: RefCell::new(String::new()) }
    }

    /// A line, and more where it is long.
    pub fn line(&self, word: &str, text: &str) {
        if self.is_quiet {
            return;
        }
        for (at, line) in wrap(text, COLUMNS - WORD).iter().enumerate() {
            output::eprint_note(&format!("{:<WORD$}{line}", if at == 0 { word } else { "" }));
        }
    }

    /// A line that is cut where it would be too long: what a target said.
    fn cut_line(&self, word: &str, before: &str, said: &str, after: &str) {
        let room = (COLUMNS - WORD).saturating_sub(before.chars().count() + after.chars().count());
        let short: String = said.chars().take(room.saturating_sub(1)).collect();
        let said = if short.len() < said.len() { format!("{short}…") } else { said.to_owned() };
        if !self.is_quiet {
            output::eprint_note(&format!("{word:<WORD$}{before}{said}{after}"));
        }
    }

    /// The two requests, and what was taken out of them.
    pub fn read(&self, draft: &Draft, left_out: &[String]) {
        let (initiate, status) = (&draft.pair.initiate, &draft.pair.status);
        let dropped = if draft.dropped == 0 {
            String::new()
        } else {
            format!("; {} of the browser's own left out", counted(draft.dropped as u64, "header"))
        };
        let login = draft.pair.login.as_ref().map_or_else(String::new, |login| format!("login {}, ", login.shown()));
        self.line("read", &format!("{login}{}, {}{dropped}", draft.asked(initiate), draft.asked(status)));
        for note in left_out {
            self.line("note", note);
        }
        for secret in &draft.secrets {
            let of_basic = if secret.is_basic { " (user and password in base64)" } else { "" };
            self.line("secret", &format!("{} → ${}{of_basic}, kept out of the file", secret.place, secret.variable));
        }
    }

    /// What was asked, and answered.
    pub fn note(&self, draft: &Draft, note: LearnNote<'_>) {
        match note {
            // What it gave is nobody's business.
            LearnNote::LoggedIn(answer, token) => {
                let expires = token.expires.as_ref().map_or_else(String::new, |place| format!(", good for the seconds at {place}"));
                self.line("login", &format!("{}, and {} is what the others carry{expires}", answer.http, token.place.shown()));
            }
            LearnNote::Posted(answer, took) => {
                self.cut_line(
                    &draft.pair.initiate.method,
                    &format!("{} in {}  ", answer.http, ms(took)),
                    &draft.shown(&quoted(answer)),
                    "",
                );
            }
            LearnNote::Id(id, place) => {
                self.id.replace(id.to_owned());
                if let IdPlace::Client(template) = place {
                    self.cut_line("id", "", id, &format!("   (the client gives it: {template})"));
                    return;
                }
                let looks_alike = draft.pair.shape.as_ref().is_some_and(|shape| shape.fits(id)) && matches!(place, IdPlace::Pointer(_));
                let why = match place {
                    IdPlace::Within(..) => "   (within the address there)",
                    _ if looks_alike => "   (looks like the id in your second request)",
                    _ => "",
                };
                self.cut_line("id", &format!("{} = ", place.shown()), id, why);
            }
            LearnNote::Never(answer) => {
                self.cut_line("never", &format!("{}  ", answer.http), &draft.shown(&quoted(answer)), "   <- a never-issued id");
            }
            LearnNote::Polled(poll) => self.polled(draft, poll),
        }
    }

    /// A poll that differs from the one before.
    fn polled(&self, draft: &Draft, poll: &Poll) {
        let said = self.shortened(&draft.shown(&quoted(&poll.answer)));
        let key = (poll.answer.http, without_digits(&said));
        if self.last.borrow().as_ref() == Some(&key) {
            return;
        }
        self.last.replace(Some(key));
        self.polls.set(self.polls.get() + 1);
        match self.polls.get() {
            ..=POLLS_SHOWN => self.cut_line("poll", &format!("{:>7}  {}  ", age(poll.age_ms), poll.answer.http), &said, ""),
            n if n == POLLS_SHOWN + 1 => self.line("poll", "… (the answer keeps changing)"),
            _ => {}
        }
    }

    /// An answer with the beginning of the id alone, so that there is room for what it says.
    fn shortened(&self, said: &str) -> String {
        const BEGINNING: usize = 8;
        let id = self.id.borrow();
        let beginning: String = id.chars().take(BEGINNING).collect();
        if id.chars().count() > BEGINNING + 4 { said.replace(id.as_str(), &format!("{beginning}…")) } else { said.to_owned() }
    }

    /// An answer, with how it is read behind it. An answer like the one before is not shown again.
    pub fn answered(&self, word: &str, before: &str, answer: &Answered, clean: &dyn Fn(String) -> String, after: &str) {
        let said = self.shortened(&clean(quoted(answer)));
        let key = (answer.http, format!("{word}{}{after}", without_digits(&said)));
        if word == "poll" && self.last.borrow().as_ref() == Some(&key) {
            return;
        }
        self.last.replace(Some(key));
        let before = if before.is_empty() { String::new() } else { format!("{before}  ") };
        self.cut_line(word, &format!("{before}{}  ", answer.http), &said, after);
    }

    /// The job's id, which is shortened from here on.
    pub fn id(&self, id: &str) {
        self.id.replace(id.to_owned());
        self.cut_line("id", "", id, "");
    }

    /// The gap, if the one job was denied.
    pub fn gap(&self, readings: &Readings) {
        self.gap_of(&readings.denied(), readings.first_visible());
    }

    /// The same, from the ages of denied polls and that of the first one which was visible.
    pub fn gap_of(&self, denied: &[f64], visible: Option<f64>) {
        let Some(last) = denied.last() else { return };
        let until = match visible {
            Some(visible) => format!("last at {}; it was visible at {}", age(*last), age(visible)),
            None => format!("last at {}", age(*last)),
        };
        let times = if denied.len() == 1 { "once".to_owned() } else { format!("{} times", denied.len()) };
        self.line("GAP", &format!("the API denied this job {times} after accepting it, {until}"));
    }

    /// How the file reads the answers, and what it leaves open.
    pub fn read_as(&self, finished: &Finished, is_tried: bool) {
        let (contract, has_foreign) = (&finished.contract, finished.target.can().foreign_user);
        let mut parts = vec![unknown(&contract.unknown)];
        if let Some(state) = &contract.state {
            let words: Vec<String> = contract.states.words().map(|(word, meaning)| format!("{word} → {meaning}")).collect();
            parts.push(if words.is_empty() { format!("state {state}") } else { format!("state {state}: {}", words.join(", ")) });
        }
        parts.extend(contract.by_list.iter().map(|(list, state)| format!("in {} → {state}", list.split('[').next().unwrap_or(list))));
        parts.extend(contract.echo.iter().map(|place| format!("echo {place}")));
        parts.extend(contract.progress.iter().map(|place| format!("progress {place}")));
        parts.extend(contract.follow.iter().map(|place| format!("follow {}", place.shown())));
        self.line("read as", &parts.join(" · "));
        let mut open = Vec::new();
        let states = &contract.states;
        if contract.state.is_none() && contract.by_list.is_empty() {
            open.push("where the state stands");
        } else if contract.by_list.is_empty() && states.succeeded.is_empty() && !states.running.is_empty() {
            // No word that came up says by common usage that a job has ended.
            open.push("which of those words say that a job has ended: in the file, all are at work");
        } else if states.failed.is_empty() && contract.by_list.is_empty() {
            open.push("words for failure");
        }
        if !is_tried {
            open.push("how a never-issued id is answered");
        }
        if !has_foreign {
            open.push("a second user");
        }
        open.push("a cancel");
        self.line("open", &open.join("; "));
    }
}

/// How an unknown id is answered, in words.
fn unknown(unknown: &Unknown) -> String {
    match unknown {
        Unknown::UsualCode(code) | Unknown::Code(code) => format!("not found: HTTP {code}"),
        Unknown::Constant { http, pointer, value } => format!("not found: HTTP {http}, and {pointer} is {value}"),
        Unknown::Absent { http, pointer } => format!("not found: HTTP {http} without {pointer}"),
        Unknown::NotListed { http, list } => format!("not found: HTTP {http}, and the id is not in {}", list.shown()),
    }
}

/// What is left of an answer while it only counts.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn ms(took: Duration) -> String {
    age(took.as_secs_f64() * 1e3)
}
