//! Writes to a scan that exists: cancel, update, delete.

use crate::model::source::InputError;

use super::super::file::{AskFile, WhenFile};
use super::super::template::Variable;
use super::super::{LaterWrite, WriteKind};
use super::Compiler;

impl Compiler<'_> {
    /// A write, and by what it shows; without a condition by `not_found`.
    pub(super) fn write(&self, write: WriteKind, ask: AskFile, seen_when: Option<&WhenFile>) -> Result<LaterWrite, InputError> {
        let section = write.section();
        let endpoint = self.endpoint(section, ask, write.kind(), Variable::WITH_ID)?;
        if !endpoint.names_the_scan() {
            return Err(self.complain(
                &format!("{section}.path"),
                format!("nothing here says which scan the {section} is for"),
                "put `{id}` into the path, a header or the body",
            ));
        }
        let seen_when = seen_when.map(|when| self.when(&format!("{section}.seen_when"), when)).transpose()?;
        Ok(LaterWrite { endpoint, seen_when })
    }
}
