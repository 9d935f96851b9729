//! What several of the suites need. Each uses its part of it.
#![allow(dead_code)]

pub mod browser;
pub mod driven;
pub mod golden;
pub mod long_log;
pub mod served;
pub mod skip;
pub mod timeline;
pub mod twinless;
pub mod virtual_run;
