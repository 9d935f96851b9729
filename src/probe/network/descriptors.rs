//! Room for the descriptors of many connections.

/// As many as a run of ten thousand scans in flight needs; the table takes 128 KiB of the kernel's memory.
#[cfg(target_os = "linux")]
const ENOUGH: u64 = 16 * 1024;

/// Has the kernel make room for as many connections as a run may open, or as the process is allowed.
///
/// Linux doubles the table of a process's descriptors when it is full, and in a process of several threads it first waits until no
/// processor can be looking at the old one (RCU): whoever opened the 257th or the 513th connection was held up by some 10 ms. To be called
/// before there are threads, when it costs nothing; it changes nothing but when that is done.
pub fn make_room_for_connections() {
    #[cfg(target_os = "linux")]
    {
        let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(ENOUGH);
        let last = i32::try_from(allowed.min(ENOUGH)).unwrap_or(0) - 1;
        // The room stays when what had the last place in it is gone. Where there is none to be had, connections are opened as ever.
        if let Ok(any) = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC) {
            let _ = rustix::io::fcntl_dupfd_cloexec(&any, last);
        }
    }
}
