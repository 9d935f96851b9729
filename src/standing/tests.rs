//! When the standing verdict changes, and on which rounds it rests.

use super::*;
use crate::model::run::Run;

const RULES: Rules = Rules { keep: 4, recover: 3, patience: 2 };

