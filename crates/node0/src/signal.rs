//! Signals that ask a process to stop.

/// Waits for SIGTERM or Ctrl-C; each call waits for the next one.
///
/// If the system does not allow waiting for a signal, this never returns, and a signal
/// ends the process as usual.
pub async fn stop_signal() {
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            node0_log_relay::log(move || tracing::warn!(%error, "Ctrl-C cannot be waited for"));
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(error) => {
            node0_log_relay::log(move || tracing::warn!(%error, "SIGTERM cannot be waited for"));
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}
