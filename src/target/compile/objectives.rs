//! What reports call a job, and what they hold a run to.

use crate::model::noun::Noun;
use crate::model::slo::{Slo, SloEvent};
use crate::model::source::InputError;

use super::super::file::SloFile;
use super::Compiler;

impl Compiler<'_> {
    pub(super) fn noun(&self, written: Option<&str>) -> Result<Noun, InputError> {
        let Some(written) = written else { return Ok(Noun::default()) };
        Noun::read(&self.text("noun", written)?)
            .map_err(|problem| self.complain("noun", problem, "write what one job is called, in the singular: `noun = \"render\"`"))
    }

    pub(super) fn slo(&self, file: &SloFile) -> Result<Vec<Slo>, InputError> {
        let mut all: Vec<Slo> = Vec::new();
        for (event, written) in [(SloEvent::Visible, &file.visible), (SloEvent::Done, &file.done)] {
            for (end, text) in written.iter().flat_map(|written| written.texts()) {
                let at = format!("slo.{}{end}", event.word());
                let slo = Slo::read(event, &self.text(&at, text)?)
                    .map_err(|problem| self.complain(&at, problem, "for example `visible = \"p99 <= 200ms\"`"))?;
                if let Some(earlier) = all.iter().find(|earlier| earlier.event == event && earlier.quantile_word() == slo.quantile_word()) {
                    return Err(self.complain(
                        &at,
                        format!("`{earlier}` is given already"),
                        "one bound for each quantile; keep the one that must hold",
                    ));
                }
                all.push(slo);
            }
        }
        Ok(all)
    }
}
