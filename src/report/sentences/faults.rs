//! Each fault class in words: how it arises, how it shows from outside, and what cures it.

use crate::model::fault::{FaultClass, Owner};

/// What happens inside a service of this class, in one sentence.
pub fn mechanism(class: FaultClass) -> &'static str {
    match class {
        FaultClass::A => "The record that status reads is written some time after the answer that hands out the id.",
        FaultClass::B => "Each worker keeps scans in its own memory, so only the worker that accepted a scan knows it.",
        FaultClass::C => "Status reads a replica or cache that receives every write late.",
        FaultClass::CPrime => "Status reads sometimes the primary and sometimes a replica that lags behind it.",
        FaultClass::D => "A cache in front keeps the first not_found and repeats it, so asking early makes the window longer.",
        FaultClass::E => "The record appears when the job starts, not when it is queued, so the window grows with the queue.",
        FaultClass::F => "The record is removed while callers still ask for it.",
        FaultClass::G => "Status reads an index that takes up new scans only at its next refresh.",
        FaultClass::H => "An update removes the record for a moment before it writes the new one.",
        FaultClass::I => "The transaction that writes the record commits just after the answer has been sent.",
        FaultClass::J => "Status finds a scan by something other than its id, and answers for another one.",
        FaultClass::K => "The scan is stored in a scope (tenant, region) that a plain status request does not look in.",
        FaultClass::L => "Some ids do not survive the way through routers and decoders.",
        FaultClass::M => "Some accepted scans are written nowhere.",
        FaultClass::N => "A never-issued id is answered as if it were pending.",
        FaultClass::O => "An old copy or a fallback is answered after the truth has moved on.",
        FaultClass::P => {
            "The connection that carried the POST is not served until background work has ended, which hides the window from pooled clients."
        }
        FaultClass::Q => "Status does not check who is asking.",
        FaultClass::R => "The right to see a scan is written later than the scan, so its owner is refused until it has arrived.",
        FaultClass::S => "An acknowledged change of a scan is not in the copy that status reads, for a while or now and then.",
        FaultClass::T => "A deleted scan stays in a copy, a cache or an index that status still reads.",
        FaultClass::U => "A cache keeps the first visible answer and repeats it after the scan has moved on.",
        FaultClass::V => "The state is set to its end before the result has been stored.",
        FaultClass::W => "Reading a scan changes it: the first read of the end removes it or marks it as delivered.",
        FaultClass::X => "The record is written in several steps, and status shows it before the last of them.",
        FaultClass::Y => "The record starts with a default value that reads as an end, until the first real state replaces it.",
        FaultClass::Z => "The request fails or times out after the job was created, so the caller has no id for a job that runs.",
    }
}

/// How it shows from outside.
pub fn looks(class: FaultClass) -> &'static str {
    match class {
        FaultClass::A => "Denied up to a fixed age and never after, on every connection alike, whether it is polled once or often.",
        FaultClass::B => "Denied at any age with about the same share, for ever; one kept connection is always right or always wrong.",
        FaultClass::C => "Denied up to the lag; a second write, such as a cancel, becomes visible late by the same amount.",
        FaultClass::CPrime => "Found and denied by turns while the copy lags, and steady afterwards.",
        FaultClass::D => "Denied longer by polling early: a scan that was left alone is found at an age at which a polled one is denied.",
        FaultClass::E => "Denied longer the more scans were asked for at once; an idle service shows nothing.",
        FaultClass::F => "Found, and denied from some age on, or from the end of the scan, or when newer ones have come.",
        FaultClass::G => "Scans that were asked for at different times become visible at the same instants, a period apart.",
        FaultClass::H => "A single denial amid a long row of visible answers.",
        FaultClass::I => "Denied at once, and found a few milliseconds later.",
        FaultClass::J => "Never denied; the answer names another id, or was there before the scan was asked for.",
        FaultClass::K => {
            "Denied for ever at the plain address, and found at the one that was handed out with the id, or by the caller who was given the id."
        }
        FaultClass::L => "Denied for ever for some ids, which have characters or a length in common.",
        FaultClass::M => "Denied for ever for some scans that have nothing in common; no other endpoint knows them either.",
        FaultClass::N => "An id that was never issued is pending.",
        FaultClass::O => "Never denied; an ended scan runs again, or never ends for some connections.",
        FaultClass::P => "No denials on the connection that carried the POST, but one poll on it takes seconds.",
        FaultClass::Q => "Another user is answered, too.",
        FaultClass::R => "The owner is refused (401 or 403) for a while after the scan was accepted, and sees it later.",
        FaultClass::S => {
            "New scans are visible at once, but after a change has been acknowledged the old state is answered, for a while or by turns."
        }
        FaultClass::T => "After a deletion has been acknowledged the scan is still answered: for a while, by turns, or for ever.",
        FaultClass::U => "A scan that was polled early still shows an early state at an age at which an unpolled one shows its end.",
        FaultClass::V => "Status says that a scan has ended, and its result is missing for a while.",
        FaultClass::W => {
            "Of several polls at the end exactly one sees it, or scans that are polled go and unpolled ones of the same age stay."
        }
        FaultClass::X => "Every scan is visible at first without some of the members that its later answers have.",
        FaultClass::Y => "The first state of nearly every scan is one of the end; then it runs, and ends.",
        FaultClass::Z => "A request that failed left a job behind, which the list or the witness shows.",
    }
}

