//! A hostile server, and what must become of a run against it.
//!
//! Each case is a row: what the server does, in which bucket of the log that ends, and what the verdict is. Whatever it does, the
//! run ends, its log can be read, and every report can be written and holds nothing that steers a terminal.
//!
//! wire: a server of raw sockets that does as it is told · cases: runs rows · framing: HTTP that is none · bodies: what cannot be
//! read · `status_codes`: codes and pauses · ids: ids that nobody expects · connection: connections that fail · dying: a target that
//! goes away · binary: some of it through the binary · outputs: nowhere to write to · killed: kill -9.

mod binary;
mod bodies;
mod cases;
mod connection;
mod dying;
mod framing;
mod ids;
mod killed;
mod outputs;
mod status_codes;
mod wire;
