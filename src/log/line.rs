//! The line of an exchange as it stands in its block: texts are borrowed until it is clear which of them are new.
//!
//! Nine of ten texts of a long log are known already. To allocate each, only to let go of it, would cost a tenth of a report.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::answer::{Answer, State, TransportFault};
use crate::model::compact::CompactOption;
use crate::model::digest::Digest;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose, Route};
use crate::model::text::Texts;
use crate::model::time::{Nanos, Stamp};
use crate::model::trace::SpanId;

/// [`Exchange`], which says what the fields mean.
#[derive(Deserialize)]
pub(super) struct ExchangeLine<'a> {
    scenario: u32,
    #[serde(default)]
    arm: u32,
    #[serde(default)]
    scan: CompactOption<u64>,
    kind: Kind,
    purpose: Purpose,
    connection: Connection,
    #[serde(default)]
    poller: u32,
    #[serde(default)]
    offset: CompactOption<Nanos>,
    planned: Stamp,
    sent: Stamp,
    #[serde(default)]
    first_byte: CompactOption<Stamp>,
    done: Stamp,
    #[serde(default)]
    conn: CompactOption<u32>,
    new_conn: Option<bool>,
    http: Option<u16>,
    answer: Answer,
    fault: Option<TransportFault>,
    state: Option<State>,
    #[serde(borrow)]
    word: Option<Borrowed<'a>>,
    #[serde(default)]
    progress: CompactOption<f64>,
    #[serde(borrow)]
    id: Option<Borrowed<'a>>,
    #[serde(borrow)]
    echo: Option<Borrowed<'a>>,
    #[serde(borrow)]
    worker: Option<Borrowed<'a>>,
    #[serde(borrow)]
    cache: Option<Borrowed<'a>>,
    seen: Option<bool>,
    complete: Option<bool>,
    #[serde(default)]
    created: CompactOption<u64>,
    route: Option<Route>,
    trace: Option<SpanId>,
    digest: Option<Digest>,
    #[serde(borrow)]
    body: Option<Borrowed<'a>>,
}

/// A text of the block, or one of its own where the line has escapes.
#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

impl ExchangeLine<'_> {
    /// The exchange, with the texts that are known.
    pub(super) fn keep(self, texts: &mut Texts) -> Exchange {
        let mut text = |borrowed: Option<Borrowed<'_>>| borrowed.map(|Borrowed(text)| texts.shared(&text));
        Exchange {
            scenario: self.scenario,
            arm: self.arm,
            scan: self.scan,
            kind: self.kind,
            purpose: self.purpose,
            connection: self.connection,
            poller: self.poller,
            offset: self.offset,
            planned: self.planned,
            sent: self.sent,
            first_byte: self.first_byte,
            done: self.done,
            conn: self.conn,
            new_conn: self.new_conn,
            http: self.http,
            answer: self.answer,
            fault: self.fault,
            state: self.state,
            word: text(self.word),
            progress: self.progress,
            id: text(self.id),
            echo: text(self.echo),
            worker: text(self.worker),
            cache: text(self.cache),
            seen: self.seen,
            complete: self.complete,
            created: self.created,
            route: self.route,
            trace: self.trace,
            digest: self.digest,
            body: text(self.body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_exchange_that_was_written() {
        let least =
            r#"{"scenario":0,"kind":"poll","purpose":"offset","connection":"fresh","planned":1,"sent":2,"done":3,"answer":"visible"}"#;
        let whole = r#"{"scenario":1,"arm":2,"scan":3,"kind":"cancel","purpose":"then","connection":"keep-alive","poller":4,"offset":-5,"planned":6,
            "sent":7,"first_byte":8,"done":9,"conn":10,"new_conn":true,"http":200,"answer":"transport","fault":"timeout","state":"running",
            "word":"at \"work\"","progress":0.5,"id":"a","echo":"b","worker":"c","cache":"d","seen":false,"complete":true,"created":12,"route":"handed_out",
            "trace":"00f067aa0ba902b7","digest":"4a4d726fde7942ad","body":"ein Wort – \n"}"#;
        for text in [least, whole] {
            let exchange: Exchange = serde_json::from_str(text).expect("an exchange");
            let line: ExchangeLine<'_> = serde_json::from_str(text).expect("a line");
            assert_eq!(line.keep(&mut Texts::default()), exchange);
        }
        let fields = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON").as_object().map(serde_json::Map::len);
        let written = serde_json::to_string(&serde_json::from_str::<Exchange>(whole).expect("an exchange")).expect("JSON");
        assert_eq!(fields(&written), fields(whole), "the test leaves out no field");
    }
}