/// What cures it in any service, and what only seems to.
pub fn cure(class: FaultClass) -> &'static str {
    match class {
        FaultClass::A => {
            "Write the record before the answer that hands out the id. Sharing a cache between instances does not help while its entry is written late."
        }
        FaultClass::B => {
            "Keep the record in one store that all instances read and write, written before the answer. A placeholder in an instance's own memory does not help."
        }
        FaultClass::C => {
            "Read a just-accepted scan from the primary, or hand out the id only when the replica has it. A placeholder arrives at the replica just as late."
        }
        FaultClass::CPrime => "Pin the reads of a scan to the primary until the replica has caught up (session consistency).",
        FaultClass::D => "Send `Cache-Control: no-store` on not_found, or stop the cache from keeping such answers.",
        FaultClass::E => "Write the record when the job is queued, with the state `queued`.",
        FaultClass::F => "Keep a scan longer than callers may ask: lookup longer than result, result longer than the scan.",
        FaultClass::G => "Read by id from the store rather than from the index, or refresh the index before answering.",
        FaultClass::H => "Replace the record in one step instead of deleting and inserting it.",
        FaultClass::I => "Commit before the answer is sent.",
        FaultClass::J => {
            "Look a scan up by its own id, and key its slot by that id. A slot shared by all scans of a user makes this worse."
        }
        FaultClass::K => {
            "Ask for the status as the caller that asked for the scan (same user, tenant, region) and at the address that the answer hands out, or derive the scope from the id."
        }
        FaultClass::L => "Issue ids of unreserved characters only, or decode them exactly once.",
        FaultClass::M => "Acknowledge a scan only after it is durably queued. A placeholder alone would show it as running for ever.",
        FaultClass::N => "Answer an id that was never issued with not_found, and let no fallback invent a state for it.",
        FaultClass::O => {
            "Keep one source of truth, and never let an older state replace a newer one, nor a fallback without a state of the end answer for a scan that has ended."
        }
        FaultClass::P => {
            "Run background work after the response is finished, outside the middleware. It hides another fault rather than being the cause: look at fresh connections."
        }
        FaultClass::Q => "Check the owner on every path that answers for a scan, fallbacks among them.",
        FaultClass::R => {
            "Write the grant in the same transaction as the scan, or check the owner that is stored with the scan instead of a copy of the grants."
        }
        FaultClass::S => {
            "Update or drop the copy that status reads before the change is acknowledged, or read a just-changed scan from the primary."
        }
        FaultClass::T => {
            "Remove the scan from every copy, cache and index before the deletion is acknowledged, or leave a tombstone that they all check."
        }
        FaultClass::U => "Send `Cache-Control: no-store` on every state that can still change, or let the cache keep only the end.",
        FaultClass::V => "Store the result first and set the end afterwards, or do both in one transaction.",
        FaultClass::W => {
            "Let a read change nothing: keep the scan until its lifetime is over, or until the caller removes it with a request of its own."
        }
        FaultClass::X => "Write the whole record in one step, or hide it until its last member has been written.",
        FaultClass::Y => "Start the record with a state such as `queued`, and let no missing value be read as an end.",
        FaultClass::Z => {
            "Take an idempotency key with the request and answer a repeat with the same job, or undo the job where the request fails."
        }
    }
}

/// Which of the reference service's three options (placeholder, lifecycle fallback, shared cache) cure it, and which do not.
pub fn options(class: FaultClass) -> &'static str {
    match class {
        FaultClass::A => {
            "A placeholder before the answer (option 1) cures this, as does a fallback to the early-written lifecycle (option 2) if it checks the owner; the shared cache (option 3) alone does not."
        }
        FaultClass::B => {
            "Option 3 does that; the placeholder of option 1 stands in the worker's own memory, and a fallback to the lifecycle (option 2) hides it behind a stale state."
        }
        FaultClass::C => "So does option 1; a shared cache (option 3) helps only if it is not itself the replica.",
        FaultClass::CPrime => "None of the three options does that.",
        FaultClass::D => {
            "Option 1 leaves it nothing to keep if the record is there from the first instant; options 2 and 3 do not touch it."
        }
        FaultClass::E => "That is option 1 in the right place; options 2 and 3 do not move the instant of writing.",
        FaultClass::F => "None of the three options changes a lifetime.",
        FaultClass::G => "A placeholder (option 1) that goes through the same index waits for the same refresh.",
        FaultClass::H | FaultClass::L | FaultClass::P | FaultClass::U | FaultClass::W | FaultClass::Z => {
            "None of the three options touches it."
        }
        FaultClass::I => "A placeholder (option 1) cures it only if it is committed before the answer, too.",
        FaultClass::J => "Option 1 as usually written has such a slot.",
        FaultClass::K => "None of the three options changes the scope.",
        FaultClass::M => "Option 1 is such a placeholder.",
        FaultClass::N => "Option 2 without a check is such a fallback.",
        FaultClass::O => "Option 2 is such a fallback, and option 3 (memory first, copied on read) causes this, too.",
        FaultClass::Q => "Option 2 as usually written causes this.",
        FaultClass::R => "None of the three options writes a grant.",
        FaultClass::S => "None of the three options does that; option 3 (memory first, copied on read) can cause it.",
        FaultClass::T => "None of the three options does that; options 2 and 3 add a copy that a deletion has to reach.",
        FaultClass::V => "None of the three options changes the order of result and end.",
        FaultClass::X => "A placeholder (option 1) makes this worse if it has not all members.",
        FaultClass::Y => "A placeholder (option 1) cures it only if its state is not one of the end.",
    }
}

/// What to change, in the words of whoever runs the service.
pub fn advice(class: FaultClass, owner: Owner) -> String {
    match owner {
        Owner::Reference => format!("{} {}", cure(class), options(class)),
        Owner::Other => cure(class).to_owned(),
    }
}
