//! The reference service inside this process, for commands that are given no other target.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::run::RunError;
use crate::service::{Service, Settings};

/// Enough for one to serve while another waits for a disk.
const THREADS: usize = 2;

/// The service on a free port of the loopback. It has threads of its own: on the probe's it would delay the very requests that
/// measure it.
pub struct Embedded {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
    threads: Threads,
}

/// Left to end by themselves: a runtime must not be waited for inside another one.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Embedded {
    /// Starts it.
    pub async fn start(settings: Settings) -> Result<Embedded, RunError> {
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("service").enable_all().build();
        let runtime = runtime.map_err(|source| RunError::System { action: "start the reference service", source })?;
        let (stop, stopped) = oneshot::channel();
        let (ready, told) = oneshot::channel();
        let ended = runtime.spawn(async move {
            let (service, listener) = match open(settings).await {
                Ok((service, listener, address)) => {
                    // Whoever asked waits for it, or is gone and has dropped `stop`, too.
                    let _ = ready.send(Ok(address));
                    (service, listener)
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return Ok(());
                }
            };
            let until = async {
                // A dropped sender means the same as a sent stop.
                let _ = stopped.await;
            };
            service.serve(listener, until).await
        });
        let threads = Threads(Some(runtime));
        let gone = |_| RunError::System { action: "start the reference service", source: std::io::ErrorKind::BrokenPipe.into() };
        let address = told.await.map_err(gone)??;
        Ok(Embedded { address, stop, ended, threads })
    }

    /// Stops it, and waits for the requests under way.
    pub async fn close(self) {
        let _ = self.stop.send(());
        // The service's own drain is bounded; how it ended does not concern a run that is over.
        let _ = self.ended.await;
        drop(self.threads);
    }
}

async fn open(settings: Settings) -> Result<(Service, TcpListener, SocketAddr), RunError> {
    let refused = |source| RunError::System { action: "listen on the loopback", source };
    let service = Service::open(settings).await.map_err(RunError::Service)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((service, listener, address))
}
